"""BlobDemands (L2): blobs of unattested batches, on demand."""

from collections.abc import Sequence
from typing import ClassVar, cast

from ledger.chain.blocks import At
from ledger.chain.contracts.binding import Contract
from ledger.chain.contracts.challenges import CommittedBatch
from ledger.chain.structs import Demand
from ledger.chain.transaction import Call


class BlobDemands(Contract):
    """One method per function of IBlobDemands."""

    abi_name: ClassVar[str] = "BlobDemands"

    def demand_blob(self, batch: CommittedBatch, blob: int) -> Call:
        """Ask for a blob on L1; the sender's tokens pay the deposit."""
        return self._write("demandBlob", batch, blob)

    def answer(self, batch: CommittedBatch, blob: int, post: Sequence[bytes], index: int) -> Call:
        """Show that a demanded blob stands at this index of an attested post."""
        return self._write("answer", batch, blob, post, index)

    def void_withheld(self, batch: CommittedBatch, blob: int) -> Call:
        """Void a batch whose demanded blob was not posted in time."""
        return self._write("voidWithheld", batch, blob)

    def reclaim(self, batch_id: int, record_hash: bytes, blob: int) -> Call:
        """Return an open demand's deposit once its batch was voided."""
        return self._write("reclaim", batch_id, record_hash, blob)

    def demand_of(self, batch_id: int, record_hash: bytes, blob: int, at: At) -> Demand:
        """The demand for this blob of the filling that this record hash names."""
        return cast("Demand", self._read("demandOf", at, batch_id, record_hash, blob))

    def standing(self, batch_id: int, record_hash: bytes, at: At) -> tuple[int, int]:
        """(when a demanded blob was last posted, 0 for never; how many demands are open)."""
        posted_at, open_demands = self._read("standing", at, batch_id, record_hash)
        return posted_at, open_demands

    def deposit_units(self, at: At) -> int:
        """What a demand costs beforehand."""
        return cast("int", self._read("depositUnits", at))
