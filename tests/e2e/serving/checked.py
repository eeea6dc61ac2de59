"""A receipt checked as a client checks it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from openai.resources import Completions as TextCompletions
from openai.resources.chat import Completions

from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of, recover
from ledger.protocol.stripping import salted_hash, strip_stream
from ledger.protocol.units import fee_up
from tests.factories.serving_world import ServingWorld, lane_key


class Streamed(NamedTuple):
    """A streamed answer as it was sent, as it was produced, and its receipt."""

    sent: bytes
    produced: bytes
    receipt: Receipt


def check_envelope(world: ServingWorld, envelope: dict, request: bytes, produced: bytes) -> Receipt:
    """The receipt, once everything in it was recomputed from what the client sent and got."""
    receipt = Receipt.from_json(envelope["receipt"])
    salt = bytes.fromhex(envelope["salt"][2:])
    digest = receipt.digest(world.flow.deployment.receipt_domain)
    assert to_hex(digest) == envelope["digest"]
    assert recover(digest, bytes.fromhex(envelope["signature"][2:])) == address_of(lane_key(receipt.lane))
    assert receipt.request_hash == salted_hash(salt, request)
    assert receipt.response_hash == salted_hash(salt, produced)
    price = world.flow.operators.price_at(world.operator, receipt.asset_id, receipt.started_at, "latest")
    prices = price.input_price_units, price.output_price_units
    assert receipt.fee_units == fee_up(receipt.input_units, receipt.output_units, *prices)
    assert receipt.operator == world.operator
    return receipt


def check_stream(world: ServingWorld, endpoint: Completions | TextCompletions, **ask: Any) -> Streamed:
    """What the official client gets as a stream of this endpoint, checked."""
    with endpoint.with_streaming_response.create(**ask, stream=True) as raw:
        sent = b"".join(raw.iter_bytes())
        request = raw.http_request.content
    produced, envelope = strip_stream(sent)
    return Streamed(sent, produced, check_envelope(world, envelope, request, produced))


def events_of(produced: bytes) -> list[dict[str, Any]]:
    """The JSON of a stream's events, in their order."""
    return [json.loads(event[6:]) for event in produced.split(b"\n\n") if event.startswith(b"data: {")]
