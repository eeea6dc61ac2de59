"""Signing a group of closings at the head of a lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from coincurve import PrivateKey

from ledger.protocol.domain import Domain
from ledger.protocol.receipt import SignedReceipt
from ledger.protocol.signature import address_of, sign
from serving.journal.lane import HeldLane
from serving.journal.records import Closing, Issued


@dataclass(frozen=True)
class ReceiptSigner:
    """The lane's key and the domain its signatures count in."""

    key: PrivateKey
    domain: Domain

    @cached_property
    def address(self) -> bytes:
        """20-byte address that the signatures recover to."""
        return address_of(self.key)

    def sign_all(self, held: HeldLane, closings: Sequence[Closing]) -> list[Issued]:
        """The closings as receipts on consecutive places from `held.next_seq` on.

        They count only once they are committed; until then the same places may be signed again for others.
        """
        signer = self.address
        return [self._sign(held, held.next_seq + n, closing, signer) for n, closing in enumerate(closings)]

    def _sign(self, held: HeldLane, seq: int, closing: Closing, signer: bytes) -> Issued:
        receipt = closing.receipt(held.identity.operator, held.identity.lane, seq)
        receipt.check()
        digest = receipt.digest(self.domain)
        return Issued(
            request_id=closing.request_id,
            signed=SignedReceipt(receipt, digest, sign(digest, self.key)),
            signer=signer,
            salt=closing.salt,
            attribution=closing.attribution,
            made_by=closing.made_by,
            body_sha256=closing.body_sha256,
            outcome=closing.outcome,
            finish_reason=closing.finish_reason,
            model=closing.model,
        )
