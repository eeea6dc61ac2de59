"""`tributary watch --probe`: answers bought from a real gateway, their receipts checked, kept, and seen to land or not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.config import CHECKOUT
from ledger.errors import UsageError
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.signature import address_of
from ledger.receipt_files import read_receipts
from tests.e2e.middleman import Change, between
from tests.factories.batcher_world import proving_pool, run_batcher, settings_for
from tests.factories.operator_flow import DAY, key_of, operator_flow
from tests.factories.outbox import mining
from tests.factories.serving_world import RunningGateway, ServingWorld, build_world, running
from tributary.devnet import Devnet
from watcher.report import Report
from watcher.running import open_watch, run_probe
from watcher.settings import WatcherSettings

pytestmark = pytest.mark.e2e

PAYER, WATCHER = "probing payer", "probing watcher"
DEPOSIT = 50_000_000
MOST_PROBES = 10
FAULTS = {
    "responseHash is not of the bytes that came": (rb'"object":"chat.completion"', rb'"object":"chat.completioN"'),
    "it charges another payer": (rb'"payer":"0x[0-9a-f]{6}', rb'"payer":"0xffffff'),
    "its seq was committed before it was given": (rb'"seq":[0-9]+', rb'"seq":0'),
    "its fee is not the published price times its units": (rb'"inputUnits":', rb'"inputUnits":1'),
    "it names no model or adapter": (rb'"assetId":', rb'"assetId":9'),
    "startedAt is off by more than five minutes": (rb'"startedAt":1', rb'"startedAt":2'),
    "its signer is no key of the lane": (rb'"durationMs":', rb'"durationMs":1'),
    "attributionHash is not of the set that came": (rb'"attributionHash":"0x0', rb'"attributionHash":"0x1'),
    "An answer's receipt can't be read": (rb'"seq":', rb'"seq":-'),
}
"""What is said of an answer in which this was replaced by that."""


@pytest.fixture(scope="module")
def world(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServingWorld]:
    """A gateway's surroundings, with a payer who has tokens and no deposit yet; blocks come by themselves."""
    folder = tmp_path_factory.mktemp("probed")
    with operator_flow(devnet, folder, [key_of("attester")], quorum=1) as flow:
        world = build_world(flow, folder / "models", folder, lanes=(0,))
        flow.send(flow.token.mint(flow.sender(PAYER).address, DEPOSIT))
        flow.sender(WATCHER)
        with mining(devnet, 0.1):
            yield world


@pytest.fixture(scope="module")
def gateway(world: ServingWorld, module_database_url: str) -> Iterator[RunningGateway]:
    with running(world.settings(module_database_url)) as one:
        yield one


def environment(world: ServingWorld, url: str, state: str = "watch") -> dict[str, str]:
    """What a watcher that probes is told."""
    folder = world.flow_folder
    return {
        "L2_RPC_URL": world.flow.devnet.l2_url,
        "L1_RPC_URL": world.flow.devnet.l1_url,
        "BEACON_URL": world.flow.devnet.beacon_url,
        "DEPLOYMENTS_DIR": str(folder),
        "WATCHER_STATE_FILE": str(folder / state / "state.json"),
        "WATCHER_KEY": to_hex(key_of(WATCHER).secret),
        "WATCHER_PROBE_URL": url,
        "WATCHER_PROBE_KEY": to_hex(key_of(PAYER).secret),
        "WATCHER_PROBE_DEPOSIT_UNITS": str(DEPOSIT),
        "WATCHER_PROBE_MAX_TOKENS": "6",
    }


def watch(world: ServingWorld, url: str) -> list[dict[str, Any]]:
    """One run of the program; what it told."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TRIBUTARY_STATE_DIR") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "tributary", "watch", "--once", "--json"],
        cwd=CHECKOUT,
        env={**kept, "PYTHONPATH": str(CHECKOUT), **environment(world, url)},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def until_answered(world: ServingWorld, url: str) -> dict[str, Any]:
    """The probe's good answer: a deposit counts once its block is safe."""
    for _ in range(MOST_PROBES):
        told = watch(world, url)
        answered = [fact for fact in told if fact["event"] == "probe_answered"]
        if answered:
            return answered[0]
        assert {fact["event"] for fact in told} <= {"probe_funded", "probe_refused"}, told
    raise AssertionError("the gateway never answered")


def test_a_probes_receipt_is_checked_kept_and_seen_to_land(
    world: ServingWorld, gateway: RunningGateway, module_database_url: str
) -> None:
    answered = until_answered(world, gateway.url)
    receipts = [kept.receipt for kept in read_receipts(world.flow_folder / "watch" / "receipts")]
    assert [(r.seq, r.payer) for r in receipts] == [(answered["seq"], address_of(key_of(PAYER)))]
    assert receipts[0].fee_units == int(answered["fee_units"]) > 0
    with proving_pool() as pool:
        run_batcher(settings_for(world.flow, world.flow_folder, module_database_url), pool)
    told = watch(world, gateway.url)
    landed = [fact["seq"] for fact in told if fact["event"] == "receipt_landed"]
    assert landed == [answered["seq"]]
    assert {"batch_sound", "probe_answered"} <= {fact["event"] for fact in told}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_that_was_changed_is_told(
    world: ServingWorld, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    before, after = FAULTS[fault]

    def change(path: str, _body: bytes, answer: bytes) -> bytes:
        return re.sub(before, after, answer, count=1) if path.endswith("completions") else answer

    for _ in range(MOST_PROBES):
        told = probe_through(world, gateway, monkeypatch, change)
        if told[-1]["event"] != "probe_refused":
            break  # a busy gateway refuses, and may be asked again
    assert [fact["event"] for fact in told] == ["probe_wrong"], told
    assert any(said.startswith(fault) for said in told[0]["faults"])


def test_a_gateway_that_answers_nonsense_is_told_and_waited_out(
    world: ServingWorld, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for nonsense in (b"", b"[]", b"{}", b'{"operator": 7}', b"\xff" * 100):
        told = probe_through(world, gateway, monkeypatch, lambda *_, answer=nonsense: answer)
        assert [fact["event"] for fact in told] == ["probe_refused"]


def probe_through(
    world: ServingWorld, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, change: Change
) -> list[dict[str, Any]]:
    """One probe by way of a middleman; what was told."""
    lines: list[str] = []
    report = Report(lines.append, as_json=True)
    with between(gateway.url, change) as url:
        for name, value in environment(world, url, "middleman").items():
            monkeypatch.setenv(name, value)
        with open_watch(WatcherSettings.load(), report, acting=False, patient=True) as watching:
            run_probe(watching, report)
    return [json.loads(line) for line in lines]


def test_a_receipt_that_the_operator_never_posts_costs_it_a_penalty(
    world: ServingWorld, gateway: RunningGateway
) -> None:
    answered = until_answered(world, gateway.url)
    me = world.operator
    world.flow.devnet.advance(DAY + 120)
    bond = world.flow.operators.bond(me, "latest").amount_units
    told = watch(world, gateway.url)
    (paid,) = [fact for fact in told if fact["event"] == "penalized"]
    assert paid["lane"] == 0
    assert paid["seq"] <= answered["seq"]
    assert world.flow.operators.bond(me, "latest").amount_units == bond - int(paid["penalty_units"])
    assert "penalized" not in {fact["event"] for fact in watch(world, gateway.url)}


def test_a_probe_without_money_says_so(world: ServingWorld, gateway: RunningGateway, monkeypatch: Any) -> None:
    for name, value in environment(world, gateway.url, "poor").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WATCHER_PROBE_DEPOSIT_UNITS", "0")
    monkeypatch.setenv("WATCHER_PROBE_KEY", to_hex(key_of("poor payer").secret))
    report = Report(lambda _: None, as_json=True)
    with open_watch(WatcherSettings.load(), report, acting=False, patient=True) as watching:
        assert watching.probe is not None
        with pytest.raises(UsageError, match="has no deposit with the operator"):
            watching.probe.run()
