"""Transactions that a crash, a stranger with the same key, or a reorg gets in the way of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from ledger.chain.sender import Sender
from ledger.chain.transaction import Call
from ledger.db.models.settlement import SettlementTransaction
from ledger.errors import ContractRevertedError, QuorumMissingError
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import private_key
from settlement.connections import Connections
from settlement.states import State
from settlement.transactions import Effect
from settlement.worker import run_pass
from tests.factories.settled_world import World, damage
from tests.postgres.test_settlement.conftest import pass_activation, states

pytestmark = pytest.mark.chain


def outcomes(settler: Connections) -> list[str | None]:
    with settler.sessions() as session:
        rows = select(SettlementTransaction.outcome).order_by(SettlementTransaction.transaction_id)
        return list(session.scalars(rows))


def test_a_submission_whose_block_was_replaced_is_sent_again(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    l2 = world.stage.devnet.l2
    before = l2.snapshot()
    run_pass(settler)
    assert states(settler) == [State.SUBMITTED]
    l2.revert(before)
    assert settler.distributor.next_root_index(at="latest") == 1
    run_pass(settler)
    assert states(settler) == [State.SUBMITTED]
    assert settler.distributor.next_root_index(at="latest") == 2
    assert outcomes(settler) == ["mined"]


def test_claims_whose_block_was_replaced_are_pushed_again(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    run_pass(settler)
    pass_activation(world)
    l2 = world.stage.devnet.l2
    before = l2.snapshot()
    run_pass(settler)
    assert world.balances() == world.owed()
    l2.revert(before)
    assert set(world.balances().values()) == {0}
    run_pass(settler)
    assert world.balances() == world.owed()
    world.settle_blocks()
    assert [row.state for row in run_pass(settler)] == [State.PAID]


def test_a_nonce_that_somebody_else_used_costs_nothing_but_another_attempt(
    world: World, settler: Connections, settler_secret: bytes
) -> None:
    world.charge(1_000_001)
    run_pass(settler)
    pass_activation(world)
    recorded = settler.transactions
    sender = Sender(world.stage.rpc, private_key(settler_secret))
    signed = sender.sign(Call(sender.address, b""))
    effect = Effect(1, "claim_many", 7)
    recorded._record(effect, signed)  # as a crash between the record and the first sending leaves it
    assert sender.execute(Call(b"\x01" * 20, b"", 5)).succeeded  # takes the recorded nonce
    call = settler.distributor.set_recipient(b"\x09" * 20)
    assert recorded.perform(effect, lambda: call).succeeded
    with settler.sessions() as session:
        attempts = session.scalars(select(SettlementTransaction).where(SettlementTransaction.chunk == 7)).all()
    assert sorted(str(tx.outcome) for tx in attempts) == ["mined", "replaced"]
    assert run_pass(settler)[0].state == State.PAYING


def test_a_call_that_the_contract_refuses_is_neither_recorded_nor_sent(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    run_pass(settler)
    before = outcomes(settler)
    claim = settler.distributor.claim(1, b"\x01" * 20, 5, [])
    with pytest.raises(ContractRevertedError, match="DistributorRootNotActive"):
        settler.transactions.perform(Effect(1, "claim_many", 9), lambda: claim)
    assert outcomes(settler) == before


@pytest.fixture
def rival(world: World, settler: Connections) -> Connections:
    """Another settlement, with a database of its own, that asks the same attesters."""
    sender = world.stage.sender(private_key(keccak256(b"rival", world.stage.distributor.address)))
    return world.stage.connections(world.urls[1], [a.url for a in settler.attesters], sender, settler.policy)


def test_a_proposal_is_given_up_when_somebody_else_takes_its_index(
    world: World, settler: Connections, rival: Connections
) -> None:
    world.charge(1_000_001)
    with pytest.raises(QuorumMissingError):
        run_pass(replace(settler, attesters=settler.attesters[:0]))
    world.charge(5_000_003)
    run_pass(rival)
    world.settle_blocks()
    assert [row.state for row in run_pass(settler)] == [State.SUPERSEDED]
    assert settler.distributor.next_root_index(at="latest") == 2


def test_a_root_that_somebody_else_submitted_is_taken_over_and_paid(
    world: World, settler: Connections, rival: Connections
) -> None:
    world.charge(1_000_001)
    run_pass(rival)
    world.settle_blocks()
    assert [row.state for row in run_pass(settler)] == [State.SUBMITTED]
    pass_activation(world)
    run_pass(settler)
    assert world.balances() == world.owed()
    world.settle_blocks()
    assert [row.state for row in run_pass(settler)] == [State.PAID]
    assert settler.distributor.next_root_index(at="latest") == 2


def test_a_root_that_is_not_what_we_compute_is_not_taken_over(
    world: World, settler: Connections, rival: Connections
) -> None:
    world.charge(1_000_001)
    run_pass(rival)
    world.index()
    damage(world.urls[0])
    assert [row.state for row in run_pass(settler)] == [State.REFUSED]
    assert states(settler) == [State.REFUSED]
