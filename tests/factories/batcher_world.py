"""A bonded operator with payers on real chains, and a batcher pointed at it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import psycopg

from batcher.proving import ProvingPool
from batcher.running import drain, open_parts
from batcher.settings import BatcherSettings
from batcher.worker import Worker
from ledger.chain.logs import LogDecoder, fetch_logs
from ledger.protocol.signature import address_of
from tests.factories.operator_flow import OperatorFlow, key_of, operator_flow
from tests.factories.outbox import Outbox
from tests.factories.power_cut import PowerCutError, power_cut

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from batcher.parts import Parts
    from ledger.chain.deployment import Deployment
    from tributary.devnet import Devnet
    from tributary.devnet.clock import BlockClock
    from tributary.devnet.node import Node

BOND, OWN_DEPOSIT, PAYER_DEPOSIT = 50_000_000_000, 100_000_000, 10**9
PAYERS = sorted((key_of("batch payer 0"), key_of("batch payer 1")), key=address_of)


@contextmanager
def batcher_world(devnet: Devnet, folder: Path) -> Iterator[OperatorFlow]:
    """A deployment with a bonded operator and two payers with deposits, none of whom signed a cap yet."""
    with operator_flow(devnet, folder, [key_of("attester")], quorum=1) as flow:
        me = flow.operator.address
        flow.fund(me, flow.operators.address, BOND, flow.operator)
        flow.send(flow.operators.deposit_bond(me, BOND))
        flow.fund(me, flow.escrow.address, OWN_DEPOSIT, flow.operator)
        flow.send(flow.escrow.deposit(me, me, OWN_DEPOSIT))
        for name in ("batch payer 0", "batch payer 1"):
            payer = flow.sender(name)
            flow.fund(payer.address, flow.escrow.address, PAYER_DEPOSIT, payer)
            flow.send(flow.escrow.deposit(payer.address, me, PAYER_DEPOSIT), payer)
        yield flow


@contextmanager
def proving_pool() -> Iterator[ProvingPool]:
    """Worker processes for the batchers of many tests: starting one takes seconds."""
    pool = ProvingPool(1)
    pool.warm_up()
    try:
        yield pool
    finally:
        pool.close()


def settings_for(flow: OperatorFlow, folder: Path, database_url: str, **changes: Any) -> BatcherSettings:
    """Settings of a batcher that never waits long."""
    key = "0x" + flow.devnet.accounts[0].private_key.hex()
    return BatcherSettings.load(
        **{
            "database_url": database_url,
            "l1_rpc_url": flow.devnet.l1_url,
            "l2_rpc_url": flow.devnet.l2_url,
            "deployments_dir": folder,
            "operator_key": key,
            "poll_seconds": 0.05,
            "stall_seconds": 60.0,
            **changes,
        }
    )


def run_batcher(settings: BatcherSettings, pool: ProvingPool, *, everything: bool = True) -> None:
    """One run of the batcher, until all that waits (or is due) is committed."""
    with open_parts(settings, draining=True, proving=pool) as parts:
        drain(parts, everything=everything)


@dataclass(frozen=True)
class Batching:
    """A deployment, an empty database, and the batcher between them."""

    flow: OperatorFlow
    folder: Path
    database_url: str
    pool: ProvingPool

    def settings(self, **changes: Any) -> BatcherSettings:
        """Settings of a batcher that never waits long."""
        return settings_for(self.flow, self.folder, self.database_url, **changes)

    def outbox(self) -> Outbox:
        """The operator's outbox in this database."""
        flow = self.flow
        return Outbox(self.database_url, flow.deployment, flow.operator.address, flow.lane_key, flow.devnet.now())

    @contextmanager
    def parts(self, settings: BatcherSettings | None = None) -> Iterator[Parts]:
        """A batcher's parts, with the workers of the session."""
        with open_parts(settings or self.settings(), draining=True, proving=self.pool) as parts:
            yield parts

    def run(self, settings: BatcherSettings | None = None, *, everything: bool = True) -> None:
        """One run of the batcher, until all that waits (or is due) is committed."""
        run_batcher(settings or self.settings(), self.pool, everything=everything)

    def query(self, statement: str) -> list[Any]:
        """All rows of a statement, read apart from whatever the batcher does."""
        return query(self.database_url, statement)

    def passes_until(self, parts: Parts, state: str, mine: Node | None = None) -> None:
        """Pass after pass until the only job is in this state."""
        worker = Worker(parts)
        for _ in range(400):
            worker.run_pass(everything=True)
            if self.query("SELECT state FROM batch_jobs") == [(state,)]:
                return
            if mine is not None:
                mine.mine()
            worker.wait()
        raise AssertionError(f"the job never was {state}")

    def run_through_cuts(self, settings: BatcherSettings, when: Literal["before", "after"], at: int) -> int:
        """How many power cuts it took until the batcher had nothing left to do."""
        for cuts in range(200):
            try:
                with power_cut(when, at):
                    self.run(settings)
            except PowerCutError:
                continue
            return cuts
        raise AssertionError("the batcher never came to an end")


def query(database_url: str, statement: str) -> list[Any]:
    """All rows of a statement."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(statement).fetchall()


@contextmanager
def still(clock: BlockClock) -> Iterator[None]:
    """No block on this chain but those that the test mines."""
    seconds = clock.seconds
    clock.set(0)
    try:
        yield
    finally:
        clock.set(seconds)


def events(flow: OperatorFlow, kind: type) -> list[Any]:
    """Every event of one kind that this deployment has emitted, oldest first."""
    l1: Deployment | Any = flow.deployment.l1
    l2 = flow.deployment.l2
    on_l1 = (flow.l1, l1.deployed_at_block, {l1.blob_inbox: "BlobInbox"})
    contracts = {l2.ledger: "ReceiptLedger", l2.escrow: "PaymentEscrow", l2.distributor: "RoyaltyDistributor"}
    found = []
    for rpc, first, names in (on_l1, (flow.l2, l2.deployed_at_block, contracts)):
        last = int(rpc.call("eth_blockNumber"), 16)
        logs = LogDecoder(names).decode_known(fetch_logs(rpc, first, last, list(names)))
        found += [log.event for log in logs if isinstance(log.event, kind)]
    return found
