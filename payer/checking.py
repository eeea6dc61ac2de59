"""A receipt held against what its payer knows by itself: the bytes that went over the wire, and the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from ledger.errors import ProtocolError
from ledger.protocol.attribution import attribution_hash
from ledger.protocol.signature import recover
from ledger.protocol.stripping import salted_hash
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS, fee_up

if TYPE_CHECKING:
    from ledger.chain.structs import Price
    from ledger.protocol.domain import Domain
    from ledger.protocol.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Parties:
    """Who was asked, and by whom."""

    operator: bytes
    payer: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """What was asked for: the body, the asset behind the model's name, a bound on the answer, the time."""

    request: bytes
    asset_id: int
    most_output_units: int | None
    sent_at: int
    ended_at: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back, without the receipt.

    Attributes:
        produced: bytes that responseHash must cover; None where the connection was cut, so that it can't be known how
            much of what was produced has arrived.
        failed: the answer is an error, which costs nothing.
    """

    produced: bytes | None
    failed: bool
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What the chain says: the first number that no batch had taken when the request was sent."""

    first_free_seq: int


def signer_of(envelope: Envelope, domain: Domain) -> bytes | None:
    """The address that signed the receipt in the domain; None if no key did."""
    try:
        return recover(envelope.receipt.digest(domain), envelope.signature)
    except ProtocolError:
        return None


def timeless_faults(envelope: Envelope, parties: Parties, sent: Sent, answered: Answered, price: Price) -> list[str]:
    """What is wrong with a receipt whenever one looks, beside its signature: a clause each; none for a good one."""
    return [
        *_wrong_parties(envelope, parties, sent),
        *_wrong_hashes(envelope, sent, answered),
        *_wrong_fee(envelope, sent, answered, price),
    ]


def timely_faults(envelope: Envelope, sent: Sent, known: Known) -> list[str]:
    """What is wrong with a fresh receipt's time and place."""
    receipt = envelope.receipt
    earliest, latest = sent.sent_at - CLOCK_TOLERANCE_SECONDS, sent.ended_at + CLOCK_TOLERANCE_SECONDS
    return _clauses(
        (earliest <= receipt.started_at <= latest, "startedAt is off by more than five minutes"),
        (receipt.seq >= known.first_free_seq, "a batch had taken its seq before the request was sent"),
    )


def _wrong_parties(envelope: Envelope, parties: Parties, sent: Sent) -> list[str]:
    receipt = envelope.receipt
    return _clauses(
        (receipt.operator == parties.operator, "it is another operator's"),
        (receipt.payer == parties.payer, "it charges another payer"),
        (receipt.asset_id == sent.asset_id, f"it is for asset {receipt.asset_id}, and {sent.asset_id} was asked"),
    )


def _wrong_hashes(envelope: Envelope, sent: Sent, answered: Answered) -> list[str]:
    receipt, salt = envelope.receipt, envelope.salt
    answer_fits = answered.produced is None or receipt.response_hash == salted_hash(salt, answered.produced)
    return _clauses(
        (receipt.request_hash == salted_hash(salt, sent.request), "requestHash is not of the body that was sent"),
        (answer_fits, "responseHash is not of the bytes that came"),
        (receipt.attribution_hash == attribution_hash(envelope.entries), "attributionHash is not of the set that came"),
    )


def _wrong_fee(envelope: Envelope, sent: Sent, answered: Answered, price: Price) -> list[str]:
    receipt = envelope.receipt
    fee = fee_up(receipt.input_units, receipt.output_units, price.input_price_units, price.output_price_units)
    bounded = sent.most_output_units is None or receipt.output_units <= sent.most_output_units
    shown = None if answered.produced is None else usage_in(answered.produced, streamed=answered.streamed)
    free = receipt.fee_units == receipt.input_units == receipt.output_units == 0
    return _clauses(
        (receipt.fee_units == fee, f"its fee is {receipt.fee_units}, and the published price makes it {fee}"),
        (bounded, f"it charges {receipt.output_units} tokens, more than the {sent.most_output_units} asked for"),
        (free or shown in (None, (receipt.input_units, receipt.output_units)), "it charges other tokens than it shows"),
        (free or not answered.failed, "it charges for an answer that failed"),
    )


def usage_in(produced: bytes, *, streamed: bool) -> tuple[int, int] | None:
    """Prompt and completion tokens as the answer itself states them; None where it does not."""
    documents = [produced]
    if streamed:
        events = [part for part in produced.split(b"\n\n") if part.startswith(b"data: ") and b'"usage"' in part]
        documents = [event.removeprefix(b"data: ") for event in events]
    for document in reversed(documents):
        usage = _usage(document)
        if usage is not None:
            return usage
    return None


def _usage(document: bytes) -> tuple[int, int] | None:
    try:
        fields: Any = from_json(document)
    except ValueError:
        return None
    usage = fields.get("usage") if isinstance(fields, dict) else None
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens", 0)
    if isinstance(prompt, int) and isinstance(completion, int):
        return prompt, completion
    return None


def _clauses(*held: tuple[bool, str]) -> list[str]:
    return [clause for holds, clause in held if not holds]
