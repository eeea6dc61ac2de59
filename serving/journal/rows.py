"""Between the journal's records and the columns of its statements."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.receipt import Receipt, SignedReceipt
from serving.journal.records import Checkpoint, Closing, Issued, MadeBy, NewIntent

INTENT_MONEY = frozenset({"exposure_units", "input_price_units", "output_price_units"})
_INTENT_FIELDS = tuple(NewIntent.__slots__)
_CHECKPOINT_FIELDS = tuple(Checkpoint.__slots__)


def intent_columns(intents: Sequence[NewIntent]) -> dict[str, list[Any]]:
    """One list a column, for unnest."""
    return {
        name: [Decimal(getattr(i, name)) if name in INTENT_MONEY else getattr(i, name) for i in intents]
        for name in _INTENT_FIELDS
    }


def checkpoint_columns(checkpoints: Iterable[Checkpoint]) -> dict[str, list[Any]]:
    rows = list(checkpoints)
    return {name: [getattr(row, name) for row in rows] for name in _CHECKPOINT_FIELDS}


def issued_columns(issued: Sequence[Issued]) -> dict[str, list[Any]]:
    receipts = [i.signed.receipt for i in issued]
    return {
        "request_id": [i.request_id for i in issued],
        "seq": [r.seq for r in receipts],
        "asset_id": [r.asset_id for r in receipts],
        "request_hash": [r.request_hash for r in receipts],
        "response_hash": [r.response_hash for r in receipts],
        "input_units": [r.input_units for r in receipts],
        "output_units": [r.output_units for r in receipts],
        "fee_units": [Decimal(r.fee_units) for r in receipts],
        "attribution_hash": [attribution_hash(i.attribution) for i in issued],
        "started_at": [r.started_at for r in receipts],
        "duration_ms": [r.duration_ms for r in receipts],
        "digest": [i.signed.digest for i in issued],
        "signature": [i.signed.signature for i in issued],
        "salt": [i.salt for i in issued],
        "body_sha256": [i.body_sha256 for i in issued],
        "attribution_set": [json.dumps(i.attribution) for i in issued],
        "attribution_method": [i.made_by.method for i in issued],
        "attribution_params_hash": [i.made_by.params_hash for i in issued],
        "outcome": [i.outcome for i in issued],
        "finish_reason": [i.finish_reason for i in issued],
        "model": [i.model for i in issued],
    }


def answer_columns(closings: Sequence[Closing]) -> dict[str, list[Any]]:
    kept = [(c.request_id, c.answer) for c in closings if c.answer is not None]
    return {
        "kept_request_id": [request_id for request_id, _ in kept],
        "kept_status": [answer.status for _, answer in kept],
        "kept_streamed": [answer.streamed for _, answer in kept],
        "kept_body": [answer.body for _, answer in kept],
    }


def unlicensed_columns(closings: Sequence[Closing]) -> dict[str, list[Any]]:
    uses = [(c, position, use) for c in closings for position, use in enumerate(c.unlicensed)]
    return {
        "request_id": [closing.request_id for closing, _, _ in uses],
        "position": [position for _, position, _ in uses],
        "asset_id": [closing.asset_id for closing, _, _ in uses],
        "dataset_id": [use.dataset_id for _, _, use in uses],
        "path": [use.path for _, _, use in uses],
        "byte_offset": [use.byte_offset for _, _, use in uses],
        "words": [use.words for _, _, use in uses],
        "millibits": [use.millibits for _, _, use in uses],
    }


def exchange_columns(closings: Sequence[Closing]) -> dict[str, list[Any]]:
    kept = [(c.request_id, c.exchange) for c in closings if c.exchange is not None]
    return {
        "request_id": [request_id for request_id, _ in kept],
        "request": [exchange.request for _, exchange in kept],
        "produced": [exchange.produced for _, exchange in kept],
        "parameters": [exchange.parameters for _, exchange in kept],
    }


def issued_from_row(row: Sequence[Any]) -> Issued:
    """A receipt as `queries.ISSUED` reads it."""
    (operator, lane, seq, payer, asset_id, request_hash, response_hash, input_units, output_units, fee_units,
     attribution, started_at, duration_ms, request_id, digest, signature, signer, salt, entries, method,
     params_hash, body_sha256, outcome, finish_reason, model) = row  # fmt: skip
    receipt = Receipt(
        operator=bytes(operator),
        lane=lane,
        seq=seq,
        payer=bytes(payer),
        asset_id=asset_id,
        request_hash=bytes(request_hash),
        response_hash=bytes(response_hash),
        input_units=input_units,
        output_units=output_units,
        fee_units=int(fee_units),
        attribution_hash=bytes(attribution),
        started_at=started_at,
        duration_ms=duration_ms,
    )
    return Issued(
        request_id=request_id,
        signed=SignedReceipt(receipt, bytes(digest), bytes(signature)),
        signer=bytes(signer),
        salt=bytes(salt),
        attribution=tuple(SetEntry(*entry) for entry in entries),
        made_by=MadeBy(bytes(method), bytes(params_hash)),
        body_sha256=bytes(body_sha256),
        outcome=outcome,
        finish_reason=finish_reason,
        model=model,
    )
