"""A gateway's surroundings on a devnet: models registered and priced, a lane key, payers with deposits."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvloop
from coincurve import PrivateKey

from ledger.chain.structs import Kind, Parent, Share, Terms
from ledger.config import CHECKOUT
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.domain import address_word, word
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import address_of, sign
from serving.assembly import assemble
from serving.catalogue.local import read_local_models
from serving.gateway import Gateway
from serving.inference.attribution import Attributor
from serving.server import listen, port_of, serve
from serving.settings import ServingSettings
from tests.factories.operator_flow import DAY, OperatorFlow, key_of

MODELS = CHECKOUT / "models"
INPUT_PRICE, OUTPUT_PRICE = 3_000, 9_000
BOND, OWN_DEPOSIT = 1_000_000_000, 100_000_000
SAFE_BLOCKS = 40
ADAPTERS = ("austen", "bierce")


@dataclass
class ServingWorld:
    """One operator whose models are on chain; `asset_ids` by the name that requests use."""

    flow: OperatorFlow
    models: Path
    asset_ids: dict[str, int] = field(default_factory=dict)

    @property
    def operator(self) -> bytes:
        return self.flow.operator.address

    def settings(self, database_url: str, lane: int = 0, **changes: Any) -> dict[str, Any]:
        """What a gateway of this world is started with, as fields of ServingSettings."""
        return {
            "database_url": database_url,
            "l2_rpc_url": self.flow.devnet.l2_url,
            "deployments_dir": self.flow_folder,
            "operator": to_hex(self.operator),
            "lane": lane,
            "lane_key": to_hex(lane_key(lane).secret),
            "models_dir": self.models,
            "follow_chain_clock": True,
            "chain_poll_seconds": 0.2,
            "checkpoint_seconds": 0.05,
            "storage_wait_seconds": 5.0,
            "shutdown_seconds": 5,
            "port": 0,
        } | changes

    flow_folder: Path = Path()

    def deposit(self, name: str, units: int) -> PrivateKey:
        """The key of a payer of this name, with so much in its account, in a safe block."""
        payer = self.flow.sender(name)
        self.flow.fund(payer.address, self.flow.escrow.address, units, payer)
        self.flow.send(self.flow.escrow.deposit(payer.address, self.operator, units), payer)
        self.flow.devnet.l2.mine(SAFE_BLOCKS)
        return key_of(name)

    def authorization(self, payer: PrivateKey, cap: int, days: int = 30) -> dict[str, Any]:
        """The body of POST /v1/keys: a cap that the payer signed."""
        valid_until = self.flow.devnet.now() + days * DAY
        authorization = SpendAuthorization(address_of(payer), self.operator, cap, valid_until)
        digest = authorization.digest(self.flow.deployment.authorization_domain)
        return authorization.signed_json(sign(digest, payer))


def lane_key(lane: int) -> PrivateKey:
    """The signing key of a lane in these worlds."""
    return key_of(f"serving lane {lane}")


def build_world(flow: OperatorFlow, folder: Path, deployments: Path, lanes: Sequence[int] = range(7)) -> ServingWorld:
    """Models copied to `folder` and registered, priced; lane keys, bond and the operator's deposit in place."""
    world = ServingWorld(flow, copy_models(folder), flow_folder=deployments)
    me = flow.operator.address
    local = read_local_models(world.models)
    base_id = register(flow, local.base.content_hash, Kind.MODEL, ())
    world.asset_ids[local.base.model_id] = base_id
    for adapter in local.adapters:
        parents = (Parent(base_id, 300_000),)
        world.asset_ids[adapter.model_id] = register(flow, adapter.content_hash, Kind.ADAPTER, parents)
    for asset_id in world.asset_ids.values():
        flow.send(flow.operators.set_price(asset_id, INPUT_PRICE, OUTPUT_PRICE))
    for lane in lanes:
        flow.send(flow.operators.add_key(lane, address_of(lane_key(lane))))
    flow.fund(me, flow.operators.address, BOND, flow.operator)
    flow.send(flow.operators.deposit_bond(me, BOND))
    flow.fund(me, flow.escrow.address, OWN_DEPOSIT, flow.operator)
    flow.send(flow.escrow.deposit(me, me, OWN_DEPOSIT))
    return world


def copy_models(folder: Path) -> Path:
    """A models folder of the shipped base and two of its adapters."""
    manifest = json.loads((MODELS / "manifest.json").read_text())
    wanted = {"base", *(f"adapters/{name}" for name in ADAPTERS)}
    manifest["assets"] = [asset for asset in manifest["assets"] if asset["path"] in wanted]
    for path in wanted:
        shutil.copytree(MODELS / path, folder / path)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def register(flow: OperatorFlow, content: bytes, kind: Kind, parents: tuple[Parent, ...], mode: int = 0) -> int:
    """Commits and reveals an asset of this content; its id."""
    salt = keccak256(b"serving salt", content)
    terms = Terms(200_000, 0, 0, 0, 0, mode, (Share(address_of(key_of("owner")), 1_000_000),), parents, ())
    flow.send(flow.registry.commit(keccak256(address_word(flow.operator.address), word(kind), content, salt)))
    flow.devnet.advance(61)
    flow.send(flow.registry.register(kind, content, salt, "ipfs://weights", terms))
    return flow.registry.asset_id_of(content, "latest")


@dataclass
class RunningGateway:
    """A gateway in a thread of this process, on a real socket."""

    url: str
    gateway: Gateway
    loop: asyncio.AbstractEventLoop

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30.0, trust_env=False, **options)

    def call(self, function: Callable[[], Any]) -> Any:
        """Runs a function on the gateway's loop and gives its result."""

        async def run() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(30)


@contextmanager
def running(settings: dict[str, Any], attributor: Attributor | None = None) -> Iterator[RunningGateway]:
    """The gateway of these settings, from its start to the end of its shutdown."""
    gateway = assemble(ServingSettings.load(**settings), attributor)
    listener: socket.socket = listen("127.0.0.1", 0)
    started, failed = threading.Event(), []
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        await serve(gateway, listener, started.set)

    def main() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(run())
        except Exception as error:  # noqa: BLE001  handed to the test
            failed.append(error)
            started.set()

    thread = threading.Thread(target=main, name="gateway")
    thread.start()
    try:
        assert started.wait(60)
        if failed:
            raise failed[0]
        yield RunningGateway(f"http://127.0.0.1:{port_of(listener)}", gateway, loops[0])
    finally:
        if thread.is_alive():
            loops[0].call_soon_threadsafe(gateway.on_fatal)
        thread.join(60)
        listener.close()
        assert not thread.is_alive()


def buy_key(url: str, world: ServingWorld, payer: PrivateKey, cap: int) -> str:
    """An API key bought with a signed cap."""
    answer = httpx.post(f"{url}/v1/keys", json=world.authorization(payer, cap), trust_env=False, timeout=30.0)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


def contents(models: Path) -> dict[str, bytes]:
    """contentHash by model name, as the files on disk have it."""
    local = read_local_models(models)
    return {model.model_id: model.content_hash for model in local.all()}
