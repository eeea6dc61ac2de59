"""A settlement process that is killed right after its next effect: a committed write, or a transaction sent.

Run as a process of its own; SIGKILL leaves it no chance to tidy up.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from sqlalchemy import event
from sqlalchemy.orm import Session
from typing_extensions import override

from ledger.chain.blob_tx import Sidecar
from ledger.chain.contracts.royalty_distributor import RoyaltyDistributor
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.chain.transaction import SignedTransaction
from ledger.db.session import open_engine, sessions
from ledger.protocol.signature import private_key
from settlement.attester_client import AttesterClient
from settlement.connections import Connections, PushPolicy
from settlement.scope import Scope
from settlement.transactions import TransactionLog
from settlement.worker import run_pass, sole_worker


@dataclass(frozen=True)
class Life:
    """What a process is born with."""

    database_url: str
    l2_url: str
    scope: Scope
    attester_urls: tuple[str, ...]
    secret: bytes
    policy: PushPolicy


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingSender(Sender):
    """Dies as soon as the node has a transaction."""

    @override
    def broadcast(self, tx: SignedTransaction, sidecar: Sidecar | None = None) -> None:
        had_it = self.rpc.call("eth_getTransactionByHash", "0x" + tx.hash.hex()) is not None
        super().broadcast(tx, sidecar)
        if not had_it:
            die()


def note_writes(session: Session) -> None:
    session.flush()  # what is only in memory so far is about to be written too
    assigned = session.connection().exec_driver_sql("SELECT pg_current_xact_id_if_assigned()").scalar()
    session.info["wrote"] = assigned is not None


def die_if_written(session: Session) -> None:
    if session.info.get("wrote"):
        die()


def live(life: Life) -> None:
    """One pass, cut short by the first effect; it ends by itself only if there was nothing to do."""
    event.listen(Session, "before_commit", note_writes)
    event.listen(Session, "after_commit", die_if_written)
    engine = open_engine(life.database_url)
    rpc = RpcClient([life.l2_url], life.scope.chain_id, name="L2")
    maker = sessions(engine)
    connections = Connections(
        scope=life.scope,
        sessions=maker,
        rpc=rpc,
        distributor=RoyaltyDistributor(rpc, life.scope.distributor),
        transactions=TransactionLog(maker, DyingSender(rpc, private_key(life.secret)), wait_seconds=20),
        attesters=[AttesterClient(url) for url in life.attester_urls],
        policy=life.policy,
    )
    with sole_worker(engine, life.scope.distributor):
        run_pass(connections)
