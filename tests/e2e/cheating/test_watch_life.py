"""The watcher's own life: killed at every step, raced by another one, held by its limits, blind, or misled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ledger.archive import BlobArchive
from ledger.chain.events.receipt_ledger import BatchVoided
from ledger.chain.sender import Sender
from ledger.config import CHECKOUT
from ledger.errors import UsageError
from ledger.protocol.signature import address_of
from tests.e2e.cheating.conftest import CHEATER, WATCHER, Scene
from tests.factories.batcher_world import events
from tests.factories.operator_flow import key_of
from watcher.memory import MemoryFile
from watcher.report import Report
from watcher.running import Watch, open_watch, run_once
from watcher.settings import WatcherSettings

pytestmark = pytest.mark.e2e

ROW = "a seq twice"
LEAST_EFFECTS = 6


class PowerCutError(BaseException):
    """The process is gone."""


@contextmanager
def power_cut(when: str, at: int) -> Iterator[None]:
    """Ends the watcher before or after its n-th write to disk or to the chain."""
    seen = 0

    def cut(original: Any) -> Any:
        def wrapped(*words: Any, **named: Any) -> Any:
            nonlocal seen
            seen += 1
            if (when, seen) == ("before", at):
                raise PowerCutError
            result = original(*words, **named)
            if (when, seen) == ("after", at):
                raise PowerCutError
            return result

        return wrapped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryFile, "_write", cut(MemoryFile._write))
        patch.setattr(Sender, "broadcast", cut(Sender.broadcast))
        yield


def settings(scene: Scene, state: str, key: str | None = WATCHER, **changes: Any) -> WatcherSettings:
    devnet = scene.flow.devnet
    return WatcherSettings.load(
        **{
            "l1_rpc_url": devnet.l1_url,
            "l2_rpc_url": devnet.l2_url,
            "beacon_url": devnet.beacon_url,
            "deployments_dir": scene.folder,
            "receipts_dir": scene.clients,
            "state_file": scene.folder / state,
            "key": None if key is None else "0x" + key_of(key).secret.hex(),
            **changes,
        }
    )


@contextmanager
def opened(scene: Scene, state: str, *, acting: bool = True, **changes: Any) -> Iterator[tuple[Watch, list[Any]]]:
    """A watch of this process, and what it tells."""
    told: list[Any] = []
    report = Report(lambda line: told.append(json.loads(line)), as_json=True)
    with open_watch(settings(scene, state, **changes), report, acting=acting, patient=True) as watch:
        yield watch, told


def watch_once(scene: Scene, state: str, *, acting: bool = True, **changes: Any) -> list[Any]:
    with opened(scene, state, acting=acting, **changes) as (watch, told):
        run_once(watch, Report(lambda _: None, as_json=True))
    return told


def of(told: list[Any], batch_id: int) -> list[str]:
    return [fact["event"] for fact in told if fact.get("batch_id") == batch_id]


def test_a_power_cut_at_every_effect_leads_to_one_challenge(scene: Scene) -> None:
    me = scene.flow.sender(WATCHER)
    for when, at in (("after", 1), ("before", 2)):
        (batch,) = scene.cheat(ROW)
        before, cuts = me.mined_nonce(), 0
        for _ in range(60):
            try:
                with power_cut(when, at):
                    watch_once(scene, "cut.json")
            except PowerCutError:
                cuts += 1
                continue
            break
        assert cuts >= LEAST_EFFECTS
        voided = [event.challenger for event in events(scene.flow, BatchVoided) if event.batch_id == batch["batch_id"]]
        assert voided == [me.address]
        assert scene.flow.ledger.voiding(batch["batch_id"], "latest")[1] == 0
        assert me.mined_nonce() == before + 2, "one challenge, one transaction of refunds"


def test_another_watchers_challenge_first_is_no_error(scene: Scene) -> None:
    (batch,) = scene.cheat(ROW)
    first = watch_once(scene, "first.json")
    assert of(first, batch["batch_id"])[-1] == "refunded"
    second = scene.flow.sender("second watcher")
    before = second.mined_nonce()
    told = watch_once(scene, "second.json", key="second watcher")
    assert of(told, batch["batch_id"]) == ["batch_voided", "refunded"]
    assert second.mined_nonce() == before


def test_a_challenge_that_comes_too_late_costs_gas_and_nothing_else(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch,) = scene.cheat(ROW)
    broadcast = Sender.broadcast
    raced: list[int] = []

    # Both watchers are real; that one is overtaken between its look and its sending is left to no chance.
    def slow(self: Sender, *words: Any) -> None:
        if self.address == address_of(key_of(WATCHER)) and not raced:
            raced.append(1)
            watch_once(scene, "faster.json", key="second watcher")
        broadcast(self, *words)

    monkeypatch.setattr(Sender, "broadcast", slow)
    told = watch_once(scene, "slower.json")
    assert raced
    assert "transaction_failed" in {fact["event"] for fact in told}
    assert of(told, batch["batch_id"])[-1] == "refunded"
    (voided,) = [event for event in events(scene.flow, BatchVoided) if event.batch_id == batch["batch_id"]]
    assert voided.challenger == address_of(key_of("second watcher"))


def test_limits_hold_and_what_they_stop_is_told(scene: Scene) -> None:
    me = scene.flow.sender(WATCHER)
    (batch,) = scene.cheat(ROW)
    before = me.mined_nonce()
    with opened(scene, "limited.json", budget_wei=10**9) as (watch, told):
        run_once(watch, Report(lambda _: None, as_json=True))
        assert watch.standing() == (1, 0)
    assert "limit_reached" in {fact["event"] for fact in told}
    with opened(scene, "poor.json", key="nobody with money") as (watch, told):
        run_once(watch, Report(lambda _: None, as_json=True))
    assert "limit_reached" in {fact["event"] for fact in told}
    assert me.mined_nonce() == before

    dry = watch_once(scene, "dry.json", acting=False)
    (would,) = [fact for fact in dry if fact["event"] == "would_challenge"]
    assert (would["batch_id"], would["challenge"]) == (batch["batch_id"], "challengeDuplicate")
    assert int(would["reward_units"]) > 0
    assert int(would["cost_wei"]) > 0
    assert me.mined_nonce() == before

    done = subprocess.run(
        [sys.executable, "-m", "tributary", "watch", "--once", "--dry-run"],
        cwd=CHECKOUT,
        env=scene.environment(WATCHER_STATE_FILE=str(scene.folder / "dry process.json")),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.strip() == "1 false batches stand, 0 could not be judged."
    assert f"Would send challengeDuplicate against batch {batch['batch_id']}" in done.stdout

    assert of(watch_once(scene, "limited.json"), batch["batch_id"])[-1] == "refunded"


def test_a_batch_without_blobs_waits_until_somebody_has_them(scene: Scene) -> None:
    (batch,) = scene.cheat(ROW)
    empty = scene.folder / "archive"
    empty.mkdir()
    blind = {"beacon_url": None, "l1_rpc_url": None, "archive_dir": empty}
    with opened(scene, "blind.json", **blind) as (watch, told):
        run_once(watch, Report(lambda _: None, as_json=True))
        assert watch.standing() == (0, 1)
        assert of(told, batch["batch_id"]) == ["blob_missing"]
        assert not watch.run_pass()
        assert of(told, batch["batch_id"]) == ["blob_missing"], "told once"
    told = watch_once(scene, "blind.json", archive_dir=empty)
    assert of(told, batch["batch_id"])[-1] == "refunded"
    assert len(list(BlobArchive(empty).hashes())) == 1


def test_a_state_file_serves_one_watcher_of_one_deployment(scene: Scene) -> None:
    with opened(scene, "held.json"), pytest.raises(UsageError, match="Another watcher uses"):
        watch_once(scene, "held.json")
    path = scene.folder / "held.json"
    for nonsense in ("", "{}", '{"chain_id": 1, "ledger": "0x"}', "\0" * 50):
        path.write_text(nonsense)
        with pytest.raises(UsageError, match=r"is not a watcher's state|is of another deployment"):
            watch_once(scene, "held.json")


def test_a_file_that_is_no_receipt_is_told_and_left(scene: Scene) -> None:
    (scene.clients / "aaa.json").write_text("[")
    told = watch_once(scene, "files.json", acting=False)
    wrong = [fact for fact in told if fact["event"] == "receipt_file_wrong"]
    assert len(wrong) == 1
    assert "aaa.json is not a signed receipt" in wrong[0]["reason"]
    assert scene.balances(CHEATER)["bond"] > 0
