"""A deployment with an honest operator and a cheating one, and a watcher that runs beside them as a process."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.sender import Sender
from ledger.chain.structs import AttributionMode, Kind
from ledger.config import CHECKOUT
from ledger.protocol.signature import address_of
from tests.e2e.cheating.faults import CHEATS, HONEST
from tests.e2e.cheating.operator import CONSUMED, NEVER_POSTED, WITHHELD, World
from tests.factories.operator_flow import OUTPUT_PRICE, OperatorFlow, key_of, operator_flow, terms_for
from tests.factories.outbox import mining
from tributary.devnet import Devnet

BOND, DEPOSIT = 10**12, 10**12
PAYERS = sorted((key_of("cheated payer 0"), key_of("cheated payer 1")), key=address_of)
CHEATER, HONEST_OPERATOR, WATCHER = "cheating operator", "honest operator", "watcher"
LANES = {row: lane for lane, row in enumerate([*CHEATS, NEVER_POSTED, WITHHELD, CONSUMED])}
PATIENCE_SECONDS = 60.0


@dataclass
class Scene:
    """The world in which one cheats, another does not, and a third one watches."""

    flow: OperatorFlow
    folder: Path
    goods: dict[str, Any]
    operators: subprocess.Popen[str]
    """Starts a process for each operator."""

    @property
    def clients(self) -> Path:
        """Where clients keep their receipts."""
        return self.folder / "receipts"

    def environment(self, **more: str) -> dict[str, str]:
        """What a process of this world is told: addresses, and nobody's database."""
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "WATCHER_KEY")}
        addresses = {**self.flow.devnet.environment(), "DEPLOYMENTS_DIR": str(self.folder)}
        return {**kept, **addresses, "PYTHONPATH": str(CHECKOUT), **more}

    def world(self, row: str, operator: str = CHEATER) -> World:
        """What the operator of a row is told."""
        return World(
            l1_url=self.flow.devnet.l1_url,
            l2_url=self.flow.devnet.l2_url,
            deployments=str(self.folder),
            clients=str(self.clients),
            key="0x" + key_of(operator).secret.hex(),
            lane_key="0x" + self.flow.lane_key.secret.hex(),
            lane=LANES[row],
            payers=tuple("0x" + address_of(key).hex() for key in PAYERS),
            price_units=OUTPUT_PRICE,
            goods=self.goods,
        )

    def cheat(self, row: str, operator: str = CHEATER) -> list[dict[str, Any]]:
        """Run a row's operator to its end; the batches that it posted."""
        world = self.world(row, operator)
        path = self.folder / f"world-{LANES[row]}.json"
        world.write(path)
        assert self.operators.stdin is not None
        assert self.operators.stdout is not None
        self.operators.stdin.write(f"{path}\t{row}\n")
        self.operators.stdin.flush()
        said: list[dict[str, Any]] = []
        for line in self.operators.stdout:
            said.append(json.loads(line))
            if "exit_code" in said[-1]:
                break
        assert said[-1] == {"exit_code": 0}
        return said[:-1]

    def balances(self, operator: str) -> dict[str, int]:
        """What the payers have with an operator, and its bond."""
        me = address_of(key_of(operator))
        accounts = {
            f"payer {n}": self.flow.escrow.account(address_of(key), me, "latest").balance_units
            for n, key in enumerate(PAYERS)
        }
        return {**accounts, "bond": self.flow.operators.bond(me, "latest").amount_units}

    def tokens(self, who: bytes) -> int:
        """An account's tokens."""
        return self.flow.token.balance_of(who, "latest")


@dataclass
class Watcher:
    """A running `tributary watch --json`, its lines read as they come."""

    process: subprocess.Popen[str]
    told: list[dict[str, Any]] = field(default_factory=list)
    _lines: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line)

    def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first thing told, now or before, that fits."""
        found = next((fact for fact in self.told if condition(fact)), None)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while found is None:
            try:
                fact = json.loads(self._lines.get(timeout=max(0.01, deadline - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"the watcher did not tell it; it told {self.told}") from None
            self.told.append(fact)
            found = fact if condition(fact) else None
        return found

    def of(self, event: str, batch_id: int) -> dict[str, Any]:
        """What was told of a batch under this name."""
        return self.until(lambda fact: fact["event"] == event and fact.get("batch_id") == batch_id)


@contextmanager
def watching(scene: Scene, state: str, *words: str, key: str | None = WATCHER) -> Iterator[Watcher]:
    """A watcher process that follows the chain until the block ends."""
    more = {"WATCHER_POLL_SECONDS": "0.5", "WATCHER_STATE_FILE": str(scene.folder / state), "LOG_LEVEL": "error"}
    if key is not None:
        more["WATCHER_KEY"] = "0x" + key_of(key).secret.hex()
    program = [sys.executable, "-m", "tributary", "watch", "--json", "--receipts", str(scene.clients), *words]
    process = subprocess.Popen(program, cwd=CHECKOUT, env=scene.environment(**more), stdout=subprocess.PIPE, text=True)
    try:
        yield Watcher(process)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="session")
def operators() -> Iterator[subprocess.Popen[str]]:
    """What starts operators, each as a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.cheating.operator"],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


@pytest.fixture(scope="module")
def scene(
    devnet: Devnet, tmp_path_factory: pytest.TempPathFactory, operators: subprocess.Popen[str]
) -> Iterator[Scene]:
    """Both operators bonded, priced and funded; blocks come by themselves."""
    folder = tmp_path_factory.mktemp("cheating")
    (folder / "receipts").mkdir()
    with operator_flow(devnet, folder, [key_of("attester")], quorum=1) as flow:
        goods = _goods(flow)
        for name in (CHEATER, HONEST_OPERATOR):
            _join(flow, name, goods)
        flow.sender(WATCHER)
        flow.sender("second watcher")
        devnet.advance(600)  # answers began a while ago, when prices and terms were in force already
        with mining(devnet, 0.15):
            yield Scene(flow, folder, goods, operators)


def _goods(flow: OperatorFlow) -> dict[str, Any]:
    owner = address_of(key_of("model owner"))
    plain = terms_for([(owner, 1_000_000)])
    datasets = tuple(flow.register(f"data {n}".encode(), plain, Kind.DATASET) for n in range(4))
    shared = replace(plain, mode=AttributionMode.OPERATOR, data_ppm=500_000, datasets=datasets)
    return {
        "model": flow.register(b"model", shared),
        "fixed_model": flow.register(b"fixed", plain),
        "dear_model": flow.register(b"dear", replace(plain, floor_output_price_units=5 * OUTPUT_PRICE)),
        "datasets": list(datasets),
    }


def _join(flow: OperatorFlow, name: str, goods: dict[str, Any]) -> None:
    """Make an operator of this account, with payers who trust it."""
    operator = flow.sender(name)
    flow.devnet.l1.call("anvil_setBalance", "0x" + operator.address.hex(), hex(10**20))
    flow.fund(operator.address, flow.operators.address, BOND, operator)
    flow.send(flow.operators.deposit_bond(operator.address, BOND), operator)
    for model in (goods["model"], goods["fixed_model"], goods["dear_model"]):
        flow.send(flow.operators.set_price(model, 0, OUTPUT_PRICE), operator)
    for lane in LANES.values() if name == CHEATER else (LANES[HONEST],):
        flow.send(flow.operators.add_key(lane, address_of(flow.lane_key)), operator)
    mine = replace(flow, operator=operator)
    for n, key in enumerate(PAYERS):
        payer: Sender = flow.sender(f"cheated payer {n}")
        assert payer.address in map(address_of, PAYERS)
        flow.fund(payer.address, flow.escrow.address, DEPOSIT, payer)
        flow.send(flow.escrow.deposit(payer.address, operator.address, DEPOSIT), payer)
        mine.authorize(key, DEPOSIT)


@pytest.fixture(scope="module")
def watcher(scene: Scene) -> Iterator[Watcher]:
    """One watcher for the module, started before anybody cheats."""
    with watching(scene, "watcher.json") as running:
        yield running
