"""A receipt held against what its payer knows by itself: the bytes that went over the wire, and the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.structs import Kind
from ledger.errors import MalformedInputError, ProtocolError
from ledger.protocol.attribution import attribution_hash
from ledger.protocol.envelope import read_answer
from ledger.protocol.signature import recover
from ledger.protocol.stripping import salted_hash
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS, fee_up

if TYPE_CHECKING:
    from ledger.chain.blocks import BlockRef
    from ledger.protocol.envelope import Envelope
    from watcher.chains import Chains
    from watcher.probing.gateway import Exchange


def read_envelope(answer: bytes, *, streamed: bool) -> tuple[bytes, Envelope]:
    """The answer as it was produced, and the receipt that came with it.

    Raises:
        MalformedInputError: there is none, or it is of another form.
    """
    produced, envelope = read_answer(answer, streamed=streamed)
    if envelope is None:
        raise MalformedInputError("An answer's receipt can't be read: the answer carries none.")
    return produced, envelope


def faults(
    exchange: Exchange,
    produced: bytes,
    envelope: Envelope,
    chains: Chains,
    parties: tuple[bytes, bytes],
    heads: tuple[BlockRef, BlockRef],
) -> list[str]:
    """What is wrong with a receipt, one clause each; none for a good one.

    Args:
        exchange: what was sent and received.
        produced: the answer without the receipt.
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
        "responseHash is not of the bytes that came": receipt.response_hash == salted_hash(envelope.salt, produced),
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
