"""Says early what will stop batches later: too little ether, too little free bond."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from ledger.errors import RetryableError
from ledger.protocol.hexadecimal import checksum_address

if TYPE_CHECKING:
    from batcher.parts import Parts, View

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 60.0


class Alarms:
    """Looks at the operator's means once a minute."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._next_look = 0.0

    def look(self, view: View) -> list[str]:
        """The alarms that were logged, by name; none if it is not yet time."""
        now = time.monotonic()
        if now < self._next_look:
            return []
        self._next_look = now + _EVERY_SECONDS
        try:
            return [*self._balances(), *self._bond(view)]
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
