"""One batch from its blobs to what it adds to everybody's entitlement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.batch.blobs import BlobSource, fetch_blobs
from audit.batch.decode import ReadBatch, ReadReceipt, read_batch
from audit.batch.form import check_form
from audit.batch.pricing import check_assets, check_pricing, terms_time
from audit.batch.sets import Entry
from audit.chain.assets import Asset
from audit.chain.batches import Batch
from audit.chain.prices import Prices
from audit.difference import Differences
from audit.money.entitlement import Use, Weighed, weigh
from ledger.chain.blocks import BlockRef
from ledger.errors import BlobFormatError


@dataclass(frozen=True, slots=True)
class Sound:
    """A batch that counts."""

    read: ReadBatch
    sets: Mapping[int, tuple[Entry, ...]]
    """Its attribution sets by position."""
    weighed: Weighed
    """Its fees by what they draw on."""

    def entries(self, receipt: ReadReceipt) -> tuple[Entry, ...]:
        """A receipt's attribution set; empty for none."""
        return self.sets[receipt.set_position] if receipt.set_position else ()


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What batches are judged by."""

    assets: Mapping[int, Asset]
    prices: Prices

    def read(
        self, batch: Batch, sources: Sequence[BlobSource], posted_in: Sequence[BlockRef], differences: Differences
    ) -> Sound | None:
        """The batch, judged by every rule; None where it breaks one that keeps it from counting.

        Raises:
            BlobNotAvailableError: no source has one of its blobs.
        """
        blobs = fetch_blobs(batch, sources, posted_in, differences)
        try:
            read = read_batch(blobs)
        except BlobFormatError as error:
            differences.note(batch.place, "blobs", "a batch of format 1", error)
            return None
        sets = check_form(batch, read, differences)
        known = check_assets(batch, read, self.assets, differences)
        if sets is None or not known:
            return None
        check_pricing(batch, read, sets, self.assets, self.prices, differences)
        uses = (
            Use(
                receipt.asset_id,
                terms_time(receipt, batch),
                receipt.fee_units,
                sets[receipt.set_position] if receipt.set_position else (),
            )
            for receipt in read.receipts
        )
        return Sound(read, sets, weigh(uses, self.assets))
