"""Every kept transcript's attribution set computed again, and held against the receipt and the batch.

Source: docs/spec/attribution.md and docs/spec/transcript.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from audit.attribution.texts import PublishedTexts
from audit.attribution.transcripts import Transcript
from audit.batch.decode import ReadBatch, ReadReceipt
from audit.batch.pricing import terms_time
from audit.chain.assets import BY_OPERATOR, DATASET, Asset
from audit.chain.batches import Batch
from audit.difference import Differences
from ledger.attribution.published import PublishedAsset
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.errors import NotFoundError
from ledger.protocol.attribution import METHOD_WORD, CorpusEntry, SetEntry, attribute, parameters_listing
from ledger.protocol.attribution.finding import TextFile
from ledger.protocol.attribution.prior import NO_PRIOR, Prior
from ledger.protocol.attribution.transcript import listed_corpus
from ledger.protocol.keccak import keccak256

NO_SETS = bytes(32)


@dataclass
class Transcripts:
    """A client's transcripts, recomputed as the batches that hold their receipts are read."""

    kept: Sequence[Transcript]
    published: Mapping[bytes, PublishedAsset]
    """Assets whose files somebody handed over, by contentHash."""
    assets: Mapping[int, Asset]
    recomputed: int = 0
    _finders: dict[tuple[CorpusEntry, ...], PublishedTexts] = field(default_factory=dict)

    def check_bytes(self, differences: Differences) -> None:
        """Compare every transcript with the hashes in its own receipt."""
        for item in self.kept:
            receipt = item.kept.receipt
            for name, mine, theirs in zip(
                ("requestHash", "responseHash"), item.hashes, (receipt.request_hash, receipt.response_hash), strict=True
            ):
                differences.compare(item.place, name, mine, theirs)

    def compare(self, batch: Batch, read: ReadBatch, differences: Differences) -> None:
        """Recompute the sets of the transcripts whose receipts are in this batch.

        Raises:
            NotFoundError: a text or a prior that they need is not among the published assets.
        """
        mine = [t for t in self.kept if (t.kept.receipt.operator, t.kept.receipt.lane) == (read.operator, read.lane)]
        by_seq = {transcript.kept.receipt.seq: transcript for transcript in mine}
        for posted in read.receipts:
            transcript = by_seq.get(posted.seq)
            if transcript is not None:
                self._compare(transcript, posted, batch, differences)

    def _compare(self, item: Transcript, posted: ReadReceipt, batch: Batch, differences: Differences) -> None:
        terms = self.assets[posted.asset_id].at(terms_time(posted, batch))
        stated = bytes(batch.header["attributionParamsHash"])
        if terms.mode != BY_OPERATOR or not posted.output_units or (item.parameters is None and stated == NO_SETS):
            return  # no set is owed
        corpus = self._corpus(item)
        listing = parameters_listing(standard_method().parameters, corpus)
        if item.entries:
            method = bytes(batch.header["attributionMethod"])
            differences.compare(item.place, "attributionMethod", METHOD_WORD, method)
            differences.compare(item.place, "attributionParamsHash", keccak256(listing), stated)
        found = attribute(
            item.texts, self._finder(corpus), terms.datasets, self._prior(posted.asset_id), standard_method()
        )
        differences.compare(item.place, "attribution set", _text(found.entries), _text(item.entries))
        self.recomputed += 1

    def _corpus(self, item: Transcript) -> tuple[CorpusEntry, ...]:
        """The datasets that were matched: as the operator listed them, else every one that is at hand."""
        if item.parameters is not None:
            return listed_corpus(item.parameters)
        datasets = sorted((asset for asset in self.assets.values() if asset.kind == DATASET), key=lambda a: a.asset_id)
        return tuple(CorpusEntry(a.asset_id, a.content_hash) for a in datasets if a.content_hash in self.published)

    def _finder(self, corpus: tuple[CorpusEntry, ...]) -> PublishedTexts:
        if corpus not in self._finders:
            self._finders[corpus] = PublishedTexts(self._files(corpus), standard_method())
        return self._finders[corpus]

    def _files(self, corpus: Iterable[CorpusEntry]) -> Iterable[TextFile]:
        for path in sorted(path for path in BACKGROUND.rglob("*") if path.is_file()):
            yield TextFile(0, path.relative_to(BACKGROUND).as_posix(), path.read_bytes())
        for asset_id, content_hash in corpus:
            registered = self.assets.get(asset_id)
            if registered is None or registered.content_hash != content_hash:
                raise NotFoundError(f"The operator's list names asset {asset_id}, which is registered otherwise.")
            yield from self._published(asset_id, content_hash).files(asset_id)

    def _prior(self, asset_id: int) -> Prior:
        prior = self._published(asset_id, self.assets[asset_id].content_hash).prior()
        if prior is None:
            return NO_PRIOR
        return prior.prior({asset.content_hash: asset.asset_id for asset in self.assets.values()})

    def _published(self, asset_id: int, content_hash: bytes) -> PublishedAsset:
        asset = self.published.get(content_hash)
        if asset is None:
            raise NotFoundError(f"The files of asset {asset_id} (content 0x{content_hash.hex()}) are not at hand.")
        return asset


def _text(entries: Iterable[SetEntry]) -> str:
    return ", ".join(f"asset {asset_id}: {ppm} ppm" for asset_id, ppm in entries) or "none"
