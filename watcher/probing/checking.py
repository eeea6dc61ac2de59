"""A receipt held against what its payer knows by itself: the bytes that went over the wire, and the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.chain.structs import Kind
from ledger.errors import MalformedInputError, ProtocolError
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import recover
from ledger.protocol.stripping import salted_hash, strip_json, strip_stream
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS, fee_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.chain.blocks import BlockRef
    from watcher.chains import Chains
    from watcher.probing.gateway import Exchange


@dataclass(frozen=True, slots=True)
class Envelope:
    """What came with an answer: `document` as it stood there, and what it says."""

    document: Mapping[str, Any]
    receipt: Receipt
    signature: bytes
    salt: bytes
    entries: tuple[SetEntry, ...]
    produced: bytes
    """The answer without the receipt: what responseHash covers."""


def read_envelope(answer: bytes, *, streamed: bool) -> Envelope:
    """The receipt in an answer.

    Raises:
        MalformedInputError: there is none, or it is of another form.
    """
    try:
        produced, document = (strip_stream if streamed else strip_json)(answer)
        if document is None:
            raise MalformedInputError("the answer carries no receipt")
        receipt = Receipt.from_json(document["receipt"])
        entries = tuple(SetEntry(int(entry["assetId"]), int(entry["ppm"])) for entry in document["set"])
        signature, salt = from_hex(document["signature"], 65), from_hex(document["salt"], 32)
    except (ProtocolError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedInputError(f"An answer's receipt can't be read: {error}.") from error
    return Envelope(document, receipt, signature, salt, entries, produced)


def faults(
    exchange: Exchange,
    envelope: Envelope,
    chains: Chains,
    parties: tuple[bytes, bytes],
    heads: tuple[BlockRef, BlockRef],
) -> list[str]:
    """What is wrong with a receipt, one clause each; none for a good one.

    Args:
        exchange: what was sent and received.
        envelope: the receipt that came.
        chains: where keys, prices and assets are asked.
        parties: the operator that was asked and the payer who asked.
        heads: the latest L2 block, whose time is the clock, and one that was safe before the question was sent: a batch
            that takes the seq later may be this receipt's own.
    """
    receipt, (operator, payer), (latest, before) = envelope.receipt, parties, heads
    price = chains.operators.price_at(operator, receipt.asset_id, receipt.started_at, latest)
    fee = fee_up(receipt.input_units, receipt.output_units, price.input_price_units, price.output_price_units)
    holds = {
        "it is another operator's": receipt.operator == operator,
        "it charges another payer": receipt.payer == payer,
        "requestHash is not of the body that was sent": receipt.request_hash
        == salted_hash(envelope.salt, exchange.request),
        "responseHash is not of the bytes that came": receipt.response_hash
        == salted_hash(envelope.salt, envelope.produced),
        "attributionHash is not of the set that came": receipt.attribution_hash == attribution_hash(envelope.entries),
        "its fee is not the published price times its units": receipt.fee_units == fee,
        "it names no model or adapter": chains.registry.kind_of(receipt.asset_id, latest) in (Kind.MODEL, Kind.ADAPTER),
        "startedAt is off by more than five minutes": abs(receipt.started_at - latest.timestamp)
        <= CLOCK_TOLERANCE_SECONDS,
        "its seq was committed before it was given": receipt.seq
        >= chains.ledger.next_seq(receipt.operator, receipt.lane, before),
        "its signer is no key of the lane": signed_by_lane(envelope, chains, latest),
    }
    return [fault for fault, held in holds.items() if not held]


def signed_by_lane(envelope: Envelope, chains: Chains, latest: BlockRef) -> bool:
    """Whether a key that is active now signed the receipt for its lane: then it is evidence, whatever it says."""
    receipt = envelope.receipt
    try:
        signer = recover(receipt.digest(chains.deployment.receipt_domain), envelope.signature)
    except ProtocolError:
        return False
    now = latest.timestamp
    return chains.operators.key_active_in(receipt.operator, receipt.lane, signer, now, now, latest)
