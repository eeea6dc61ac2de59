"""BlobInbox (L1): the witness that blobs were posted."""

from collections.abc import Sequence
from typing import ClassVar, cast

from ledger.chain.blocks import At
from ledger.chain.contracts.binding import Contract
from ledger.chain.transaction import Call


class BlobInbox(Contract):
    """One method per function of IBlobInbox."""

    abi_name: ClassVar[str] = "BlobInbox"

    def post_blobs(self) -> Call:
        """Record the transaction's blobs and deposit the attestation to L2 at once."""
        return self._write("postBlobs")

    def queue_blobs(self) -> Call:
        """Record the transaction's blobs; the attestation waits for `relay`."""
        return self._write("queueBlobs")

    def relay(self, post_hashes: Sequence[bytes]) -> Call:
        """Deposit one message for several queued posts."""
        return self._write("relay", post_hashes)

    def queued_at(self, post_hash: bytes, at: At) -> int:
        """Newest L1 second at which the post was queued, or 0."""
        return cast("int", self._read("queuedAt", at, post_hash))
