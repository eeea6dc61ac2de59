"""A distribution from its computation to its end, on a real chain, with real attesters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy import select

from ledger.db.models.settlement import Attestation, SettlementTransaction
from ledger.errors import LaneFencedError, QuorumMissingError
from ledger.protocol.entitlement import EffectiveShare
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.signature import address_of
from ledger.protocol.units import SHARE_ONE
from settlement.attester_client import AttesterClient
from settlement.connections import Connections, PushPolicy
from settlement.dry_run import as_json, dry_run
from settlement.states import State
from settlement.veto import disable_wrong_roots
from settlement.worker import run_pass, sole_worker
from tests.factories.distributor_stage import Stage
from tests.factories.http_server import served
from tests.factories.settled_world import (
    ALICE,
    BOB,
    CAROL,
    OPERATOR,
    PROTOCOL,
    TERMS,
    World,
    damage,
    open_database,
)
from tests.postgres.test_settlement.conftest import pass_activation, states, stored_proof

pytestmark = pytest.mark.chain


def test_three_passes_pay_everybody_to_the_unit(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    assert [row.state for row in run_pass(settler)] == [State.SUBMITTED]
    assert [row.state for row in run_pass(settler)] == [State.SUBMITTED]
    pass_activation(world)
    assert [row.state for row in run_pass(settler)] == [State.PAYING]
    assert world.balances() == world.owed()
    assert set(world.owed()) == {ALICE, BOB, OPERATOR, PROTOCOL}
    world.settle_blocks()
    assert [row.state for row in run_pass(settler)] == [State.PAID]
    assert run_pass(settler) == []
    dust = world.stage.token.balance_of(world.stage.distributor.address, at="latest")
    assert dust == 1_000_001 - sum(world.owed().values())
    assert 0 < dust < 5


def test_later_distributions_pay_only_what_was_added(world: World, settler: Connections) -> None:
    for fee_units in (1_000_001, 7, 5_000_000_000_003):
        world.charge(fee_units)
        run_pass(settler)
        pass_activation(world)
        run_pass(settler)
        assert world.balances() == world.owed()
        world.settle_blocks()
        run_pass(settler)
    assert states(settler) == [State.PAID] * 3
    assert CAROL in world.owed()
    with settler.sessions() as session:
        sent = session.scalars(select(SettlementTransaction).order_by(SettlementTransaction.transaction_id)).all()
    assert {tx.outcome for tx in sent} == {"mined"}
    assert all(tx.gas_used and tx.fee_wei for tx in sent)
    assert [tx.nonce for tx in sent] == list(range(len(sent)))


def test_small_debts_wait_but_can_be_claimed_with_the_proof_on_record(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    owed = world.owed()
    frugal = replace(settler, policy=PushPolicy(owed[BOB] + 1, 100, 1))
    run_pass(frugal)
    pass_activation(world)
    run_pass(frugal)
    paid = {payee for payee, units in world.balances().items() if units}
    assert paid == {payee for payee, units in owed.items() if units > owed[BOB]}
    world.settle_blocks()
    assert [row.state for row in run_pass(frugal)] == [State.PAID]
    world.stage.funder.execute(settler.distributor.claim(1, BOB, owed[BOB], stored_proof(settler, BOB)))
    assert world.stage.token.balance_of(BOB, at="latest") == owed[BOB]


def test_a_payee_that_claimed_by_itself_is_skipped_and_the_rest_is_paid(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    run_pass(settler)
    pass_activation(world)
    claim = settler.distributor.claim(1, BOB, world.owed()[BOB], stored_proof(settler, BOB))
    world.stage.funder.execute(claim)
    run_pass(settler)  # its index has not seen the claim
    assert world.balances() == world.owed()
    world.settle_blocks()
    assert [row.state for row in run_pass(settler)] == [State.PAID]


def test_a_payee_that_can_not_receive_holds_up_nobody_and_keeps_its_claim(
    stage: Stage, indexes: list[str], attester_urls: list[str], settler: Connections
) -> None:
    nobody = bytes(20)  # the token refuses transfers to it
    terms = replace(TERMS, effective=(EffectiveShare(ALICE, SHARE_ONE // 2), EffectiveShare(nobody, SHARE_ONE // 2)))
    world = World(stage, indexes, terms)
    for fee_units in (1_000_000, 3_000_000):
        world.charge(fee_units)
        run_pass(settler)
        pass_activation(world)
        run_pass(settler)
        owed = world.owed()
        assert world.balances() == owed | {nobody: 0}
        world.settle_blocks()
        (row,) = run_pass(settler)
        assert (row.state, row.reason) == (State.PAID, "1 claim was skipped by the contract.")
    assert owed[nobody] == 800_000
    assert settler.distributor.total_claimed(at="latest") == sum(owed.values()) - owed[nobody]
    with settler.sessions() as session:
        due = {line.payee: line.due_units for line in dry_run(session, settler.scope, 1).lines if line.due_units}
    assert due == {nobody: owed[nobody]}


def test_a_quorum_goes_on_when_one_attester_computes_something_else(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    damage(world.urls[3])
    assert [row.state for row in run_pass(settler)] == [State.SUBMITTED]
    with settler.sessions() as session:
        refusal = session.scalars(select(Attestation.refusal).where(Attestation.refusal.is_not(None))).one()
    assert refusal is not None
    assert checksum_address(ALICE) in refusal


def test_one_attester_that_speaks_for_the_others_holds_up_nobody(world: World, settler: Connections) -> None:
    """A refusal is not signed: whoever gives one says for whom, and in which words."""
    world.charge(1_000_001)
    others = [checksum_address(address_of(key)) for key in world.stage.attester_keys[:2]]
    liar = FastAPI()

    @liar.post("/v1/attestations")
    def refuse() -> JSONResponse:
        others.append(others.pop(0))
        return JSONResponse({"attester": others[0], "detail": "wrong\0\u202e" + "!" * 10_000}, 409)

    away = AttesterClient("http://127.0.0.1:9", timeout_seconds=1)
    with served(liar) as url:
        lying = AttesterClient(url)
        for _ in range(3):
            with pytest.raises(QuorumMissingError, match="0 of 2"):
                run_pass(replace(settler, attesters=[away, away, lying]))
        with pytest.raises(QuorumMissingError, match="1 of 2"):
            run_pass(replace(settler, attesters=[settler.attesters[0], away, lying]))
        (row,) = run_pass(replace(settler, attesters=[*settler.attesters[:2], lying]))
    assert row.state == State.SUBMITTED


def test_a_wrong_root_is_refused_with_the_first_payee_that_differs(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    damage(world.urls[0])
    (row,) = run_pass(settler)
    assert row.state == State.REFUSED
    assert row.reason is not None
    assert f"{checksum_address(ALICE)} is owed " in row.reason
    assert settler.distributor.next_root_index(at="latest") == 1


def test_a_lone_attester_disables_a_wrong_root_that_a_quorum_signed(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    for url in world.urls[:3]:
        damage(url)
    assert [row.state for row in run_pass(settler)] == [State.SUBMITTED]
    world.index()
    stage = world.stage
    honest, sender = stage.attester(2, world.urls[3]), stage.sender(stage.attester_keys[2])
    with open_database(world.urls[3]) as engine:
        (judgement,) = disable_wrong_roots(honest, engine, settler.distributor, sender)
    assert judgement.fault is not None
    assert judgement.fault.startswith("its root is 0x")
    assert run_pass(settler)[0].state == State.DISABLED
    pass_activation(world)
    assert run_pass(settler)[0].root_index == 2
    assert set(world.balances().values()) == {0}


def test_a_right_root_is_left_alone_by_every_attester(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    run_pass(settler)
    world.index()
    for i, url in enumerate(world.urls[1:]):
        with open_database(url) as engine:
            (judgement,) = disable_wrong_roots(
                world.stage.attester(i, url), engine, settler.distributor, world.stage.funder
            )
        assert judgement.fault is None


def test_a_dry_run_shows_what_would_be_paid_and_touches_nothing(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    owed = world.owed()
    with settler.sessions() as session:
        run = dry_run(session, settler.scope, owed[BOB] + 1)
    assert {line.payee: line.due_units for line in run.lines if line.due_units} == owed
    assert {line.payee for line in run.lines if line.pushed} == {p for p, units in owed.items() if units > owed[BOB]}
    assert states(settler) == []
    run_pass(settler)
    pass_activation(world)
    run_pass(settler)
    world.settle_blocks()
    with settler.sessions() as session:
        after = as_json(dry_run(session, settler.scope, 1))
    assert after["due"] == "0"
    assert after["fees"] == "1000001"


def test_without_a_quorum_nothing_is_submitted_until_attesters_are_back(world: World, settler: Connections) -> None:
    world.charge(1_000_001)
    away = AttesterClient("http://127.0.0.1:9", timeout_seconds=1)
    with pytest.raises(QuorumMissingError, match="1 of 2 attesters needed"):
        run_pass(replace(settler, attesters=[settler.attesters[0], away]))
    assert states(settler) == [State.COMPUTED]
    assert [row.state for row in run_pass(settler)] == [State.SUBMITTED]


def test_a_second_settlement_process_is_turned_away(world: World) -> None:
    address = world.stage.distributor.address
    with open_database(world.urls[0]) as engine:
        with (
            sole_worker(engine, address),
            pytest.raises(LaneFencedError, match="already works"),
            sole_worker(engine, address),
        ):
            raise AssertionError
        with sole_worker(engine, address):
            pass
