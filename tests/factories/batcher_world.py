"""A bonded operator with payers on real chains, and a batcher pointed at it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from batcher.proving import ProvingPool
from batcher.running import drain, open_parts
from batcher.settings import BatcherSettings
from ledger.chain.logs import LogDecoder, fetch_logs
from ledger.protocol.signature import address_of
from tests.factories.operator_flow import OperatorFlow, key_of, operator_flow
from tests.factories.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledger.chain.deployment import Deployment
    from tributary.devnet import Devnet

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


@contextmanager
def proving_pool() -> Iterator[ProvingPool]:
    """Worker processes for the batchers of many tests: starting one takes seconds."""
    pool = ProvingPool(1)
    pool.warm_up()
    try:
        yield pool
    finally:
        pool.close()


def run_batcher(settings: BatcherSettings, pool: ProvingPool) -> None:
    """One run of the batcher, until all that waits is committed."""
    with open_parts(settings, draining=True, proving=pool) as parts:
        drain(parts, everything=True)


def query(database_url: str, statement: str) -> list[Any]:
    """All rows of a statement, read apart from whatever the batcher does."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(statement).fetchall()


def outbox_for(flow: OperatorFlow, database_url: str) -> Outbox:
    """The operator's outbox in this database."""
    return Outbox(database_url, flow.deployment, flow.operator.address, flow.lane_key, flow.devnet.now())


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
