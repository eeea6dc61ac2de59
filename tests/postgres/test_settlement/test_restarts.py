"""PostgreSQL is restarted under settle, after every write in turn: the same is paid, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from ledger.db.models.settlement import SettlementTransaction
from ledger.errors import DatabaseUnavailableError, QuorumMissingError
from settlement.connections import Connections
from settlement.database_errors import database_errors
from settlement.scope import ThroughBlock
from settlement.states import State
from settlement.worker import run_pass, sole_worker
from tests.factories.dying_settler import note_writes
from tests.factories.settled_world import World, open_database
from tests.postgres.test_settlement.conftest import ATTESTERS, pass_activation, states
from tributary.database import migrate
from tributary.postgres import PostgresServer

pytestmark = [pytest.mark.chain, pytest.mark.timeout(600)]

MOST_PASSES = 40


class Restarted:
    """A server that can be restarted under its clients; whatever they had open is cut."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = PostgresServer(folder)

    def restart(self) -> None:
        self.server.stop()
        self.server = PostgresServer(self._folder)


@pytest.fixture
def own_server(postgres_folder: Path) -> Iterator[Restarted]:
    restarted = Restarted(postgres_folder)
    yield restarted
    restarted.server.stop()


@pytest.fixture
def indexes(own_server: Restarted) -> list[str]:
    """Databases as everywhere in this folder, on a server of this test's own."""
    names = [f"index_{number}" for number in range(1 + ATTESTERS)]
    first = own_server.server.create_database(names[0])
    migrate(first)
    return [first, *(own_server.server.create_database(name, names[0]) for name in names[1:])]


@contextmanager
def restarts_after(write: int, restart: Callable[[], None]) -> Iterator[list[int]]:
    """Restarts the server right after the `write`-th committed write; the list has one entry for each that was seen."""
    seen: list[int] = []

    def committed(session: Session) -> None:
        if session.info.get("wrote"):
            seen.append(len(seen))
            if len(seen) == write:
                restart()

    event.listen(Session, "before_commit", note_writes)
    event.listen(Session, "after_commit", committed)
    try:
        yield seen
    finally:
        event.remove(Session, "before_commit", note_writes)
        event.remove(Session, "after_commit", committed)


def one_pass(settler: Connections, engine: Engine) -> bool:
    """Whether the pass came to its end, as `tributary settle` makes it."""
    try:
        with sole_worker(engine, settler.scope.distributor):
            run_pass(settler)
    except (DatabaseUnavailableError, QuorumMissingError):  # an attester's database was away when it was asked
        return False
    return True


def everybody_says_that_it_is_away(world: World, settler: Connections, own_server: Restarted, engine: Engine) -> None:
    attester = world.stage.attester(0, world.urls[1])
    own_server.server.stop()
    with pytest.raises(DatabaseUnavailableError, match="PostgreSQL does not answer"):
        sole_worker(engine, settler.scope.distributor).__enter__()
    with pytest.raises(DatabaseUnavailableError):
        run_pass(settler)
    with pytest.raises(DatabaseUnavailableError), database_errors():
        attester.compute(1, ThroughBlock(1, bytes(32)))
    own_server.restart()


def test_restarted_after_every_write_it_pays_what_is_owed_once(
    world: World, settler: Connections, own_server: Restarted
) -> None:
    world.charge(1_000_001)
    restarted = 0
    with open_database(world.urls[0]) as engine:
        everybody_says_that_it_is_away(world, settler, own_server, engine)
        for write in range(1, MOST_PASSES):
            with restarts_after(1 + write % 3, own_server.restart) as seen:
                ended = one_pass(settler, engine)
            restarted += len(seen) > write % 3
            if not ended:
                continue
            if states(settler) == [State.SUBMITTED]:
                pass_activation(world)
            elif states(settler) == [State.PAYING]:
                world.settle_blocks()
            elif states(settler) == [State.PAID]:
                break
    assert states(settler) == [State.PAID]
    assert restarted >= 3
    assert world.balances() == world.owed()
    assert settler.distributor.total_claimed(at="latest") == sum(world.owed().values())
    with settler.sessions() as session:
        sent = session.scalars(select(SettlementTransaction)).all()
    assert {tx.outcome for tx in sent} == {"mined"}
    assert len(sent) == len({(tx.purpose, tx.chunk) for tx in sent}) == 3
