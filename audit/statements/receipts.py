"""Signed receipts that a client kept, compared with what was posted for them.

A receipt is a claim on the operator: it must stand in a batch under its own seq, with the same digest and the same
public fields, signed by a key of its lane. One whose time to be posted has not passed yet is only counted as waiting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.batch.decode import ReadBatch, ReadReceipt
from audit.batch.sets import Entry
from audit.chain.batches import Batch
from audit.chain.events import Event, of
from audit.difference import Differences, Place
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.domain import Domain
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import recover
from ledger.protocol.units import KEY_TESTIMONY_SECONDS, POST_DEADLINE_SECONDS
from ledger.receipt_files import read_receipts

Lane = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """A receipt in a client's file."""

    path: Path
    receipt: Receipt
    signature: bytes

    @property
    def place(self) -> Place:
        """Where the audit says it is, speaking of this file."""
        return Place("receipt_file", f"kept receipt {self.path.name}", seq=self.receipt.seq)


def load_receipts(folder: Path) -> list[KeptReceipt]:
    """Every receipt in the folder's *.json files, as the gateway's `receipt` member has it.

    Raises:
        MalformedInputError: there is no such folder, or a file is no receipt; the sentence names it.
    """
    return [KeptReceipt(kept.path, kept.receipt, kept.signature) for kept in read_receipts(folder)]


class KeptReceipts:
    """A client's receipts, ticked off as batches are read."""

    def __init__(self, kept: Iterable[KeptReceipt], domain: Domain, events: Iterable[Event]) -> None:
        """Take the receipts, the domain that they are signed for, and the chain's events for the lanes' keys."""
        self._waiting: dict[tuple[Lane, int], list[KeptReceipt]] = {}
        for item in kept:
            lane = (item.receipt.operator, item.receipt.lane)
            self._waiting.setdefault((lane, item.receipt.seq), []).append(item)
        self._domain = domain
        self._keys = _lane_keys(events)
        self.found = 0

    def compare(
        self, batch: Batch, read: ReadBatch, sets: Mapping[int, tuple[Entry, ...]], differences: Differences
    ) -> None:
        """Compare every kept receipt that this batch must hold with what it holds."""
        lane = (read.operator, read.lane)
        for posted in read.receipts:
            for item in self._waiting.pop((lane, posted.seq), ()):
                self.found += 1
                payer = read.payers[posted.payer_index].payer if posted.payer_index < len(read.payers) else b""
                self._compare(item, posted, payer, sets.get(posted.set_position, ()), batch, differences)

    def _compare(
        self,
        item: KeptReceipt,
        posted: ReadReceipt,
        payer: bytes,
        entries: Sequence[Entry],
        batch: Batch,
        differences: Differences,
    ) -> None:
        place = Place("receipt_file", f"kept receipt {item.path.name}", batch.batch_id, posted.position, posted.seq)
        receipt, digest = item.receipt, item.receipt.digest(self._domain)
        posted_sets = attribution_hash([SetEntry(*entry) for entry in entries])
        for name, mine, theirs in (
            ("digest", digest[:31], posted.digest31),
            ("payer", receipt.payer, payer),
            ("assetId", receipt.asset_id, posted.asset_id),
            ("inputUnits", receipt.input_units, posted.input_units),
            ("outputUnits", receipt.output_units, posted.output_units),
            ("feeUnits", receipt.fee_units, posted.fee_units),
            ("startedAt", receipt.started_at, posted.started_at),
            ("attributionHash", receipt.attribution_hash, posted_sets),
        ):
            differences.compare(place, name, mine, theirs)
        signer = recover(digest, item.signature)
        if not self._was_key((receipt.operator, receipt.lane), signer, batch.first_committed_at):
            differences.note(place, "signer", "a key of the lane", signer)

    def _was_key(self, lane: Lane, key: bytes, first_committed_at: int) -> bool:
        """Whether the key was active at any time in the KEY_TESTIMONY before the batch's first commit."""
        since, until = self._keys.get((lane, key), (None, None))
        earliest = first_committed_at - KEY_TESTIMONY_SECONDS
        return since is not None and since <= first_committed_at and (until is None or until >= earliest)

    def finish(self, now: int, differences: Differences) -> int:
        """Number of receipts that may still be posted; those that are overdue are differences."""
        waiting = [item for items in self._waiting.values() for item in items]
        overdue = [item for item in waiting if _deadline(item.receipt) < now]
        for item in overdue:
            differences.note(
                item.place, "place", "in a batch that stands", "in none, and its time to be posted is over"
            )
        return len(waiting) - len(overdue)


def _deadline(receipt: Receipt) -> int:
    """Last second at which the receipt may be posted."""
    return receipt.started_at + receipt.duration_ms // 1000 + POST_DEADLINE_SECONDS


def _lane_keys(events: Iterable[Event]) -> dict[tuple[Lane, bytes], tuple[int, int | None]]:
    """(when added, when revoked) of every key of every lane."""
    keys: dict[tuple[Lane, bytes], tuple[int, int | None]] = {}
    for event in of(events, "Operators", "KeyAdded", "KeyRevoked"):
        name = ((event.args["operator"], event.args["lane"]), event.args["key"])
        if event.name == "KeyAdded":
            keys[name] = (event.args["addedAt"], None)
        else:
            keys[name] = (keys[name][0] if name in keys else 0, event.args["revokedAt"])
    return keys
