"""What a payer's side must not forget, in one SQLite file: caps that were signed, keys, exchanges, receipts."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ledger.errors import SettingsError, UsageError
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.hexadecimal import checksum_address
from payer.spending import Account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledger.protocol.receipt import Receipt

_WAIT_SECONDS: Final = 30.0
_PRIVATE: Final = 0o600
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS accounts (
    payer BLOB NOT NULL, operator BLOB NOT NULL, escrow BLOB NOT NULL, base_units TEXT NOT NULL,
    spent_units TEXT NOT NULL, cap_units TEXT NOT NULL, valid_until INTEGER NOT NULL, signature BLOB, stopped TEXT,
    PRIMARY KEY (payer, operator, escrow)
) STRICT;
CREATE TABLE IF NOT EXISTS api_keys (
    gateway TEXT NOT NULL, payer BLOB NOT NULL, operator BLOB NOT NULL, api_key TEXT NOT NULL,
    PRIMARY KEY (gateway, payer, operator)
) STRICT;
CREATE TABLE IF NOT EXISTS exchanges (
    request_id TEXT PRIMARY KEY, gateway TEXT NOT NULL, operator BLOB NOT NULL, asset_id INTEGER NOT NULL,
    most_units TEXT NOT NULL, most_output_units INTEGER, request BLOB NOT NULL, sent_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS receipts (
    operator BLOB NOT NULL, lane INTEGER NOT NULL, seq TEXT NOT NULL, digest BLOB NOT NULL, request_id TEXT NOT NULL,
    fee_units TEXT NOT NULL, due_at INTEGER NOT NULL, landed TEXT NOT NULL, PRIMARY KEY (operator, lane, seq)
) STRICT;
CREATE INDEX IF NOT EXISTS receipts_waiting ON receipts (landed);
"""
# Amounts and seq stand as decimal text: SQLite's integers end at 2^63.

WAITING, LANDED = "waiting", "landed"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that was sent and whose receipt is still to come.

    Attributes:
        request_id: under which the gateway has its receipt.
        most_units: the most that it may cost.
        most_output_units: the most completion tokens that it asked for, where it said so.
        request: the body as it was sent.
        sent_at: Unix seconds, before it was sent.
    """

    request_id: str
    gateway: str
    operator: bytes
    asset_id: int
    most_units: int
    most_output_units: int | None
    request: bytes
    sent_at: int


@dataclass(frozen=True, slots=True)
class BookedReceipt:
    """A receipt that held; `due_at` is when it must be in a batch at the latest."""

    operator: bytes
    lane: int
    seq: int
    digest: bytes
    fee_units: int
    due_at: int
    landed: str


class Book:
    """The file. Several processes may share it; every change is on disk when its method returns."""

    def __init__(self, path: Path) -> None:
        """Open the file, or begin it.

        Raises:
            SettingsError: it can't be opened, or is something else.
        """
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(_PRIVATE)
            self._connection = sqlite3.connect(
                path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(_SCHEMA)
        except OSError as error:
            raise SettingsError(f"The book {path} can't be opened: {error.strerror}.") from error
        except sqlite3.Error as error:
            raise SettingsError(f"The book {path} can't be opened: {error}.") from error
        self._lock = threading.RLock()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One transaction, alone among threads and processes; it is undone if the block raises."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def check_owner(self, payer: bytes, escrow: bytes) -> None:
        """Nothing, unless others keep this book.

        Raises:
            SettingsError: it is another payer's, whose key alone fetches what it has open, or of another deployment, which
                gives the same numbers to other receipts.
        """
        other = self._one("SELECT payer FROM accounts WHERE payer <> ? OR escrow <> ? LIMIT 1", (payer, escrow))
        if other is not None:
            whose = "of other contracts" if other[0] == payer else f"of payer {checksum_address(bytes(other[0]))}"
            raise SettingsError(f"The book {self._path} is {whose}; name another folder (PAY_FOLDER).")

    def begin(self, payer: bytes, operator: bytes, escrow: bytes, base_units: int) -> None:
        """Open the payer's account with an operator, unless it is open."""
        words = (payer, operator, escrow, str(base_units))
        with self.turn():
            self._connection.execute(
                "INSERT INTO accounts VALUES (?, ?, ?, ?, '0', '0', 0, NULL, NULL) ON CONFLICT DO NOTHING", words
            )

    def account(self, payer: bytes, operator: bytes, escrow: bytes) -> Account | None:
        """How the account stands; None before `begin`."""
        with self.turn():
            row = self._connection.execute(
                "SELECT base_units, spent_units, cap_units, valid_until FROM accounts"
                " WHERE payer = ? AND operator = ? AND escrow = ?",
                (payer, operator, escrow),
            ).fetchone()
            if row is None:
                return None
            open_units = sum(
                int(most) for (most,) in self._connection.execute(
                    "SELECT most_units FROM exchanges WHERE operator = ?", (operator,)
                )
            )  # fmt: skip
        base, spent, cap, valid_until = row
        return Account(int(base), int(spent), open_units, int(cap), valid_until)

    def sign(self, authorization: SpendAuthorization, escrow: bytes, signature: bytes) -> None:
        """Remember an authorization, before anybody gets it.

        Raises:
            UsageError: it is lower than one that was signed before.
        """
        cap, valid_until = authorization.cumulative_cap_units, authorization.valid_until
        with self.turn():
            before = self.account(authorization.payer, authorization.operator, escrow)
            if before is None or cap < before.cap_units or valid_until < before.valid_until:
                raise UsageError("A cap must not fall below one that was signed before.")
            self._connection.execute(
                "UPDATE accounts SET cap_units = ?, valid_until = ?, signature = ?"
                " WHERE payer = ? AND operator = ? AND escrow = ?",
                (str(cap), valid_until, signature, authorization.payer, authorization.operator, escrow),
            )

    def signed(self, payer: bytes, operator: bytes, escrow: bytes) -> tuple[SpendAuthorization, bytes] | None:
        """The last authorization with its signature."""
        row = self._one(
            "SELECT cap_units, valid_until, signature FROM accounts WHERE payer = ? AND operator = ? AND escrow = ?",
            (payer, operator, escrow),
        )
        if row is None or row[2] is None:
            return None
        return SpendAuthorization(payer, operator, int(row[0]), row[1]), bytes(row[2])

    def stop(self, payer: bytes, operator: bytes, sentence: str) -> None:
        """Sign nothing more for this operator; the first reason stands."""
        self._run(
            "UPDATE accounts SET stopped = coalesce(stopped, ?) WHERE payer = ? AND operator = ?",
            (sentence, payer, operator),
        )

    def resume(self) -> list[str]:
        """Forget why signing stopped; the sentences that stood."""
        with self.turn():
            rows = self._connection.execute("SELECT stopped FROM accounts WHERE stopped IS NOT NULL").fetchall()
            self._connection.execute("UPDATE accounts SET stopped = NULL")
        return [row[0] for row in rows]

    def stopped(self, payer: bytes, operator: bytes) -> str | None:
        """Why nothing is signed for this operator any more."""
        row = self._one(
            "SELECT stopped FROM accounts WHERE payer = ? AND operator = ? AND stopped IS NOT NULL", (payer, operator)
        )
        return None if row is None else str(row[0])

    def keep_key(self, gateway: str, payer: bytes, operator: bytes, api_key: str) -> None:
        self._run("INSERT OR REPLACE INTO api_keys VALUES (?, ?, ?, ?)", (gateway, payer, operator, api_key))

    def drop_key(self, gateway: str, payer: bytes, operator: bytes) -> None:
        self._run("DELETE FROM api_keys WHERE gateway = ? AND payer = ? AND operator = ?", (gateway, payer, operator))

    def api_key(self, gateway: str, payer: bytes, operator: bytes) -> str | None:
        row = self._one(
            "SELECT api_key FROM api_keys WHERE gateway = ? AND payer = ? AND operator = ?", (gateway, payer, operator)
        )
        return None if row is None else str(row[0])

    def send(self, exchange: Exchange) -> bool:
        """Remember a request, before it is sent; False for one that was sent before, which stays as it is."""
        words = (
            exchange.request_id, exchange.gateway, exchange.operator, exchange.asset_id, str(exchange.most_units),
            exchange.most_output_units, exchange.request, exchange.sent_at,
        )  # fmt: skip
        with self.turn():
            entered = self._connection.execute(
                "INSERT INTO exchanges VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", words
            )
        return entered.rowcount > 0

    def forget(self, request_id: str) -> None:
        """The gateway opened no such request: it costs nothing."""
        self._run("DELETE FROM exchanges WHERE request_id = ?", (request_id,))

    def open_exchanges(self, gateway: str, operator: bytes, before: int) -> list[Exchange]:
        """Requests sent before that second whose receipts are still to come, oldest first."""
        with self.turn():
            rows = self._connection.execute(
                "SELECT request_id, gateway, operator, asset_id, most_units, most_output_units, request, sent_at"
                " FROM exchanges WHERE gateway = ? AND operator = ? AND sent_at <= ? ORDER BY sent_at",
                (gateway, operator, before),
            ).fetchall()
        return [Exchange(i, g, bytes(o), a, int(m), out, bytes(r), t) for i, g, o, a, m, out, r, t in rows]

    def digest_at(self, receipt: Receipt) -> bytes | None:
        """Digest of the receipt that the book has at this place of the lane."""
        row = self._one(
            "SELECT digest FROM receipts WHERE operator = ? AND lane = ? AND seq = ?",
            (receipt.operator, receipt.lane, str(receipt.seq)),
        )
        return None if row is None else bytes(row[0])

    def enter(self, receipt: Receipt, digest: bytes, request_id: str, due_at: int) -> None:
        """Take in a receipt that holds: its fee is spent, its request is no longer open. Twice changes nothing."""
        place = (receipt.operator, receipt.lane, str(receipt.seq))
        with self.turn():
            self._connection.execute("DELETE FROM exchanges WHERE request_id = ?", (request_id,))
            entered = self._connection.execute(
                "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*place, digest, request_id, str(receipt.fee_units), due_at, WAITING),
            )
            if entered.rowcount:
                self._spend(receipt)

    def _spend(self, receipt: Receipt) -> None:
        words = (receipt.payer, receipt.operator)
        spent = self._connection.execute(
            "SELECT spent_units FROM accounts WHERE payer = ? AND operator = ?", words
        ).fetchone()
        total = int(spent[0]) + receipt.fee_units
        self._connection.execute(
            "UPDATE accounts SET spent_units = ? WHERE payer = ? AND operator = ?", (str(total), *words)
        )

    def receipts(self, landed: str) -> list[BookedReceipt]:
        """Receipts that have landed, or wait for it."""
        with self.turn():
            rows = self._connection.execute(
                "SELECT operator, lane, seq, digest, fee_units, due_at, landed FROM receipts WHERE landed = ?"
                " ORDER BY operator, lane, length(seq), seq",
                (landed,),
            ).fetchall()
        return [
            BookedReceipt(bytes(o), lane, int(seq), bytes(d), int(f), due, s) for o, lane, seq, d, f, due, s in rows
        ]

    def note_landed(self, receipt: BookedReceipt) -> None:
        self._run(
            "UPDATE receipts SET landed = ? WHERE operator = ? AND lane = ? AND seq = ?",
            (LANDED, receipt.operator, receipt.lane, str(receipt.seq)),
        )

    def _one(self, query: str, words: tuple[object, ...]) -> tuple[Any, ...] | None:
        with self.turn():
            row: tuple[Any, ...] | None = self._connection.execute(query, words).fetchone()
        return row

    def _run(self, query: str, words: tuple[object, ...]) -> None:
        with self.turn():
            self._connection.execute(query, words)
