"""An operator whose gateway makes sets from a library, a payer that consents, and two attesters that draw every receipt.

Chains, gateway, batcher, indexer, settlement and the attesters' servers are the real ones; only one receipt in a
thousand is drawn in earnest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from batcher.proving import ProvingPool
from ledger.attribution.library import Library, RegisteredDataset
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.attribution.texts import folder_hash
from ledger.chain.structs import AttributionMode, Kind, Parent, Share, Terms
from ledger.protocol.consent import AuditConsent
from ledger.protocol.draw import DRAW_DELAY_SECONDS
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.signature import address_of, sign
from serving.catalogue.local import read_local_models
from settlement.assembly import open_attester, open_settlement
from settlement.settings import AttesterSettings, SettlementSettings
from settlement.worker import run_pass
from tests.e2e.audit_story import Story
from tests.e2e.middleman import Middleman, middleman
from tests.e2e.pipeline_world import Pipeline
from tests.factories.attesters import ATTESTERS
from tests.factories.distributor_stage import attester_server
from tests.factories.operator_flow import DAY, INPUT_PRICE, OUTPUT_PRICE, OperatorFlow, key_of, operator_flow
from tests.factories.outbox import mining
from tests.factories.serving_world import (
    BOND,
    MODELS,
    OWN_DEPOSIT,
    RunningGateway,
    ServingWorld,
    buy_key,
    copy_models,
    lane_key,
)
from tributary.devnet import Devnet

AUTHOR, OWNER = (address_of(key_of(name)) for name in ("author", "adapter owner"))
MODEL = "quill:austen"
NOVEL = MODELS / "datasets" / "austen-pride-and-prejudice"
PLAIN = Terms(0, 0, 0, 0, 0, AttributionMode.FIXED, (Share(AUTHOR, 1_000_000),), (), ())


@dataclass
class DrawWorld:
    """Handles on everybody. The operator has one database, each attester its own; settlement reads the first one's."""

    flow: OperatorFlow
    serving: ServingWorld
    pipeline: Pipeline
    operator_url: str
    indexes: Sequence[str]
    front: Middleman
    """Where attesters reach the operator's gateway, whichever runs."""
    novel: int = 0
    attesters: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.pipeline.folder

    @property
    def library(self) -> Path:
        return self.folder / "library"

    def settings(self) -> dict[str, Any]:
        """What a gateway is started with."""
        return self.serving.settings(self.operator_url, attribution_dir=self.library)

    def register_dataset(self, folder: Path) -> int:
        """Registers a folder's content; its assetId."""
        return self.flow.register_hash(folder_hash(folder), PLAIN, Kind.DATASET)

    def add_dataset(self, asset_id: int, folder: Path) -> None:
        """Adds a registered dataset to the library, as `tributary attribution index` does."""
        held = Library.open(self.library, standard_method())
        held.adding([RegisteredDataset(asset_id, folder_hash(folder), folder)])

    def consent(self, payer: str) -> int:
        """Gives the payer's consent to every attester; from when they count it."""
        key, now = key_of(payer), self.flow.devnet.now()
        consent = AuditConsent(address_of(key), self.serving.operator, now - 60, now + 60 * DAY)
        body = consent.signed_json(sign(consent.digest(self.flow.deployment.receipt_domain), key))
        for attester in self.attesters:
            given = httpx.post(f"{attester}/v1/consents", json=body, timeout=30)
            assert given.status_code == 201, given.text
        return self.flow.devnet.now() + 300

    def draws(self) -> list[list[dict[str, Any]]]:
        """What each attester shows of the draw."""
        return [httpx.get(f"{attester}/v1/draws", timeout=30).json() for attester in self.attesters]

    def post_and_finalize(self) -> None:
        """What waits is batched, committed and drawn, its window passes, and everybody reads the chains."""
        self.pipeline.batch(self.operator_url)
        self.flow.devnet.advance(DRAW_DELAY_SECONDS)
        self.pipeline.finalize(self.operator_url)
        for url in self.indexes:
            self.pipeline.index(url)

    def settle(self) -> list[tuple[str, str | None]]:
        """One settlement pass: state and reason of what it touched."""
        settings = SettlementSettings.load(
            database_url=self.indexes[0], l2_rpc_url=self.flow.devnet.l2_url,
            deployments_dir=self.folder / "deployments",
            private_key=to_hex(self.flow.devnet.accounts[1].private_key),
            attester_urls=",".join(self.attesters), min_claim_units=1,
        )  # fmt: skip
        with open_settlement(settings) as (connections, _), mining(self.flow.devnet):
            return [(one.state, one.reason) for one in run_pass(connections)]

    def roots(self) -> int:
        """How many roots the contract holds."""
        return self.flow.distributor.next_root_index("latest") - 1


@contextmanager
def draw_world(folder: Path, operator_url: str, indexes: Sequence[str]) -> Iterator[DrawWorld]:
    """Everything registered and funded, the novel in the library, attesters serving; no gateway runs yet."""
    with ExitStack() as stack:
        proving = ProvingPool(1)
        stack.callback(proving.close)
        devnet = stack.enter_context(Devnet.start())
        flow = stack.enter_context(operator_flow(devnet, folder / "deployments", ATTESTERS[:2], quorum=2))
        serving = ServingWorld(flow, copy_models(folder / "models"), flow_folder=folder / "deployments")
        front = stack.enter_context(middleman("http://127.0.0.1:9", lambda _path, _body, answer: answer))
        world = DrawWorld(flow, serving, Pipeline(Story(flow), folder, proving), operator_url, indexes, front)
        _register(world)
        _fund(world)
        Library.create(world.library, standard_method(), BACKGROUND)
        world.add_dataset(world.novel, NOVEL)
        for key, url in zip(ATTESTERS[:2], indexes, strict=True):
            world.attesters.append(stack.enter_context(_attester(world, to_hex(key.secret), url)))
        yield world


def _register(world: DrawWorld) -> None:
    flow, local = world.flow, read_local_models(world.serving.models)
    world.novel = world.register_dataset(NOVEL)
    base = flow.register_hash(local.base.content_hash, PLAIN, Kind.MODEL)
    austen = next(adapter for adapter in local.adapters if adapter.model_id == MODEL)
    terms = Terms(
        200_000, 500_000, 0, 0, 0, AttributionMode.OPERATOR, (Share(OWNER, 1_000_000),), (Parent(base, 100_000),),
        (world.novel,),
    )  # fmt: skip
    adapter = flow.register_hash(austen.content_hash, terms, Kind.ADAPTER)
    world.serving.asset_ids = {local.base.model_id: base, MODEL: adapter}


def _fund(world: DrawWorld) -> None:
    flow, me = world.flow, world.serving.operator
    for asset_id in world.serving.asset_ids.values():
        flow.send(flow.operators.set_price(asset_id, INPUT_PRICE, OUTPUT_PRICE))
    flow.send(flow.operators.add_key(0, address_of(lane_key(0))))
    flow.fund(me, flow.operators.address, BOND, flow.operator)
    flow.send(flow.operators.deposit_bond(me, BOND))
    flow.fund(me, flow.escrow.address, OWN_DEPOSIT, flow.operator)
    flow.send(flow.escrow.deposit(me, me, OWN_DEPOSIT))


@contextmanager
def _attester(world: DrawWorld, secret: str, url: str) -> Iterator[str]:
    """An attester's address; of what is drawn one in a thousand, it draws all."""
    settings = AttesterSettings.load(
        database_url=url, l1_rpc_url=world.flow.devnet.l1_url, l2_rpc_url=world.flow.devnet.l2_url,
        deployments_dir=world.folder / "deployments", private_key=secret,
        operator_urls=f"{to_hex(world.serving.operator)}={world.front.url}", attribution_dir=world.library,
        published_dir=world.serving.models, follow_chain_clock=True,
    )  # fmt: skip
    with open_attester(settings) as parts:
        assert parts.attester.draw is not None
        parts.attester.draw = replace(parts.attester.draw, one_in=1)
        with attester_server(parts.attester) as address:
            yield address


@dataclass
class Customer:
    """A payer with an API key."""

    gateway: RunningGateway
    key: str

    def ask(self, prompt: str) -> dict[str, Any]:
        """The envelope that came with an answer."""
        with self.gateway.client(self.key) as http:
            asked = {"model": MODEL, "messages": [{"role": "user", "content": prompt}], "max_tokens": 24, "seed": 7}
            answer = http.post("/v1/chat/completions", json=asked)
            assert answer.status_code == 200, answer.text
            envelope: dict[str, Any] = answer.json()["receipt"]
            return envelope


def customer(world: DrawWorld, gateway: RunningGateway, payer: str) -> Customer:
    """The payer of this name, who has deposited, at this gateway."""
    return Customer(gateway, buy_key(gateway.url, world.serving, key_of(payer), 10**8))
