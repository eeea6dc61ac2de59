"""What became of endings whose commit did not go as planned, from what the database holds."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.errors import LaneFencedError
from serving.journal import store
from serving.journal.lane import Connection, HeldLane
from serving.journal.pending import Ending


async def settle(
    connection: Connection, held: HeldLane, endings: Sequence[Ending], error: Exception | None
) -> list[Ending]:
    """Those to try again; the others are told their receipt, or why there is none.

    Args:
        connection: to the database.
        held: the lane, at this process's epoch.
        endings: their commit failed, or its outcome is unknown.
        error: why the commit of a single ending was refused for good; None if a lost connection is all that happened.
    """
    ids = [ending.closing.request_id for ending in endings]
    issued = await store.find_issued(connection, ids)
    still_open = await store.find_open(connection, ids) - issued.keys()
    # Two gateways raced on one Idempotency-Key: the receipt stands, the second intent goes.
    await store.abandon(connection, held, list(issued))
    again: list[Ending] = []
    for ending in endings:
        request_id = ending.closing.request_id
        if request_id in issued:
            ending.resolve(issued[request_id])
        elif request_id in still_open and error is None:
            again.append(ending)
        else:
            ending.reject(error or LaneFencedError(f"Request {request_id} has neither an intent nor a receipt."))
    return again
