"""Logs of a run of whole blocks to rows: every event, what it means to its table, and what it moves."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from pydantic_core import to_json

from indexer.rows import batches, contributors, distribution, escrow, operators, registry
from indexer.rows.buffer import Origin, Rows, column_names
from indexer.rows.context import Context, Event
from indexer.rows.costs import note_cost
from indexer.rows.decoding import decode_logs
from indexer.rows.transfers import MovedAt, TransferAt, reconcile
from indexer.verification.findings import Finding
from ledger.chain.events.token import Transfer
from ledger.db.models import indexer_findings
from ledger.db.models.indexer_chain import Event as EventRow
from ledger.db.models.indexer_movements import Movement
from ledger.errors import MalformedLogError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from indexer.rows.context import Fillings, Handlers
    from indexer.rows.decoding import Decoded
    from indexer.rows.movements import Mover
    from ledger.chain.logs import LogDecoder, RawLog

MALFORMED_LOG = "malformed_log"

HANDLERS: Handlers = {
    **registry.HANDLERS,
    **contributors.HANDLERS,
    **operators.HANDLERS,
    **escrow.HANDLERS,
    **batches.HANDLERS,
    **distribution.HANDLERS,
}


_EVENT_COLUMNS: Final = (
    "chain_id", "block_number", "block_hash", "log_index", "timestamp", "tx_hash", "address", "name", "args",
)  # fmt: skip
_in_table_order: Final = itemgetter(*map(_EVENT_COLUMNS.index, column_names(EventRow)))


class Interpreter:
    """Interprets one chain's logs for one deployment."""

    def __init__(self, chain_id: int, decoder: LogDecoder, mover: Mover | None) -> None:
        """Take the chain's contracts.

        Args:
            chain_id: the chain of the logs.
            decoder: the contracts' events.
            mover: the L2's accounts; None on L1, where no units are.
        """
        self._chain_id = chain_id
        self._decoder = decoder
        self._mover = mover
        self._ours = frozenset() if mover is None else frozenset(decoder.addresses) - {mover.contracts.token}

    def decode(self, logs: Sequence[RawLog]) -> list[Decoded]:
        """The logs' events. Thread-safe, and independent of everything else: done ahead of `interpret`."""
        return decode_logs(self._decoder, logs)

    def interpret(self, logs: Sequence[Decoded], timestamps: Mapping[int, int], stored_fillings: Fillings) -> Rows:
        """The rows of these logs.

        Args:
            logs: of whole blocks, in chain order.
            timestamps: Unix seconds of every block that has a log here.
            stored_fillings: the newest filling of each batch before these blocks.
        """
        context = Context(self._chain_id, stored_fillings)
        for _, of_one in groupby(logs, key=_transaction):
            ordinals: dict[Origin, int] = {}
            good = [log for log in of_one if self._record(log, timestamps[log.raw.block_number], context, ordinals)]
            self._book(good, context, ordinals)
            note_cost(self._chain_id, good, context.rows)
        return context.rows

    def _record(self, log: Decoded, timestamp: int, context: Context, ordinals: dict[Origin, int]) -> bool:
        """Write the event's own row and what its handler makes of it; False if it means nothing."""
        raw, event, arguments = log
        name = None if event is None else type(event).__name__
        context.rows.append(
            EventRow,
            _in_table_order((
                self._chain_id, raw.block_number, raw.block_hash, raw.log_index, timestamp, raw.tx_hash, raw.address,
                name, arguments,
            )),
        )  # fmt: skip
        handler = HANDLERS.get(type(event))
        if handler is None:
            return event is not None
        at = Event(Origin.of(self._chain_id, raw), timestamp, raw.tx_hash, raw.address)
        try:
            handler(event, at, context)
        except MalformedLogError as error:
            evidence = {"event": name, "detail": str(error)}
            finding = Finding(MALFORMED_LOG, voids=False, challenge=None, evidence=evidence)
            _add_finding(context, at.origin, finding, ordinals)
            return False
        return True

    def _book(self, decoded: Sequence[Decoded], context: Context, ordinals: dict[Origin, int]) -> None:
        """The transaction's moves, held against the token's transfers."""
        if self._mover is None:
            return
        moves = list(self._moves(decoded, self._mover))
        transfers = [
            TransferAt(Origin.of(self._chain_id, log.raw), log.event)
            for log in decoded
            if isinstance(log.event, Transfer)
        ]
        if not moves and not transfers:
            return
        book = reconcile(self._mover, moves, transfers, self._ours)
        sides: dict[Origin, int] = {}
        for moved in book.moves:
            _add_movements(context.rows, moved, sides)
        for origin, finding in book.findings:
            _add_finding(context, origin, finding, ordinals)

    def _moves(self, decoded: Sequence[Decoded], mover: Mover) -> Iterator[MovedAt]:
        for log in decoded:
            moves = mover.moves(log.event)
            if moves:
                origin = Origin.of(self._chain_id, log.raw)
                yield from (MovedAt(origin, move) for move in moves if move.amount_units)


def _transaction(log: Decoded) -> bytes:
    return log.raw.tx_hash


def _add_movements(rows: Rows, moved: MovedAt, sides: dict[Origin, int]) -> None:
    """Both sides of a move; an event's sides are numbered as they come."""
    move = moved.move
    for account, amount in ((move.source, -move.amount_units), (move.target, move.amount_units)):
        ordinal = sides.get(moved.origin, 0)
        sides[moved.origin] = ordinal + 1
        rows.add(
            Movement, moved.origin, ordinal=ordinal, **account._asdict(), batch_id=move.batch_id, amount_units=amount
        )


def _add_finding(context: Context, origin: Origin, finding: Finding, ordinals: dict[Origin, int]) -> None:
    ordinal = ordinals.get(origin, 0)
    ordinals[origin] = ordinal + 1
    context.rows.add(
        indexer_findings.Finding,
        origin,
        ordinal=ordinal,
        batch_id=None,
        fill=None,
        rule=finding.rule,
        voids=finding.voids,
        challenge=finding.challenge,
        evidence=to_json(finding.evidence).decode(),
    )
