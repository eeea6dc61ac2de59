"""Each row of the protocol's table of faults, by an operator that cheats so, found and punished from chain data alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ledger.chain.contracts.challenges import Challenges
from ledger.config import CHECKOUT
from ledger.protocol.signature import address_of
from tests.e2e.cheating.conftest import CHEATER, HONEST_OPERATOR, LANES, WATCHER, Scene, Watcher
from tests.e2e.cheating.faults import CHEATS, HONEST
from tests.e2e.cheating.operator import NEVER_POSTED
from tests.factories.operator_flow import DAY, key_of

pytestmark = pytest.mark.e2e

BURN_ADDRESS = bytes.fromhex("000000000000000000000000000000000000dead")
ROWS = [row for row in CHEATS if row != HONEST]


def test_an_honest_operator_is_left_alone(scene: Scene, watcher: Watcher) -> None:
    (batch,) = scene.cheat(HONEST, HONEST_OPERATOR)
    assert watcher.of("batch_sound", batch["batch_id"])
    assert scene.flow.operators.bond(address_of(key_of(HONEST_OPERATOR)), "latest").reserved_units > 0
    landed = watcher.until(lambda fact: fact["event"] == "receipt_landed")
    assert landed["batch_id"] == batch["batch_id"]


@pytest.mark.parametrize("row", ROWS)
def test_a_cheating_operator_is_found_slashed_and_its_payers_refunded(scene: Scene, watcher: Watcher, row: str) -> None:
    me = address_of(key_of(WATCHER))
    before, mine, burned = scene.balances(CHEATER), scene.tokens(me), scene.tokens(BURN_ADDRESS)
    honest = scene.balances(HONEST_OPERATOR)
    lost = 0
    posted = scene.cheat(row)
    assert {batch["way"] for batch in posted} == set(CHEATS[row])
    for batch in posted:
        cheat = CHEATS[row][batch["way"]]
        assert watcher.of("challenge_sent", batch["batch_id"])["challenge"] == cheat.challenge, batch
        assert watcher.of("batch_voided", batch["batch_id"])["fault"] == cheat.rule, batch
        lost += int(watcher.of("slashed", batch["batch_id"])["slashed_units"])
        assert watcher.of("refunded", batch["batch_id"])
        assert scene.flow.ledger.voiding(batch["batch_id"], "latest")[1] == 0
    after = scene.balances(CHEATER)
    assert lost > 0
    assert after == {**before, "bond": before["bond"] - lost}
    assert scene.tokens(me) == mine + lost // 5
    assert scene.tokens(BURN_ADDRESS) == burned + lost - lost // 5
    assert scene.balances(HONEST_OPERATOR) == honest


def test_without_a_key_it_only_tells(scene: Scene, watcher: Watcher) -> None:
    state = scene.folder / "dry.json"
    program = [sys.executable, "-m", "tributary", "watch", "--once", "--dry-run", "--state", str(state)]
    done = subprocess.run(
        program, cwd=CHECKOUT, env=scene.environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "void (header_differs_from_commitment)" in done.stdout


def test_a_receipt_never_posted_is_paid_for_once(scene: Scene, watcher: Watcher) -> None:
    scene.cheat(NEVER_POSTED)
    lane = LANES[NEVER_POSTED]
    watcher.until(lambda fact: fact["event"] == "receipt_waiting" and fact["lane"] == lane)
    bond = scene.balances(CHEATER)["bond"]
    scene.flow.devnet.advance(DAY + 60)
    paid = watcher.until(lambda fact: fact["event"] == "penalized" and fact["lane"] == lane)
    assert scene.balances(CHEATER)["bond"] == bond - int(paid["penalty_units"])
    challenges = Challenges(scene.flow.l2, scene.flow.deployment.l2)
    assert challenges.penalized_at(address_of(key_of(CHEATER)), lane, "latest") > 0
