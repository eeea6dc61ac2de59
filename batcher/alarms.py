"""Says early what will stop batches later: too little ether, too little free bond, a deadline that comes near."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from ledger.errors import RetryableError
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.units import HOUR_SECONDS, POST_DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batcher.parts import Parts, View
    from ledger.db.models.batcher import BatchJob

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 60.0
DEADLINE_MARGIN_SECONDS = 6 * HOUR_SECONDS
"""So long before its receipts must be posted, a batch that is not committed yet is told of."""


class Alarms:
    """Looks at the operator's means once a minute."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._next_look = 0.0

    def look(self, view: View, uncommitted: Sequence[BatchJob]) -> list[str]:
        """The alarms that were logged, by name; none if it is not yet time."""
        now = time.monotonic()
        if now < self._next_look:
            return []
        self._next_look = now + _EVERY_SECONDS
        try:
            return [*self._balances(), *self._bond(view), *_deadlines(view, uncommitted)]
        except RetryableError as error:
            log.warning("alarms_blind", reason=str(error))
            return ["blind"]

    def _balances(self) -> list[str]:
        chains, settings = self._parts.chains, self._parts.settings
        raised = []
        for sender, floor in ((chains.l1, settings.low_l1_balance_wei), (chains.l2, settings.low_l2_balance_wei)):
            balance = sender.balance_wei()
            if balance < floor:
                account = checksum_address(sender.address)
                log.warning("balance_low", chain=sender.rpc.name, account=account, balance_wei=balance, floor_wei=floor)
                raised.append(f"{sender.rpc.name} balance")
        return raised

    def _bond(self, view: View) -> list[str]:
        """An alarm if the free bond would not back two batches of no fees at all."""
        operators, operator = self._parts.chains.operators, self._parts.chains.operator
        free, least = operators.free_bond(operator, view.head), operators.reserve_for(0, view.head)
        if free >= 2 * least:
            return []
        log.warning("bond_low", operator=checksum_address(operator), free_units=free, least_reserve_units=least)
        return ["bond"]


def _deadlines(view: View, uncommitted: Sequence[BatchJob]) -> list[str]:
    """An alarm if a batch's oldest receipt is soon to be punished for; of the one that has the least time left."""
    latest = view.head.timestamp + DEADLINE_MARGIN_SECONDS - POST_DEADLINE_SECONDS
    late = [job for job in uncommitted if job.base_time is not None and not job.fill and job.base_time < latest]
    if not late:
        return []
    job = min(late, key=lambda job: job.base_time or 0)
    left = (job.base_time or 0) + POST_DEADLINE_SECONDS - view.head.timestamp
    facts = {"job_id": job.job_id, "lane": job.lane, "first_seq": job.first_seq, "state": job.state}
    log.error("post_deadline_near", **facts, batches=len(late), seconds_left=left)
    return ["deadline"]
