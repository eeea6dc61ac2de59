"""A settlement that is killed after every single effect pays what is owed, once."""

from __future__ import annotations

import multiprocessing
import signal

import pytest
from sqlalchemy import select

from ledger.db.models.settlement import SettlementTransaction
from settlement.connections import Connections, PushPolicy
from settlement.states import State
from tests.factories.dying_settler import Life, live
from tests.factories.settled_world import World
from tests.postgres.test_settlement.conftest import pass_activation, states

pytestmark = pytest.mark.chain

TWO_CHUNKS = PushPolicy(least_units=1, claims_per_transaction=2, transactions_in_flight=2)
MOST_LIVES = 40


def one_life(context: multiprocessing.context.BaseContext, life: Life) -> bool:
    """Whether it was killed; a life that had nothing to do ends by itself."""
    process = context.Process(target=live, args=(life,))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def test_killed_after_every_effect_it_pays_what_is_owed_once(
    world: World, settler: Connections, attester_urls: list[str], settler_secret: bytes
) -> None:
    world.charge(1_000_001)
    life = Life(
        database_url=world.urls[0],
        l2_url=world.stage.devnet.l2_url,
        scope=world.stage.scope,
        attester_urls=tuple(attester_urls),
        secret=settler_secret,
        policy=TWO_CHUNKS,
    )
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.factories.dying_settler"])
    died_in: list[str] = []
    for _ in range(MOST_LIVES):
        killed = one_life(context, life)
        if killed:
            died_in += states(settler)[-1:]
        elif states(settler) == [State.SUBMITTED]:
            pass_activation(world)
        elif states(settler) == [State.PAYING]:
            world.settle_blocks()
        else:
            break
    assert states(settler) == [State.PAID]
    assert set(died_in) == {state for state in State if state not in (State.REFUSED, State.DISABLED, State.SUPERSEDED)}
    assert len(died_in) >= 15
    assert world.balances() == world.owed()
    assert settler.distributor.total_claimed(at="latest") == sum(world.owed().values())
    assert settler.distributor.next_root_index(at="latest") == 2
    with settler.sessions() as session:
        sent = session.scalars(select(SettlementTransaction)).all()
    assert sorted((tx.purpose, tx.chunk, tx.outcome) for tx in sent) == [
        ("claim_many", 0, "mined"),
        ("claim_many", 1, "mined"),
        ("submit_root", 0, "mined"),
    ]
