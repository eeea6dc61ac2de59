"""The whole of a running system on one machine, part by part: three upstreams, gateway, batcher, PostgreSQL, nodes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from coincurve import PrivateKey

from ledger.protocol.hexadecimal import to_hex
from serving.settings import ServingSettings
from tests.e2e.chaos.programs import PATIENCE_SECONDS, Postgres, Program, Victim
from tests.factories.operator_flow import key_of, operator_flow
from tests.factories.serving_world import ServingWorld, build_world, buy_key
from tributary.database import migrate
from tributary.devnet import Devnet
from tributary.ports import free_port

UPSTREAMS, NODES, PAYERS = 3, 2, 3
OPEN_JOBS = 1
STORAGE_WAIT_SECONDS = 20.0
"""Longer than PostgreSQL is away on a slow machine: an answer that left without its receipt could be lost with the gateway."""
"""Supersim loses the second of two deposits that meet in one block of the L2, so that one post must wait for another."""
CAP = 10**8
LANE = 0
BOND = 10**11
"""For many small batches, each of which reserves its part until its window is over."""


@dataclass
class ChaosWorld:
    """Everything that runs; `keys` are the API keys of `payers`, `kept` is where clients keep their receipts."""

    serving: ServingWorld
    folder: Path
    database_url: str
    gateway_url: str
    postgres: Postgres
    programs: list[Program]
    payers: list[PrivateKey]
    keys: list[str]

    @property
    def kept(self) -> Path:
        return self.folder / "kept"

    @property
    def victims(self) -> list[Victim]:
        return [*self.programs, self.postgres]

    def program(self, name: str) -> Program:
        return next(one for one in self.programs if one.name == name)


@contextmanager
def chaos_world(devnet: Devnet, folder: Path, postgres_folder: Path) -> Iterator[ChaosWorld]:
    """Chains with contracts, registered models and three payers with keys; every part runs."""
    with ExitStack() as stack:
        postgres = Postgres(postgres_folder)
        stack.callback(postgres.end)
        postgres.start()
        assert postgres.server is not None
        url = postgres.server.ensure_database("chaos")
        migrate(url)
        flow = stack.enter_context(operator_flow(devnet, folder / "deployments", [key_of("attester")], quorum=1))
        serving = build_world(flow, folder / "models", folder / "deployments", lanes=[LANE])
        flow.fund(flow.operator.address, flow.operators.address, BOND, flow.operator)
        flow.send(flow.operators.deposit_bond(flow.operator.address, BOND))
        nodes = {chain: _nodes(folder, chain, target) for chain, target in _targets(devnet).items()}
        port = free_port()
        upstreams, file = _upstreams(folder, serving)
        settings = serving.settings(
            url, LANE, port=port, l2_rpc_url=_addresses(nodes["L2"]), upstreams=file,
            storage_wait_seconds=STORAGE_WAIT_SECONDS,
        )  # fmt: skip
        gateway = Program("gateway", ["tributary", "serve"], _environment(settings), folder / "gateway.log")
        batcher = Program("batcher", ["tributary", "batch"], _batcher(serving, url, nodes), folder / "batcher.log")
        relays = [node for chain in nodes.values() for _, node in chain]
        for program in (*relays, *upstreams, gateway, batcher):
            stack.callback(program.kill)
            program.start()
        address = f"http://127.0.0.1:{port}"
        until_ready(address)
        payers = [serving.deposit(f"chaos payer {n}", CAP) for n in range(PAYERS)]
        keys = [buy_key(address, serving, payer, CAP) for payer in payers]
        (folder / "kept").mkdir()
        yield ChaosWorld(serving, folder, url, address, postgres, [*relays, *upstreams, gateway, batcher], payers, keys)


def until_ready(url: str) -> None:
    """Returns once the gateway says that it is ready."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/ready", trust_env=False, timeout=2.0).status_code == httpx.codes.OK:
                return
        assert time.monotonic() < deadline, "the gateway is not ready"
        time.sleep(0.1)


def _nodes(folder: Path, chain: str, target: int) -> list[tuple[int, Program]]:
    """Addresses of one chain."""
    made = []
    for letter in "ab"[:NODES]:
        port, name = free_port(), f"{chain} node {letter}"
        words = ["tests.e2e.chaos.relay", str(port), str(target)]
        made.append((port, Program(name, words, {}, folder / f"{chain}-{letter}.log")))
    return made


def _targets(devnet: Devnet) -> dict[str, int]:
    return {name: urlsplit(url).port or 0 for name, url in (("L1", devnet.l1_url), ("L2", devnet.l2_url))}


def _addresses(nodes: list[tuple[int, Program]]) -> str:
    return ",".join(f"http://127.0.0.1:{port}" for port, _ in nodes)


def _upstreams(folder: Path, serving: ServingWorld) -> tuple[list[Program], Path]:
    """Model servers, and the file that tells the gateway of them."""
    programs, tables = [], ['models_dir = "models"']
    names = [word for model in serving.asset_ids for word in ("--model", model)]
    for number in range(UPSTREAMS):
        port, name = free_port(), f"upstream {number}"
        words = ["benchmarks.paced_upstream", "--port", str(port), "--tokens-per-second", "12", *names]
        programs.append(Program(name, words, {}, folder / f"upstream-{number}.log"))
        tables.append(f'[[node]]\nurl = "http://127.0.0.1:{port}/v1"')
    file = folder / "upstreams.toml"
    file.write_text("\n".join(tables) + "\n")
    return programs, file


def _environment(settings: dict[str, object]) -> dict[str, str]:
    """The gateway's settings as the variables that an operator would set."""
    return {ServingSettings.variable(name): str(value) for name, value in settings.items()}


def _batcher(serving: ServingWorld, url: str, nodes: dict[str, list[tuple[int, Program]]]) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "L1_RPC_URL": _addresses(nodes["L1"]),
        "L2_RPC_URL": _addresses(nodes["L2"]),
        "DEPLOYMENTS_DIR": str(serving.flow_folder),
        "BATCHER_OPERATOR_KEY": to_hex(serving.flow.devnet.accounts[0].private_key),
        "BATCHER_POLL_SECONDS": "0.2",
        "BATCHER_MAX_AGE_SECONDS": "2",
        "BATCHER_STUCK_SECONDS": "5",
        "BATCHER_MAX_OPEN_JOBS": str(OPEN_JOBS),
    }
