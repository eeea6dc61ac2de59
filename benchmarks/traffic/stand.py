"""What is measured, each in a process of its own: the paced upstream, the gateway in front of it, PostgreSQL, a devnet."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.traffic.client import Target
from benchmarks.traffic.processes import Running, running
from ledger.config import CHECKOUT
from serving.settings import ServingSettings
from tests.factories.operator_flow import key_of, operator_flow
from tests.factories.serving_world import ServingWorld, build_world, buy_key
from tributary.devnet import Devnet

MODEL = "quill"
PAYERS, UNITS = 8, 10**12
LANE = 0


@dataclass(frozen=True)
class Stand:
    """Everything that runs."""

    upstream: Running
    gateway: Running
    direct: Target
    ours: Target
    database_url: str


@contextmanager
def upstream(folder: Path, name: str, *, first_token_ms: float, tokens_per_second: float) -> Iterator[Running]:
    """The paced upstream at a set pace."""
    words = [
        sys.executable, "-m", "benchmarks.paced_upstream", "--model", MODEL, "--first-token-ms", str(first_token_ms),
        "--tokens-per-second", str(tokens_per_second),
    ]  # fmt: skip
    with running(words, folder / f"{name}.log", {"PYTHONPATH": str(CHECKOUT)}) as started:
        yield started


@contextmanager
def stand(folder: Path, database_url: str, paced: Running) -> Iterator[Stand]:
    """`tributary serve` as an operator starts it, in front of the upstream, with payers who have keys."""
    deployments = folder / "deployments"
    with Devnet.start() as devnet, operator_flow(devnet, deployments, [key_of("attester")], quorum=1) as flow:
        world = build_world(flow, folder / "models", deployments, lanes=(LANE,))
        (folder / "upstreams.toml").write_text(_upstreams(world, paced))
        words = [sys.executable, "-m", "tributary", "serve"]
        with running(words, folder / "gateway.log", _environment(world, database_url, folder)) as gateway:
            payers = [world.deposit(f"payer {number}", UNITS) for number in range(PAYERS)]
            keys = tuple(buy_key(gateway.url, world, payer, UNITS) for payer in payers)
            direct = Target("the upstream", paced.url, MODEL)
            yield Stand(paced, gateway, direct, Target("the gateway", gateway.url, MODEL, keys), database_url)


def _upstreams(world: ServingWorld, paced: Running) -> str:
    """The gateway's upstreams: one node that serves the base of the shipped models."""
    return f'models_dir = "{world.models}"\n\n[[node]]\nurl = "{paced.url}/v1"\nmax_running = 1024\n'


def _environment(world: ServingWorld, database_url: str, folder: Path) -> dict[str, str]:
    changes = {"checkpoint_seconds": 1.0, "chain_poll_seconds": 2.0, "max_payer_requests": 4096}
    fields = world.settings(database_url, LANE, **changes)
    named = {ServingSettings.variable(name): str(value) for name, value in fields.items()}
    return named | {
        "SERVING_UPSTREAMS": str(folder / "upstreams.toml"),
        "PYTHONPATH": str(CHECKOUT),
        "LOG_LEVEL": "warning",
    }


@dataclass(frozen=True, slots=True)
class Receipts:
    """What the database holds of the gateway's work."""

    issued: int
    paid: int
    next_seq: int
    intents: int

    @property
    def gapless(self) -> bool:
        return self.issued == self.next_seq and self.intents == 0


def receipts(database_url: str) -> Receipts:
    query = (
        "SELECT (SELECT count(*) FROM issued_receipts), (SELECT count(*) FROM issued_receipts WHERE fee_units > 0),"
        " (SELECT coalesce(max(seq) + 1, 0) FROM issued_receipts), (SELECT count(*) FROM intents)"
    )
    with psycopg.connect(database_url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return Receipts(*row)
