"""The gateway's parts, put together; what starts and stops with the process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from ledger.chain.blocks import BlockRef
from ledger.chain.deployment import Deployment
from ledger.errors import SettingsError, TributaryError
from ledger.protocol.hexadecimal import to_hex
from serving.catalogue.catalogue import Catalogue
from serving.catalogue.local import LocalModel
from serving.clock import Clock
from serving.database import Database
from serving.inference.admission import Admissions, Desk
from serving.inference.answering import Closer
from serving.inference.attribution import Attributor
from serving.inference.engine import AnswerEngine
from serving.journal import queries
from serving.journal.lane import LaneIdentity
from serving.journal.recovery import recover
from serving.journal.signing import ReceiptSigner
from serving.journal.writer import Journal, JournalSettings
from serving.metrics import Metrics
from serving.onchain.follower import ChainFollower
from serving.onchain.reader import ChainReader
from serving.payers.authorizations import AuthorizationDesk
from serving.payers.consents import ConsentDesk
from serving.payers.funds import FundsKeeper
from serving.payers.keys import KeyRing
from serving.settings import ServingSettings

_CATALOGUE_SECONDS = 30.0
"""How often assets, terms, prices and the lane's key are read."""
_LIBRARY_SECONDS = 2.0
"""How often it is asked whether datasets were added to the library."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Surroundings:
    """What a gateway is built from, besides its settings."""

    reader: ChainReader
    models: tuple[LocalModel, ...]
    engine: AnswerEngine
    attributor: Attributor


class Gateway:
    """Everything behind the routes."""

    def __init__(self, settings: ServingSettings, around: Surroundings) -> None:
        deployment: Deployment = around.reader.deployment
        url = settings.database_url.get_secret_value()
        self.settings = settings
        self.reader = around.reader
        self.engine = around.engine
        self.clock = Clock(follow_chain=settings.follow_chain_clock)
        self.database = Database(url)
        self.metrics = Metrics()
        self.signer = ReceiptSigner(settings.signing_key, deployment.receipt_domain)
        identity = LaneIdentity(settings.operator, settings.lane, deployment.l2.chain_id, deployment.l2.ledger)
        pace = JournalSettings(
            database_url=url,
            holder=f"{socket.gethostname()}:{os.getpid()}",
            checkpoint_seconds=settings.checkpoint_seconds,
            retention_seconds=settings.answer_retention_seconds,
        )
        self.journal = Journal(pace, identity, self.signer)
        self.catalogue = Catalogue(around.models, around.reader, self.clock, settings.chain_patience_seconds)
        self.funds = FundsKeeper(self.database, around.reader, self.clock)
        self.authorizations = AuthorizationDesk(self.database, around.reader, self.clock)
        self.keys = KeyRing(self.database, self.authorizations, settings.operator)
        self.consents = ConsentDesk(self.database, settings.operator, deployment.receipt_domain)
        self.attributor = around.attributor
        desk = Desk(
            self.catalogue,
            self.engine,
            self.funds,
            self.journal,
            self.database,
            self.clock,
            self.consents,
            makes_sets=self.attributor.parameters() is not None,
        )
        self.admissions = Admissions(desk, settings.max_payer_requests)
        self.closer = Closer(self.journal, around.attributor, settings.storage_wait_seconds)
        self.attester_checks = asyncio.Semaphore(2)
        """Whoever asks for openings can't have the L2's nodes asked more often at once."""
        self.follower = ChainFollower(
            around.reader,
            self.clock,
            on_safe=self.funds.refresh,
            on_latest=self._read_latest,
            latest_seconds=min(_CATALOGUE_SECONDS, settings.chain_patience_seconds / 3),
        )
        self.on_fatal: Callable[[], None] = lambda: None
        """Called when this gateway may not write any more, so that its process ends and another can begin."""
        self._tasks: list[asyncio.Task[None]] = []
        self._watch()

    async def start(self) -> None:
        """Takes the lane, closes what a crash left open, and makes everything ready to answer.

        Raises:
            SettingsError: the lane's key is not registered, or the lane can't be continued here.
            LaneFencedError, DatabaseUnavailableError, RpcUnavailableError: as they say.
        """
        heads = await asyncio.to_thread(self.reader.heads)
        self.clock.observe(heads.latest.timestamp)
        await self._check_key(heads.latest)
        chain_next = await asyncio.to_thread(self.reader.next_seqs, [self.settings.lane], heads.latest)
        self.journal.on_commit = self.metrics.committed
        self.journal.on_failure = lambda _error: self.on_fatal()
        await self.journal.start(chain_next[self.settings.lane])
        await self.database.open()
        await self.consents.load()
        recovered = await recover(self.database, self.journal)
        await self.follower.look()
        await self.engine.start()
        doing = (self._follow(), self._sweep(), self._renew())
        self._tasks = [asyncio.create_task(each) for each in doing]
        _log.info(
            "gateway_started",
            operator=to_hex(self.settings.operator),
            lane=self.settings.lane,
            next_seq=self.journal.held.next_seq,
            signer=to_hex(self.signer.address),
            recovered=recovered,
            models=[entry.local.model_id for entry in self.catalogue.servable()],
            not_served=self.catalogue.unservable(),
        )

    async def stop(self) -> None:
        """Ends in the order in which things depend on each other; what was answered is written first."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.engine.stop()
        await self.journal.stop()
        await self.database.close()
        self.reader.rpc.close()

    def not_ready(self) -> list[str]:
        """Reasons why requests would be refused now; empty if none would."""
        reasons = []
        if self.journal.failure is not None:
            reasons.append(f"the lane is lost: {self.journal.failure}")
        elif not self.journal.available:
            reasons.append("the database is away")
        if self.follower.failure is not None:
            reasons.append(str(self.follower.failure))
        silence = max(self.follower.silence_seconds, self.catalogue.age_seconds)
        if silence > self.settings.chain_patience_seconds:
            reasons.append("the L2 is out of reach")
        if not self.clock.is_right:
            reasons.append(f"this machine's clock is {-self.clock.drift_seconds:.0f} s off the L2's")
        nodes = self.engine.state().nodes
        if nodes and not any(node.is_up for node in nodes):
            reasons.append("no server behind the gateway answers")
        if not self.catalogue.servable():
            reasons.append("no model is registered and priced")
        return reasons

    def refuse_if_unfit(self) -> None:
        """Nothing, if receipts made now would count.

        Raises:
            SettingsError: the clock is wrong, or the database is not the lane's any more.
        """
        if self.follower.failure is not None:
            raise self.follower.failure
        if not self.clock.is_right:
            raise SettingsError("The gateway's clock is wrong, so its receipts would be refused.")

    async def _read_latest(self, latest: BlockRef) -> None:
        await self._check_key(latest)
        await self.catalogue.refresh(latest)

    async def _check_key(self, latest: BlockRef) -> None:
        lane, signer = self.settings.lane, self.signer.address
        if not await asyncio.to_thread(self.reader.lane_key_is_active, lane, signer, latest):
            raise SettingsError(
                f"The key {to_hex(signer)} is not registered for lane {lane} of operator "
                f"{to_hex(self.settings.operator)}; have the operator call Operators.addKey({lane}, {to_hex(signer)})."
            )

    async def _follow(self) -> None:
        await self.follower.follow(self.settings.chain_poll_seconds)
        self.on_fatal()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_LIBRARY_SECONDS)
            await self.attributor.look()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(60)
            with contextlib.suppress(TributaryError):
                async with self.database.connection() as connection:
                    await connection.execute(queries.SWEEP_ANSWERS)
                    await connection.execute(queries.SWEEP_EXCHANGES)

    def _watch(self) -> None:
        gauge, state = self.metrics.gauge, self.engine.state
        gauge("serving_open_requests", "Requests that have a place", lambda: self.admissions.open_requests)
        gauge("serving_journal_available", "1 while requests can be opened", lambda: self.journal.available)
        gauge("serving_lane_next_seq", "Place of the next receipt", lambda: self.journal.next_seq)
        gauge("serving_chain_silence_seconds", "Since the L2 last answered", lambda: self.follower.silence_seconds)
        gauge("serving_clock_drift_seconds", "L2 head ahead of this clock", lambda: self.clock.drift_seconds)
        gauge("serving_engine_running", "Answers being computed", lambda: state().running)
        gauge("serving_engine_waiting", "Answers that wait", lambda: state().waiting)
        gauge("serving_engine_units_per_second", "Recent speed of the engine", lambda: state().units_per_second)
        gauge("serving_adapters_resident", "Adapters in memory", lambda: state().resident_adapters)
        self.metrics.nodes(lambda: state().nodes)
        gauge("serving_adapter_bytes", "Memory of adapters", lambda: state().adapter_bytes)
