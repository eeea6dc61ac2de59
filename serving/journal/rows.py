"""Between the journal's records and the columns of its statements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from ledger.protocol.attribution import SetEntry
from ledger.protocol.receipt import Receipt, SignedReceipt
from serving.journal.columns import (
    Column,
    Writer,
    bigints,
    booleans,
    byteas,
    integers,
    numerics,
    smallints,
    texts,
)
from serving.journal.records import Checkpoint, Closing, Issued, MadeBy, NewIntent

_INTENT: Final[dict[str, Writer]] = {
    "request_id": texts,
    "payer": byteas,
    "key_id": texts,
    "asset_id": bigints,
    "model": texts,
    "exposure_units": numerics,
    "input_price_units": numerics,
    "output_price_units": numerics,
    "input_units": integers,
    "request_hash": byteas,
    "response_hash": byteas,
    "salt": byteas,
    "body_sha256": byteas,
    "started_at": bigints,
}
_CHECKPOINT: Final[dict[str, Writer]] = {
    "request_id": texts,
    "output_units": integers,
    "response_hash": byteas,
    "elapsed_ms": bigints,
}


def intent_columns(intents: Sequence[NewIntent]) -> dict[str, Column]:
    """One array a column, for unnest."""
    return {name: write([getattr(intent, name) for intent in intents]) for name, write in _INTENT.items()}


def checkpoint_columns(checkpoints: Sequence[Checkpoint]) -> dict[str, Column]:
    return {name: write([getattr(one, name) for one in checkpoints]) for name, write in _CHECKPOINT.items()}


def issued_columns(issued: Sequence[Issued]) -> dict[str, Column]:
    receipts = [i.signed.receipt for i in issued]
    return {
        "request_id": texts([i.request_id for i in issued]),
        "seq": bigints([r.seq for r in receipts]),
        "asset_id": bigints([r.asset_id for r in receipts]),
        "request_hash": byteas([r.request_hash for r in receipts]),
        "response_hash": byteas([r.response_hash for r in receipts]),
        "input_units": integers([r.input_units for r in receipts]),
        "output_units": integers([r.output_units for r in receipts]),
        "fee_units": numerics([r.fee_units for r in receipts]),
        "attribution_hash": byteas([r.attribution_hash for r in receipts]),
        "started_at": bigints([r.started_at for r in receipts]),
        "duration_ms": bigints([r.duration_ms for r in receipts]),
        "digest": byteas([i.signed.digest for i in issued]),
        "signature": byteas([i.signed.signature for i in issued]),
        "salt": byteas([i.salt for i in issued]),
        "body_sha256": byteas([i.body_sha256 for i in issued]),
        "attribution_set": texts([json.dumps(i.attribution) for i in issued]),
        "attribution_method": byteas([i.made_by.method for i in issued]),
        "attribution_params_hash": byteas([i.made_by.params_hash for i in issued]),
        "outcome": texts([i.outcome for i in issued]),
        "finish_reason": texts([i.finish_reason for i in issued]),
        "model": texts([i.model for i in issued]),
    }


def answer_columns(closings: Sequence[Closing]) -> dict[str, Column]:
    kept = [(c.request_id, c.answer) for c in closings if c.answer is not None]
    return {
        "kept_request_id": texts([request_id for request_id, _ in kept]),
        "kept_status": smallints([answer.status for _, answer in kept]),
        "kept_streamed": booleans([answer.streamed for _, answer in kept]),
        "kept_body": byteas([answer.body for _, answer in kept]),
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
