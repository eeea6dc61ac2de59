"""After a crash: every request that was left open becomes one receipt, for no more than is known to have left."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from ledger.protocol.units import fee_up
from serving.database import Database
from serving.journal import queries
from serving.journal.records import Closing
from serving.journal.writer import Journal

_GROUP = 256
_log = structlog.get_logger(__name__)


async def recover(database: Database, journal: Journal) -> int:
    """How many requests of earlier holders of the lane were closed. Run before the gateway answers.

    Raises:
        LaneFencedError: another gateway took the lane meanwhile.
        DatabaseUnavailableError: PostgreSQL is away.
    """
    closed = 0
    while True:
        held = journal.held
        words = {
            "operator": held.identity.operator,
            "lane": held.identity.lane,
            "epoch": held.epoch,
            "limit": _GROUP,
        }
        rows = await database.fetch(queries.OPEN_INTENTS, words)
        if not rows:
            return closed
        endings = [journal.close(recovered(row)) for row in rows]
        await asyncio.gather(*(ending.issued for ending in endings))
        closed += len(rows)
        _log.info("requests_recovered", count=len(rows))


def recovered(row: Sequence[Any]) -> Closing:
    """The receipt's content for an intent as `queries.OPEN_INTENTS` reads it.

    Only a checkpoint proves that something left. Without one nothing is charged; an answer in one piece has none, since
    it leaves after its receipt.
    """
    (request_id, payer, _, asset_id, model, _, input_price, output_price, input_units, request_hash, response_hash, salt,
     body_sha256, started_at, output_units, checkpoint_ms) = row  # fmt: skip
    charged_input = input_units if output_units > 0 else 0
    return Closing(
        request_id=request_id,
        payer=bytes(payer),
        asset_id=asset_id,
        model=model,
        request_hash=bytes(request_hash),
        response_hash=bytes(response_hash),
        input_units=charged_input,
        output_units=output_units,
        fee_units=fee_up(charged_input, output_units, int(input_price), int(output_price)),
        attribution=(),
        started_at=started_at,
        duration_ms=checkpoint_ms,
        salt=bytes(salt),
        body_sha256=bytes(body_sha256),
        outcome="recovered",
        finish_reason="recovered",
    )
