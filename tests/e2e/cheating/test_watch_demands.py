"""Blobs that nobody has are demanded; receipts for seqs that were taken before are paid for."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from ledger.chain.altda import AltDaClient
from ledger.chain.contracts.blob_demands import BlobDemands
from ledger.protocol.batch import batch_commitment
from ledger.protocol.blob.payload import payload_of
from ledger.protocol.signature import address_of
from tests.e2e.cheating.conftest import CHEATER, HONEST_OPERATOR, LANES, WATCHER, Scene
from tests.e2e.cheating.faults import HONEST
from tests.e2e.cheating.operator import CONSUMED, WITHHELD, Operator
from tests.e2e.cheating.test_watch_life import of, opened, watch_once
from tests.factories.altda_server import altda_server
from tests.factories.operator_flow import DAY, key_of
from watcher.batches import committed_batch, read_logs
from watcher.chains import Chains
from watcher.running import Watch

pytestmark = pytest.mark.e2e


def deposit_for(scene: Scene, demands: int) -> int:
    """Gives the watcher the tokens for so many demands; what one costs."""
    deployment = scene.flow.deployment
    units = BlobDemands(scene.flow.l2, deployment.l2.blob_demands).deposit_units("latest")
    scene.flow.send(scene.flow.token.mint(address_of(key_of(WATCHER)), units * demands), scene.flow.operator)
    return units


def test_a_batch_whose_blobs_are_withheld_is_voided_and_the_deposit_comes_back(scene: Scene) -> None:
    me = address_of(key_of(WATCHER))
    deposit = deposit_for(scene, 1)
    before, mine = scene.balances(CHEATER), scene.tokens(me)
    (batch,) = scene.cheat(WITHHELD)
    told = watch_once(scene, "demands.json", demand=False)
    assert of(told, batch["batch_id"]) == ["blob_missing"]
    told = watch_once(scene, "demands.json", demand=True, demand_budget_units=deposit - 1)
    assert "limit_reached" in {fact["event"] for fact in told}
    told = watch_once(scene, "demands.json", demand=True)
    assert of(told, batch["batch_id"]) == ["deposit_approved", "demand_sent"]
    assert scene.tokens(me) == mine - deposit

    scene.flow.devnet.advance(2 * DAY + 60)
    told = watch_once(scene, "demands.json", demand=True)
    (voided,) = [fact for fact in told if fact["event"] == "batch_voided"]
    assert voided["fault"] == "blob_withheld"
    (slashed,) = [fact for fact in told if fact["event"] == "slashed"]
    assert of(told, batch["batch_id"])[-1] == "refunded"
    lost = int(slashed["slashed_units"])
    assert scene.tokens(me) == mine + lost // 5
    assert scene.balances(CHEATER) == {**before, "bond": before["bond"] - lost}


def test_a_blob_that_comes_by_demand_is_judged(scene: Scene) -> None:
    deposit = deposit_for(scene, 1)
    demands = BlobDemands(scene.flow.l2, scene.flow.deployment.l2.blob_demands)
    with closing(Operator(scene.world(HONEST, HONEST_OPERATOR))) as operator:
        batch = operator.honest_batch()
        batch_id = operator.commit_unattested(batch)
        told = watch_once(scene, "answered.json", demand=True)
        assert of(told, batch_id)[-1] == "demand_sent"

        hashes = operator.post(batch)
        with opened(scene, "answered.json") as (watch, _):
            committed = _committed(watch, batch_id, batch_commitment(batch.header, hashes, batch.charges))
        held = scene.tokens(operator.on_l2.address)
        operator.on_l2.execute(demands.answer(committed, 0, hashes, 0))
        assert scene.tokens(operator.on_l2.address) == held + deposit
    told = watch_once(scene, "answered.json", demand=True)
    assert of(told, batch_id) == ["batch_sound"]


def test_blobs_behind_an_altda_server_are_judged_without_a_demand(scene: Scene) -> None:
    with altda_server() as server, closing(Operator(scene.world(HONEST, HONEST_OPERATOR))) as operator:
        batch = operator.honest_batch()
        with closing(AltDaClient(server.url)) as client:
            commitment = client.put(payload_of(batch.blobs))
        assert commitment is not None
        batch_id = operator.commit_unattested(batch, commitment)
        server.configure(GetReturnsWrongBytes=True)
        told = watch_once(scene, "altda.json", altda_url=(server.url,))
        assert of(told, batch_id) == ["blob_missing"]
        server.configure()
        told = watch_once(scene, "altda.json", altda_url=(server.url,), demand=True)
        assert of(told, batch_id) == ["batch_sound"]


def _committed(watch: Watch, batch_id: int, commitment: bytes) -> Any:
    chains: Chains = watch._chains
    for reading in read_logs(
        chains, chains.deployment.l2.deployed_at_block, int(chains.l2.call("eth_blockNumber"), 16)
    ):
        for log in reading.logs:
            if getattr(log.event, "batch_commitment", None) == commitment:
                return committed_batch(log.event, log.event.committed_at)
    raise AssertionError(batch_id)


def test_a_receipt_for_a_seq_that_a_batch_had_taken_is_paid_for(scene: Scene) -> None:
    late_key, lane = key_of("late lane key"), LANES[CONSUMED]
    with closing(Operator(scene.world(CONSUMED))) as operator:
        batch_id = operator.commit(operator.honest_batch())
        scene.flow.devnet.advance(900)
        operator.on_l2.execute(scene.flow.operators.add_key(lane, address_of(late_key)))
        operator.lane_key = late_key
        operator.leave_with_clients([replace(operator.served()[0].signed, seq=0)])
    bond = scene.balances(CHEATER)["bond"]
    told = watch_once(scene, "consumed.json")
    assert "challenge_refused" in of(told, batch_id), "the key was not the lane's when the batch was committed"
    (paid,) = [fact for fact in told if fact["event"] == "penalized"]
    assert (paid["lane"], paid["seq"]) == (lane, 0)
    assert scene.balances(CHEATER)["bond"] == bond - int(paid["penalty_units"])
    assert "penalized" not in {fact["event"] for fact in watch_once(scene, "consumed.json")}
