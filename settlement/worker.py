"""Runs the state machine: one pass computes what is due and moves every distribution as far as it goes."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.errors import LaneFencedError, NotYetFinalError, TributaryError
from settlement.database_errors import database_errors
from settlement.records import open_distributions, read_distribution
from settlement.states import State
from settlement.steps.activate import activate
from settlement.steps.adopt import adopt
from settlement.steps.attest import attest
from settlement.steps.compute import compute
from settlement.steps.push import choose
from settlement.steps.reconcile import pay
from settlement.steps.submit import submit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

    from ledger.db.models.settlement import SettledDistribution
    from settlement.connections import Connections

    Step = Callable[[Connections, SettledDistribution], bool]

log = structlog.get_logger(__name__)

STEPS: Final[dict[State, Step]] = {
    State.COMPUTED: attest,
    State.ATTESTED: submit,
    State.SUBMITTED: activate,
    State.ACTIVE: choose,
    State.PAYING: pay,
}

_LOCK_NAMESPACE: Final = 0x5E77
_UNSUBMITTED: Final = {State.COMPUTED.value, State.ATTESTED.value}


@contextmanager
def sole_worker(engine: Engine, distributor: bytes) -> Iterator[None]:
    """Holds PostgreSQL's advisory lock of a distributor; it falls with the connection, however the process ends.

    Should PostgreSQL restart meanwhile, another process may begin beside this one: moves are compare-and-set, and what
    both send pays once.

    Raises:
        LaneFencedError: another settlement process holds it.
        DatabaseUnavailableError: PostgreSQL does not answer.
    """
    key = int.from_bytes(distributor[:4], "big", signed=True)
    given = {"namespace": _LOCK_NAMESPACE, "key": key}
    with ExitStack() as stack:
        with database_errors():
            connection = stack.enter_context(engine.connect())
            taken = connection.execute(text("SELECT pg_try_advisory_lock(:namespace, :key)"), given).scalar_one()
            connection.commit()
        if not taken:
            raise LaneFencedError("Another settlement process already works for this distributor; let it, or stop it.")
        stack.callback(_unlock, connection, given)
        yield


def _unlock(connection: Connection, given: dict[str, int]) -> None:
    try:
        connection.execute(text("SELECT pg_advisory_unlock(:namespace, :key)"), given)
    except DBAPIError:
        connection.invalidate()  # PostgreSQL was restarted: the lock fell with the session


def run_pass(connections: Connections) -> list[SettledDistribution]:
    """The distributions that were open in this pass, as they stand after it.

    A distribution that fails does not hold up the others; the first error is raised when all have had their turn.

    Raises:
        TributaryError: retryable ones will do when run again, permanent ones need somebody to look.
    """
    errors: list[TributaryError] = []
    touched: set[int] = set()
    with database_errors():
        connections.transactions.note_outcomes()
        _adopt(connections, errors)
        for distribution in _open(connections):
            touched.add(distribution.distribution_id)
            _advance(connections, distribution.distribution_id, errors)
        computed = _compute_if_due(connections, errors)
        if computed is not None:
            touched.add(computed)
            _advance(connections, computed, errors)
        with connections.sessions() as session:
            standing = [read_distribution(session, distribution_id) for distribution_id in sorted(touched)]
    if errors:
        raise errors[0]
    return standing


def _adopt(connections: Connections, errors: list[TributaryError]) -> None:
    try:
        adopt(connections)
    except NotYetFinalError as error:
        log.info("root_not_adopted_yet", reason=str(error))
    except TributaryError as error:
        errors.append(error)


def _compute_if_due(connections: Connections, errors: list[TributaryError]) -> int | None:
    if any(distribution.state in _UNSUBMITTED for distribution in _open(connections)):
        return None  # the next index is spoken for
    try:
        return compute(connections)
    except NotYetFinalError as error:
        log.info("nothing_to_distribute", reason=str(error))
    except TributaryError as error:
        errors.append(error)
    return None


def _advance(connections: Connections, distribution_id: int, errors: list[TributaryError]) -> None:
    """Takes step after step until one says that it waits, fails, or there is none left."""
    try:
        while True:
            with connections.sessions() as session:
                distribution = read_distribution(session, distribution_id)
            step = STEPS.get(State(distribution.state))
            if step is None or not step(connections, distribution):
                return
    except TributaryError as error:
        log.warning("distribution_held_up", distribution_id=distribution_id, reason=str(error))
        errors.append(error)


def _open(connections: Connections) -> list[SettledDistribution]:
    with connections.sessions() as session:
        return open_distributions(session, connections.scope)
