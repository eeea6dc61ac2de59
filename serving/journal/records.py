"""What goes into the journal and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from ledger.protocol.attribution import AttributionSet, attribution_hash
from ledger.protocol.hexadecimal import ZERO_HASH, to_hex
from ledger.protocol.receipt import Receipt, SignedReceipt
from ledger.protocol.stripping import receipt_member
from ledger.protocol.units import DAY_SECONDS


@dataclass(frozen=True, slots=True)
class NewIntent:
    """A request about to be answered. `exposure_units` is the most that its receipt can cost."""

    request_id: str
    payer: bytes
    key_id: str
    asset_id: int
    model: str
    exposure_units: int
    input_price_units: int
    output_price_units: int
    input_units: int
    request_hash: bytes
    response_hash: bytes
    """Hash of an answer of no bytes: what stands until the first checkpoint."""
    salt: bytes
    body_sha256: bytes
    started_at: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is known to have left: units and the hash over exactly those bytes."""

    request_id: str
    output_units: int
    response_hash: bytes
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer as produced, kept for a client that may ask again with the same Idempotency-Key."""

    status: int
    streamed: bool
    body: bytes


class Exchange(NamedTuple):
    """A request and its answer in bytes, kept for the draw, and the listing of what made its set."""

    request: bytes
    produced: bytes
    parameters: bytes


EXCHANGE_SECONDS: Final = 14 * DAY_SECONDS
"""The draw, its window and the challenge window are over by then."""


class UnlicensedUse(NamedTuple):
    """A passage of a dataset in an answer whose asset's terms do not admit that dataset.

    Attributes:
        dataset_id: the dataset.
        path, byte_offset: where the passage stands in it.
        words: how many words of it the answer has in a row.
        millibits: their surprisal.
    """

    dataset_id: int
    path: str
    byte_offset: int
    words: int
    millibits: int


class MadeBy(NamedTuple):
    """What made an attribution set: the method's name as 32 bytes, and the hash of its parameters."""

    method: bytes
    params_hash: bytes


NOBODY: Final = MadeBy(ZERO_HASH, ZERO_HASH)


@dataclass(frozen=True, slots=True)
class Closing:
    """How a request ended: everything in its receipt but the place in the lane."""

    request_id: str
    payer: bytes
    asset_id: int
    model: str
    request_hash: bytes
    response_hash: bytes
    input_units: int
    output_units: int
    fee_units: int
    attribution: AttributionSet
    started_at: int
    duration_ms: int
    salt: bytes
    body_sha256: bytes
    outcome: str
    finish_reason: str
    answer: Answer | None = None
    made_by: MadeBy = NOBODY
    unlicensed: tuple[UnlicensedUse, ...] = ()
    exchange: Exchange | None = None

    def receipt(self, operator: bytes, lane: int, seq: int) -> Receipt:
        """The receipt at this place of the lane."""
        return Receipt(
            operator=operator,
            lane=lane,
            seq=seq,
            payer=self.payer,
            asset_id=self.asset_id,
            request_hash=self.request_hash,
            response_hash=self.response_hash,
            input_units=self.input_units,
            output_units=self.output_units,
            fee_units=self.fee_units,
            attribution_hash=attribution_hash(self.attribution),
            started_at=self.started_at,
            duration_ms=self.duration_ms,
        )


@dataclass(frozen=True, slots=True)
class Issued:
    """A durable receipt, with what a client needs to check it."""

    request_id: str
    signed: SignedReceipt
    signer: bytes
    salt: bytes
    attribution: AttributionSet
    made_by: MadeBy
    body_sha256: bytes
    outcome: str
    finish_reason: str
    model: str

    def envelope(self) -> dict[str, object]:
        """The JSON that travels with an answer; docs/spec/receipt.md."""
        made: dict[str, object] = {}
        if self.made_by != NOBODY:
            made["attributionParamsHash"] = to_hex(self.made_by.params_hash)
        return {
            "receipt": self.signed.receipt.to_json(),
            "salt": to_hex(self.salt),
            "digest": to_hex(self.signed.digest),
            "signature": to_hex(self.signed.signature),
            "signer": to_hex(self.signer),
            "set": [{"assetId": asset_id, "ppm": ppm} for asset_id, ppm in self.attribution],
            **made,
        }

    def member(self) -> bytes:
        """The envelope as the bytes that are put into an answer."""
        return receipt_member(self.envelope())
