"""The main job from end to end, stage by stage."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ledger.chain.structs import Kind
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.units import CHALLENGE_WINDOW_SECONDS, DAY_SECONDS
from tributary.demo import cast, registration
from tributary.demo.catalogue import MODELS, load_catalogue
from tributary.demo.figures import Figures, RunRecord, gather
from tributary.demo.trace import draw, read_lengths, shipped_texts
from tributary.demo.traffic import buy_keys, replay
from tributary.demo.world import World, secret
from tributary.devnet import Pulse
from tributary.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from rich.console import Console

    from tributary.demo.cast import Actor
    from tributary.demo.catalogue import CatalogueAsset
    from tributary.demo.stopwatch import Stopwatch
    from tributary.demo.traffic import Answer

ACTIVATION_SECONDS = DAY_SECONDS
VALID_SECONDS = 30 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Order:
    """What the user asked for."""

    requests: int


class Demo:
    """One run in a world. Its methods are the stages, in order."""

    def __init__(self, world: World, order: Order, console: Console, watch: Stopwatch, stack: ExitStack) -> None:
        self.world = world
        self.order = order
        self.console = console
        self.watch = watch
        self._stack = stack
        self.assets: list[CatalogueAsset] = []
        self.parameters: str | None = None
        """How the gateway says that it makes attribution sets."""

    def run(self) -> Figures:
        """All stages; the figures of what happened."""
        with Pulse(self.world.chains.devnet):
            self.register()
            begun = self.world.chains.devnet.now()
            answers = self.serve()
            self.post()
            self.finalise()
            self.index()
            self.settle()
            ended = self.world.chains.devnet.now()
        payouts = self.show()
        report = self.audit(answers)
        run = RunRecord(
            requests=len(answers),
            payers=cast.PAYER_ACTORS,
            roles=self.roles(),
            payouts=payouts,
            audit=report,
            cash_seconds=ended - begun,
            seconds=self.watch.seconds,
        )
        return gather(self.world.chains, run)

    def register(self) -> None:
        """Assets and terms, the operator's bond and prices, the payers' deposits."""
        with self.watch.stage("register", "Registering assets, terms, prices, bond and deposits"):
            self.assets = load_catalogue()
            ids = registration.register_assets(self.world.chains, self.assets)
            registration.open_operator(self.world.chains, [ids[a.name] for a in self.assets if a.model_id])
            datasets = [str(asset.folder) for asset in self.assets if asset.kind == Kind.DATASET]
            self.world.program.run("attribution", "index", *datasets)
            registration.fund_payers(self.world.chains, cast.PAYER_ACTORS, cast.DEPOSIT_UNITS)
            self.world.chains.devnet.finalize()

    def serve(self) -> list[Answer]:
        """The gateway answers a slice of the trace; clients check every receipt."""
        program, chains = self.world.program, self.world.chains
        with self.watch.stage("gateway", "Starting the gateway (base model loaded, adapters on first use)"):
            self._stack.callback(program.start("serve", "serve", ready_url=f"{self.world.gateway_url}/ready").stop)
            valid_until = chains.devnet.now() + VALID_SECONDS
            domain = chains.deployment.authorization_domain
            keys = asyncio.run(
                buy_keys(self.world.gateway_url, cast.PAYER_ACTORS, domain, cast.DEPOSIT_UNITS, valid_until)
            )
            stated = httpx.get(f"{self.world.gateway_url}/v1/attribution", trust_env=False).raise_for_status().json()
            self.parameters = stated["parameters"]
        models = [asset.model_id for asset in reversed(self.assets) if asset.model_id]
        inquiries = draw(read_lengths(self.order.requests), models, cast.PAYER_ACTORS, shipped_texts(MODELS))
        columns = (TextColumn("  Answering"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        doing = f"Answering {len(inquiries)} requests, a checked receipt each"
        bar = Progress(*columns, console=self.console, transient=True)
        task = bar.add_task("answering", total=len(inquiries))
        with self.watch.stage("serve", doing, bar):
            return asyncio.run(
                replay(
                    self.world.gateway_url,
                    inquiries,
                    keys,
                    chains.deployment.receipt_domain,
                    lambda: bar.advance(task),
                )
            )

    def post(self) -> None:
        """Receipts into blobs on L1, their commitment onto L2."""
        with self.watch.stage("post", "Posting blobs on L1 and the batch commitment on L2"):
            self.world.program.run("batch", "--drain")

    def finalise(self) -> None:
        """The challenge window passes, then custody goes to the distributor."""
        with self.watch.stage("finalise", "Moving both clocks 7 days (challenge window); finalising batches"):
            self.world.chains.devnet.advance(CHALLENGE_WINDOW_SECONDS + 1)
            self.world.program.run("batch", "--drain")
            self.world.chains.devnet.finalize()

    def index(self) -> None:
        """Both chains and the blobs, verified, into PostgreSQL."""
        with self.watch.stage("index", "Indexing L1, L2 and blobs, verifying every byte"):
            self.world.program.run("index", "--once")

    def settle(self) -> None:
        """Entitlements, a quorum of attesters with an index each, the root, the delay, the claims."""
        with self.watch.stage("attesters", f"Starting {cast.ATTESTERS} attesters, each with an index of its own"):
            databases = [self.world.database_of(actor) for actor in cast.ATTESTER_ACTORS]
            with ThreadPoolExecutor() as pool:
                urls = list(pool.map(self._attester, cast.ATTESTER_ACTORS, databases))
        settings = {
            "SETTLEMENT_PRIVATE_KEY": to_hex(self.world.chains.devnet.accounts[1].private_key),
            "SETTLEMENT_ATTESTER_URLS": ",".join(urls),
            "SETTLEMENT_MIN_CLAIM_UNITS": "1",
        }
        settle, devnet = self.world.program.run, self.world.chains.devnet
        with self.watch.stage("settle", "Settling: root by quorum, one day of activation delay, claims pushed"):
            settle("settle", "--once", environment=settings)
            devnet.advance(ACTIVATION_SECONDS + 1)
            settle("settle", "--once", environment=settings)
            devnet.finalize()
            settle("index", "--once")
            settle("settle", "--once", environment=settings)

    def _attester(self, actor: Actor, database_url: str) -> str:
        """The address of a new attester that has indexed the chains for itself."""
        program, port = self.world.program, free_port()
        own = {"DATABASE_URL": database_url}
        program.run("index", "--once", environment=own)
        process = program.start(
            f"attest-{port}",
            "attest",
            "serve",
            "--port",
            str(port),
            ready_url=f"http://127.0.0.1:{port}/health",
            environment={**own, "ATTESTER_PRIVATE_KEY": secret(actor)},
        )
        self._stack.callback(process.stop)
        return f"http://127.0.0.1:{port}"

    def show(self) -> Sequence[Mapping[str, Any]]:
        """Starts the API; the lines of the newest distribution file as it serves them."""
        with self.watch.stage("api", "Starting the API"):
            self._stack.callback(self.world.program.start("api", "api", ready_url=f"{self.world.api_url}/ready").stop)
            with httpx.Client(base_url=self.world.api_url, trust_env=False, timeout=30.0) as api:
                newest = api.get("/v1/distributions").raise_for_status().json()["items"][0]
                file = api.get(f"/v1/distributions/{newest['root_index']}/file").raise_for_status().json()
        payees: Sequence[Mapping[str, Any]] = file["payees"]
        return payees

    def audit(self, answers: Sequence[Answer]) -> Mapping[str, Any]:
        """The independent reading, compared with the chain, the API and the clients' receipts."""
        kept, path = self.world.folder / "transcripts", self.world.folder / "audit.json"
        kept.mkdir(exist_ok=True)
        for number, answer in enumerate(answers):
            (kept / f"{number:06d}.json").write_text(json.dumps(answer.transcript(self.parameters)))
        words = ("--transcripts", str(kept), "--published", str(MODELS), "--json", str(path))
        with self.watch.stage("audit", "Auditing from the chains, the blobs and what the clients kept"):
            self.world.program.run("audit", "--api", self.world.api_url, *words, accept=(0, 1))
        report: Mapping[str, Any] = json.loads(path.read_text())
        return report

    def roles(self) -> dict[bytes, Actor]:
        """Who stands behind each address that can be paid."""
        paid = [cast.PROTOCOL, cast.OPERATOR]
        paid += [actor for asset in self.assets for actor, _ in (*asset.terms.split, *asset.terms.crowd)]
        return {actor.address: actor for actor in paid}


def run_demo(world: World, order: Order, console: Console, watch: Stopwatch, stack: ExitStack) -> Figures:
    """The figures of one run; the processes that it started end with `stack`."""
    return Demo(world, order, console, watch, stack).run()


def write_figures(figures: Figures, path: Path) -> None:
    """The figures as JSON."""
    path.write_text(json.dumps(figures.to_json(), indent=1) + "\n")
