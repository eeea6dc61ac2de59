"""How long a batcher runs: for ever, or until there is nothing left to do."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import structlog

from batcher.availability import Ethereum
from batcher.chains import open_chains
from batcher.database import LockedDatabase
from batcher.jobs import faulted_jobs
from batcher.parts import Parts
from batcher.proving import ProvingPool
from batcher.states import Layer
from batcher.storing import AltDa
from batcher.transactions import TransactionLog
from batcher.worker import Worker
from ledger.chain.altda import AltDaClient, CommitmentKind
from ledger.errors import RetryableError, RpcUnavailableError, TransactionPendingError, TributaryError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batcher.availability import DataLayer
    from batcher.settings import BatcherSettings
    from ledger.db.models.batcher import BatchJob

log = structlog.get_logger(__name__)

_FOLLOWING_PATIENCE_SECONDS = 5.0
"""While following, a chain that is away is left for the next pass soon: the other one may have work."""
_DRAINING_PATIENCE_SECONDS = 60.0


@contextmanager
def open_parts(settings: BatcherSettings, *, draining: bool, proving: ProvingPool | None = None) -> Iterator[Parts]:
    """Everything a batcher works with, checked and closed at the end.

    Args:
        settings: what the operator set.
        draining: whether to be patient with a chain that is away.
        proving: workers that outlive this batcher; its own ones, if None.

    Raises:
        DatabaseUnavailableError, RpcUnavailableError, WrongChainError, DeploymentMissingError, LaneFencedError.
    """
    patience = _DRAINING_PATIENCE_SECONDS if draining else _FOLLOWING_PATIENCE_SECONDS
    with ExitStack() as stack:
        chains = open_chains(settings, patience)
        stack.callback(chains.close)
        database = LockedDatabase(settings.sqlalchemy_url, chains.operator)
        stack.callback(database.close)
        if proving is None:
            proving = ProvingPool(settings.workers)
            stack.callback(proving.close)
        transactions = TransactionLog(database, settings.stuck_seconds)
        with database.transaction():
            pass  # the lock, before anything else
        proving.warm_up()
        layers: dict[Layer, DataLayer] = {Layer.ETHEREUM: Ethereum(), Layer.ALTDA: _altda(settings, stack)}
        sidecar = chains.sidecar_version(settings.sidecar)
        yield Parts(settings, database, chains, transactions, proving, sidecar, layers)


def _altda(settings: BatcherSettings, stack: ExitStack) -> AltDa:
    client = None
    if settings.altda_url is not None:
        kind = CommitmentKind(settings.altda_commitment)
        client = AltDaClient(settings.altda_url, kind=kind, timeout_seconds=settings.altda_timeout_seconds)
        stack.callback(client.close)
    return AltDa(client, settings.altda_patience_seconds, settings.altda_timeout_seconds)


def follow(parts: Parts) -> None:
    """Batch for ever; passing faults are logged and waited out.

    Raises:
        LaneFencedError: another batcher of this operator has taken over.
    """
    worker = Worker(parts)
    while True:
        try:
            if worker.run_pass():
                continue
        except RetryableError as error:
            log.warning("batcher_waits", reason=str(error))
        worker.wait()


def drain(parts: Parts, *, everything: bool) -> None:
    """Batch until all that is due is committed, and finalised where its window is over.

    Args:
        parts: the batcher's connections.
        everything: count all that waits as due, whatever its age or number.

    Raises:
        TributaryError: what stops the batches that are left; run it again when that is mended.
    """
    worker = Worker(parts)
    moved_at = time.monotonic()
    while True:
        if worker.run_pass(everything=everything):
            moved_at = time.monotonic()
            continue
        if not worker.under_way:
            break
        _raise_if_stopped(worker)
        if time.monotonic() - moved_at > parts.settings.stall_seconds:
            raise TransactionPendingError(_stalled(worker.under_way, parts.settings.stall_seconds))
        worker.wait()
    _raise_if_faulted(parts)


def _raise_if_stopped(worker: Worker) -> None:
    """Raise what stops the first job of every lane that has one; later jobs of a lane wait for the first."""
    first_of_lane = {job.lane: job for job in reversed(worker.under_way)}
    stops = [worker.blocked.get(job.job_id) for job in first_of_lane.values()]
    lasting = [error for error in stops if error is not None and _lasts(error)]
    if lasting and len(lasting) == len(stops):
        raise lasting[0]


def _lasts(error: TributaryError) -> bool:
    """Whether waiting will not help; an unreachable chain was waited for already."""
    return isinstance(error, RpcUnavailableError) or not isinstance(error, RetryableError)


def _raise_if_faulted(parts: Parts) -> None:
    with parts.database.transaction() as session:
        faulted = faulted_jobs(session, parts.chains.deployment, parts.chains.operator)
    if faulted:
        job = faulted[0]
        last = job.first_seq + job.count - 1
        raise UsageError(f"Receipts {job.first_seq} to {last} of lane {job.lane} make no batch: {job.fault}")


def _stalled(jobs: list[BatchJob], seconds: float) -> str:
    job = jobs[0]
    return (
        f"Nothing has moved for {seconds:.0f} s: {len(jobs)} batches wait, the first one "
        f"(lane {job.lane}, from receipt {job.first_seq}) is {job.state}; run it again to go on."
    )
