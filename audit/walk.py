"""The walk over batches and roots, in the order in which money became owed.

Batches come as they were finalised, and each root when everything that it covers has been added up; what is still open
comes last and adds to nobody's entitlement. One batch is in memory at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from audit.attribution.recomputing import Transcripts
from audit.batch.blobs import BlobSource
from audit.batch.reading import Rulebook
from audit.chain.batches import Batch
from audit.difference import Differences
from audit.histories import Histories
from audit.money.entitlement import Entitlements
from audit.money.payouts import Root, check_root
from audit.statements.comparison import Comparison
from audit.statements.receipts import KeptReceipts
from audit.verdict import Tally

KEPT_ROOTS = 2


@dataclass(slots=True)
class Walk:
    """Running sums of a walk; `entitlements` are what finalised batches owe."""

    histories: Histories
    sources: Sequence[BlobSource]
    kept: KeptReceipts
    transcripts: Transcripts
    token: bytes
    entitlements: Entitlements
    differences: Differences
    tally: Tally
    comparison: Comparison | None = None
    unallocated_units: int = 0
    payable: dict[int, dict[bytes, int]] = field(default_factory=dict)
    """Units that the newest two roots owe each payee, by root index."""

    def batches_and_roots(self) -> Iterator[Batch]:
        """Take the walk; each batch is yielded once it has been read."""
        batches = self.histories.batches.values()
        finalized = [(batch.finalized_block, batch.batch_id, batch) for batch in batches if batch.finalized_block]
        waiting = sorted(self.histories.roots, key=lambda root: (root.through_block, root.index))
        for block, _, batch in sorted(finalized, key=lambda entry: entry[:2]):
            while waiting and waiting[0].through_block < block:
                self._check(waiting.pop(0))
            self._read(batch)
            yield batch
        for root in waiting:
            self._check(root)
        for batch in batches:
            if batch.status == "open":
                self._read(batch)
                yield batch

    def finish(self, now: int) -> None:
        """Judge the kept receipts that no batch held."""
        self.tally.kept_receipts = self.kept.found
        self.tally.recomputed_sets = self.transcripts.recomputed
        self.tally.waiting_receipts = self.kept.finish(now, self.differences)

    def _check(self, root: Root) -> None:
        self.payable[root.index] = self.entitlements.payable()
        check_root(root, self.payable[root.index], self.histories.claims, self.token, self.differences)
        for index in sorted(self.payable)[:-KEPT_ROOTS]:
            del self.payable[index]

    def _read(self, batch: Batch) -> None:
        """Read a batch, and add its fees up if it is finalised."""
        posts = self.histories.posts.get(batch.post_hash, [])
        if not posts:
            self.differences.note(batch.place, "post of its blobs", "on L1", "nowhere")
        posted_in = [self.histories.l1_blocks[post.l1_block] for post in posts]
        rulebook = Rulebook(self.histories.assets, self.histories.prices)
        sound = rulebook.read(batch, self.sources, posted_in, self.differences)
        self.tally.blobs += len(batch.versioned_hashes)
        if self.comparison is not None:
            self.comparison.batch(batch, sound)
        if sound is None:
            self.tally.unreadable_batches += 1
            if batch.status == "finalized":
                self.unallocated_units += batch.header["totalFee"]
            return
        self.tally.receipts += len(sound.read.receipts)
        self.kept.compare(batch, sound.read, sound.sets, self.differences)
        self.transcripts.compare(batch, sound.read, self.differences)
        if batch.status == "finalized":
            self.entitlements.add(sound.read.operator, sound.weighed)
