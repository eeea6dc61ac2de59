"""What payers may spend, kept in step with the escrow's safe state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from ledger.chain.blocks import BlockRef
from ledger.errors import BlockNotFoundError, RpcUnavailableError, SettingsError
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.units import POST_DEADLINE_SECONDS
from serving.clock import Clock
from serving.database import Connection, Database
from serving.errors import PaymentRequiredError
from serving.onchain.reader import ChainReader
from serving.payers import queries
from serving.payers.snapshots import take_snapshots, write_snapshots

SNAPSHOT_AGE_SECONDS = 60.0
"""Age from which an idle payer's account is read again before it is used."""
LOOK_SECONDS = 3.0
"""How long one account's reading may hold up its request."""
SECOND_LOOK_SECONDS = 2.0
"""Least time between two readings of one account for requests that it could not pay."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Funds:
    """An account as `spend_accounts` has it."""

    balance_units: int
    thawing_units: int
    debt_units: int
    collected_units: int
    cap_units: int
    valid_until: int
    uncollected_units: int
    held_units: int
    spendable_units: int
    block_number: int


@dataclass(frozen=True, slots=True)
class Move:
    """A lane whose first uncollected receipt moved, on chain, from one seq to another."""

    lane: int
    start: int
    end: int


class FundsKeeper:
    """Keeps `spend_accounts` in step with the escrow, for all gateways of one operator."""

    def __init__(self, database: Database, reader: ChainReader, clock: Clock) -> None:
        self._database = database
        self._reader = reader
        self._clock = clock
        self._asked_at: dict[bytes, float] = {}
        self._read_at: dict[bytes, float] = {}

    async def refresh(self, safe: BlockRef) -> None:
        """Brings every account that can have changed to its state in a safe block.

        Raises:
            SettingsError: the chain has receipts of a lane that this database does not: it was restored.
        """
        operator = self._reader.operator
        moves = await self._moves(safe)
        fees = await self._fees(moves)
        active = await self._database.fetch(queries.ACTIVE_PAYERS, {"operator": operator})
        payers = sorted({bytes(row[0]) for row in active} | fees.keys() | self._recent())
        read_at = time.monotonic()
        snapshots = await take_snapshots(self._database, self._reader, payers, safe, self._clock.now())
        async with self._database.connection() as connection, connection.transaction():
            if not await self._moves_stand(connection, moves):
                return  # another gateway was faster
            await connection.execute(queries.LOCK_ACCOUNTS, {"operator": operator, "payers": payers})
            await self._collect(connection, moves, fees)
            await write_snapshots(connection, operator, snapshots, safe.number)
        self._read_at |= dict.fromkeys(payers, read_at)

    async def look(self, payer: bytes, *, older_than_seconds: float = SNAPSHOT_AGE_SECONDS) -> None:
        """Reads one payer's account, if it was not read lately.

        Reading one account ahead of the others errs on the safe side: what a newer block has collected is then
        counted twice until the next `refresh`.
        """
        now = time.monotonic()
        self._asked_at[payer] = now
        if now - self._read_at.get(payer, float("-inf")) < older_than_seconds:
            return
        self._read_at[payer] = now
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._look(payer)
        except (TimeoutError, RpcUnavailableError, BlockNotFoundError) as error:
            # What was read last stands: withdrawals and lowered caps are announced days ahead.
            _log.warning("account_not_read", payer=to_hex(payer), error=str(error))

    async def funds(self, payer: bytes) -> Funds | None:
        """The payer's account, or None if it was never read."""
        words = {"operator": self._reader.operator, "payer": payer}
        rows = await self._database.fetch(queries.ACCOUNT, words)
        return Funds(*(int(value) for value in rows[0])) if rows else None

    async def refusal(self, payer: bytes, exposure_units: int) -> PaymentRequiredError | None:
        """Why the payer can't pay for a request of this exposure, and what to do; None if it can."""
        funds = await self.funds(payer)
        if funds is None:
            return PaymentRequiredError("This payer has no account with the operator.", "unfunded", "deposit")
        return explain(funds, exposure_units, self._clock.now())

    async def _look(self, payer: bytes) -> None:
        safe = (await asyncio.to_thread(self._reader.heads)).safe
        snapshots = await take_snapshots(self._database, self._reader, [payer], safe, self._clock.now())
        async with self._database.connection() as connection:
            await write_snapshots(connection, self._reader.operator, snapshots, safe.number)

    def _recent(self) -> set[bytes]:
        """Payers who asked for something lately; the others are forgotten until they ask again."""
        now = time.monotonic()
        self._asked_at = {payer: at for payer, at in self._asked_at.items() if now - at < SNAPSHOT_AGE_SECONDS}
        self._read_at = {payer: at for payer, at in self._read_at.items() if now - at < SNAPSHOT_AGE_SECONDS}
        return set(self._asked_at)

    async def _moves(self, safe: BlockRef) -> list[Move]:
        rows = await self._database.fetch(queries.LANES, {"operator": self._reader.operator})
        on_chain = await asyncio.to_thread(self._reader.next_seqs, [row[0] for row in rows], safe)
        for lane, _, next_seq in rows:
            if on_chain[lane] > next_seq:
                raise SettingsError(
                    f"Lane {lane} has {on_chain[lane]} receipts on chain but {next_seq} in this database, which was "
                    "restored or replaced; set SERVING_LANE to an unused lane."
                )
        return [Move(lane, start, on_chain[lane]) for lane, start, _ in rows]

    async def _moves_stand(self, connection: Connection, moves: Sequence[Move]) -> bool:
        """Locks the lanes; False if another gateway moved one of them since."""
        rows = await (await connection.execute(queries.LOCK_LANES, {"operator": self._reader.operator})).fetchall()
        starts = {lane: start for lane, start, _ in rows}
        return all(starts.get(move.lane) == move.start for move in moves)

    async def _fees(self, moves: Sequence[Move]) -> dict[bytes, int]:
        """By payer: fees that became collected (negative: fell out of the chain again)."""
        fees: dict[bytes, int] = {}
        for sign, some in ((1, [m for m in moves if m.end > m.start]), (-1, [m for m in moves if m.end < m.start])):
            if not some:
                continue
            words: dict[str, Any] = {
                "operator": self._reader.operator,
                "lanes": [m.lane for m in some],
                "from": [min(m.start, m.end) for m in some],
                "to": [max(m.start, m.end) for m in some],
            }
            for payer, units in await self._database.fetch(queries.FEES_BETWEEN, words):
                fees[bytes(payer)] = fees.get(bytes(payer), 0) + sign * int(units)
        return fees

    async def _collect(self, connection: Connection, moves: Sequence[Move], fees: dict[bytes, int]) -> None:
        operator = self._reader.operator
        changed = [m for m in moves if m.start != m.end]
        if not changed:
            return
        lanes = {"operator": operator, "lanes": [m.lane for m in changed], "to": [m.end for m in changed]}
        await connection.execute(queries.MOVE_COLLECTED, lanes)
        owed = {"operator": operator, "payers": list(fees), "units": [-units for units in fees.values()]}
        await connection.execute(queries.MOVE_UNCOLLECTED, owed)


def explain(funds: Funds, exposure_units: int, now: int) -> PaymentRequiredError | None:
    """The first thing that keeps the account from paying, in the order in which a payer would fix them."""
    usable = funds.balance_units - funds.thawing_units - funds.debt_units
    open_units = funds.uncollected_units + funds.held_units
    if usable <= 0:
        return PaymentRequiredError(
            "The escrow account holds nothing that the operator can count on (deposits count in safe L2 blocks).",
            "unfunded",
            "deposit",
        )
    if funds.valid_until - POST_DEADLINE_SECONDS <= now:
        return PaymentRequiredError(
            f"The spend authorization ends at {funds.valid_until}, and nothing is served in its last "
            f"{POST_DEADLINE_SECONDS} seconds.",
            "authorization_expired",
            "authorize",
        )
    if usable - open_units < exposure_units:
        return PaymentRequiredError(
            f"This request may cost {exposure_units} units, and {max(0, usable - open_units)} of the deposit are left.",
            "deposit_exhausted",
            "deposit",
            exposure_units,
        )
    if funds.cap_units - funds.collected_units - open_units < exposure_units:
        left = max(0, funds.cap_units - funds.collected_units - open_units)
        return PaymentRequiredError(
            f"This request may cost {exposure_units} units, and {left} of the authorized cap of {funds.cap_units} are "
            "left.",
            "cap_exhausted",
            "authorize",
            exposure_units,
        )
    return None
