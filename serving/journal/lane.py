"""Taking a lane: the lock that keeps a second gateway out, the epoch that fences one that comes back late."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from psycopg import AsyncConnection

from ledger.errors import DatabaseUnavailableError, LaneFencedError, SettingsError
from ledger.protocol.hexadecimal import to_hex

Connection: TypeAlias = AsyncConnection[tuple[Any, ...]]

_READ: Final = """
SELECT chain_id, ledger_address, next_seq, epoch, holder, database_identity, closed
FROM lanes WHERE operator = %(operator)b AND lane = %(lane)b FOR UPDATE
"""
_OPEN: Final = """
INSERT INTO lanes (operator, lane, chain_id, ledger_address, next_seq, collected_seq, epoch, holder, database_identity)
VALUES (%(operator)b, %(lane)b, %(chain_id)b, %(ledger_address)b, 0, 0, 1, %(holder)b, %(identity)b)
"""
_TAKE: Final = """
UPDATE lanes SET epoch = epoch + 1, holder = %(holder)b
WHERE operator = %(operator)b AND lane = %(lane)b RETURNING next_seq, epoch
"""
_IDENTITY: Final = "SELECT system_identifier || '/' || timeline_id FROM pg_control_system(), pg_control_checkpoint()"
_CLOSE_STALE: Final = """
WITH stale AS (
    UPDATE lanes SET closed = true
    WHERE operator = %(operator)b AND database_identity <> %(identity)b AND NOT closed RETURNING operator, lane
), gone AS (
    DELETE FROM intents i USING stale t WHERE i.operator = t.operator AND i.lane = t.lane
    RETURNING i.payer, i.exposure_units
), total AS (SELECT payer, sum(exposure_units) AS units FROM gone GROUP BY payer)
UPDATE spend_accounts s SET held_units = s.held_units - t.units
FROM total t WHERE s.operator = %(operator)b AND s.payer = t.payer
"""


@dataclass(frozen=True, slots=True)
class LaneIdentity:
    """Which lane, and for the receipts of which ReceiptLedger."""

    operator: bytes
    lane: int
    chain_id: int
    ledger_address: bytes

    @property
    def name(self) -> str:
        return f"lane {self.lane} of operator {to_hex(self.operator)}"


@dataclass(frozen=True, slots=True)
class HeldLane:
    """A lane that this process holds: it alone may write at `epoch`; `next_seq` is the next receipt's place."""

    identity: LaneIdentity
    epoch: int
    next_seq: int

    def at(self, next_seq: int) -> HeldLane:
        return replace(self, next_seq=next_seq)


async def lock_lane(connection: Connection, identity: LaneIdentity) -> None:
    """Nothing, once this connection holds the lane's lock; the server frees it when the connection ends.

    Raises:
        LaneFencedError: another connection holds it.
    """
    seed = b"tributary lane" + identity.operator + identity.lane.to_bytes(2, "big")
    number = int.from_bytes(hashlib.sha256(seed).digest()[:8], "big", signed=True)
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%b)", [number])
    row = await cursor.fetchone()
    if row is None or not row[0]:
        raise LaneFencedError(f"Another gateway serves {identity.name}; stop it or choose another lane.")


async def take_lane(connection: Connection, identity: LaneIdentity, holder: str, chain_next_seq: int) -> HeldLane:
    """The lane at a new epoch, so that whoever held it before can write no more.

    Args:
        connection: already holds the lane's lock.
        identity: the lane.
        holder: host and process, for people to read.
        chain_next_seq: ReceiptLedger.nextSeq of the lane, in any block.

    Raises:
        SettingsError: the lane belongs to another deployment, was closed, or is older than what was posted from it
            (a database restored from a backup): a new lane is needed.
    """
    async with connection.transaction():
        identity_of_database = await _database_identity(connection)
        words: dict[str, Any] = {
            "operator": identity.operator,
            "lane": identity.lane,
            "chain_id": identity.chain_id,
            "ledger_address": identity.ledger_address,
            "holder": holder,
            "identity": identity_of_database,
        }
        row = await (await connection.execute(_READ, words)).fetchone()
        _check(identity, row, identity_of_database, chain_next_seq)
        await connection.execute(_CLOSE_STALE, words)
        if row is None:
            await connection.execute(_OPEN, words)
        taken = await (await connection.execute(_TAKE, words)).fetchone()
    if taken is None:
        raise LaneFencedError(f"{identity.name} vanished while it was taken.")
    return HeldLane(identity, epoch=taken[1], next_seq=taken[0])


async def resume_lane(connection: Connection, held: HeldLane) -> HeldLane:
    """The lane after a lost connection, locked again, at the place where the database has it.

    Raises:
        LaneFencedError: another gateway took the lane in between.
        DatabaseUnavailableError: the lost connection's lock is not yet free; try again.
    """
    current = await read_lane(connection, held)
    try:
        await lock_lane(connection, held.identity)
    except LaneFencedError as error:
        raise DatabaseUnavailableError("The lane's lock is not yet free.") from error
    return current


async def read_lane(connection: Connection, held: HeldLane) -> HeldLane:
    """The lane at the place where the database has it.

    Raises:
        LaneFencedError: another gateway took the lane.
    """
    words = {"operator": held.identity.operator, "lane": held.identity.lane}
    async with connection.transaction():
        row = await (await connection.execute(_READ, words)).fetchone()
    if row is None or row[3] != held.epoch or row[6]:
        raise LaneFencedError(f"Another gateway took {held.identity.name}; this one stops.")
    return held.at(row[2])


def _check(identity: LaneIdentity, row: tuple[Any, ...] | None, database: str, chain_next_seq: int) -> None:
    if row is None:
        if chain_next_seq > 0:
            raise SettingsError(
                f"Receipts of {identity.name} are on chain up to {chain_next_seq} but this database does not have them; "
                "set SERVING_LANE to an unused lane."
            )
        return
    chain_id, ledger_address, next_seq, _, _, recorded, closed = row
    if (chain_id, bytes(ledger_address)) != (identity.chain_id, identity.ledger_address):
        raise SettingsError(
            f"{identity.name} in this database belongs to the ledger {to_hex(bytes(ledger_address))} on chain "
            f"{chain_id}; use another database or another lane."
        )
    if closed or recorded != database or chain_next_seq > next_seq:
        raise SettingsError(
            f"This database was restored or replaced since {identity.name} was opened, so receipts may be missing "
            "from it; set SERVING_LANE to an unused lane and register its key."
        )


async def _database_identity(connection: Connection) -> str:
    row = await (await connection.execute(_IDENTITY)).fetchone()
    return str(row[0]) if row else ""
