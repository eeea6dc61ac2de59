"""AuditConsent: a payer lets attesters see drawn exchanges with one operator, for a while.

Source: docs/spec/draw.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger.errors import MalformedInputError
from ledger.protocol.domain import Domain, address_word, word
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import MAX_U40

CONSENT_TYPE: Final = "AuditConsent(address payer,address operator,uint40 validFrom,uint40 validUntil)"
_TYPEHASH: Final = keccak256(CONSENT_TYPE.encode())


@dataclass(frozen=True, slots=True)
class AuditConsent:
    """For receipts that started from `valid_from` up to, not including, `valid_until`; in the domain of receipts."""

    payer: bytes
    operator: bytes
    valid_from: int
    valid_until: int

    def check(self) -> None:
        """Nothing, if it can be signed.

        Raises:
            MalformedInputError: times out of range or order.
        """
        if not 0 <= self.valid_from < self.valid_until <= MAX_U40:
            raise MalformedInputError("a consent's validFrom must be before its validUntil, both below 2^40")

    def covers(self, started_at: int) -> bool:
        """Whether a receipt of this start time is meant."""
        return self.valid_from <= started_at < self.valid_until

    def digest(self, domain: Domain) -> bytes:
        """32 bytes that the payer signs."""
        return domain.digest(
            keccak256(
                _TYPEHASH,
                address_word(self.payer),
                address_word(self.operator),
                word(self.valid_from),
                word(self.valid_until),
            )
        )

    def signed_json(self, signature: bytes) -> dict[str, Any]:
        """The form that `parse_consent` reads: the EIP-712 message and its signature."""
        message = {
            "payer": to_hex(self.payer),
            "operator": to_hex(self.operator),
            "validFrom": self.valid_from,
            "validUntil": self.valid_until,
        }
        return {"consent": message, "signature": to_hex(signature)}


def parse_consent(document: Mapping[str, Any]) -> tuple[AuditConsent, bytes]:
    """The consent and the signature in `{"consent": {payer, operator, validFrom, validUntil}, "signature": "0x…"}`.

    Raises:
        MalformedInputError: of another form, or of times that make no sense.
    """
    stated = document.get("consent")
    if not isinstance(stated, Mapping):
        raise MalformedInputError("a consent has the members payer, operator, validFrom and validUntil")
    if {type(stated.get(name)) for name in ("validFrom", "validUntil")} != {int}:
        raise MalformedInputError("a consent's validFrom and validUntil are integers")
    payer, operator = (from_hex(stated.get(name), 20) for name in ("payer", "operator"))
    consent = AuditConsent(payer, operator, stated["validFrom"], stated["validUntil"])
    consent.check()
    return consent, from_hex(document.get("signature"), 65)
