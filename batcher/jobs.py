"""Jobs in the database: made, read, and moved from state to state. The batcher's own tables, one writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.orm import aliased

from batcher.states import UNCOMMITTED, Layer, Purpose, State
from ledger.db.models.batcher import BatchBlob, BatchCharge, BatchJob, BatchTransaction
from ledger.protocol.batch import BatchHeader, Charge, batch_commitment, post_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from batcher.cutting import MadeBy
    from batcher.proving import ProvedBlob
    from ledger.chain.blob_tx import SidecarVersion
    from ledger.chain.deployment import Deployment


class Way(NamedTuple):
    """How a job's blobs go out: to which layer, with which proofs, and whether their post shares its deposit."""

    layer: Layer
    sidecar: SidecarVersion
    shares_deposit: bool


def uncommitted_jobs(session: Session, deployment: Deployment, operator: bytes) -> list[BatchJob]:
    """Jobs that the L2 ledger does not have yet, by lane and in order of seq."""
    mine = (*_of(deployment, operator), BatchJob.state.in_(UNCOMMITTED))
    return list(session.scalars(select(BatchJob).where(*mine).order_by(BatchJob.lane, BatchJob.first_seq)))


def jobs_past_window(session: Session, deployment: Deployment, operator: bytes, committed_by: int) -> list[BatchJob]:
    """Committed jobs whose commit is not younger than that second, oldest first."""
    mine = (*_of(deployment, operator), BatchJob.state == State.COMMITTED, BatchJob.committed_at <= committed_by)
    return list(session.scalars(select(BatchJob).where(*mine).order_by(BatchJob.batch_id)))


def revocable_jobs(session: Session, deployment: Deployment, operator: bytes, final_block: int) -> list[BatchJob]:
    """Committed and finalised jobs whose transaction stands in an L2 block above the final one."""
    in_young_block = (
        select(BatchTransaction.job_id)
        .where(
            BatchTransaction.chain_id == deployment.l2.chain_id,
            BatchTransaction.purpose.in_((Purpose.COMMIT.value, Purpose.FINALIZE.value)),
            BatchTransaction.outcome == "mined",
            BatchTransaction.block_number > final_block,
        )
        .scalar_subquery()
    )
    states = BatchJob.state.in_((State.COMMITTED, State.FINALIZED))
    mine = (*_of(deployment, operator), states, BatchJob.job_id.in_(in_young_block))
    return list(session.scalars(select(BatchJob).where(*mine).order_by(BatchJob.job_id)))


def unattested_jobs(session: Session, deployment: Deployment, operator: bytes) -> list[BatchJob]:
    """Committed jobs of which no post was attested: anybody may demand their blobs."""
    mine = (*_of(deployment, operator), BatchJob.state == State.COMMITTED, BatchJob.attested_at == 0)
    return list(session.scalars(select(BatchJob).where(*mine).order_by(BatchJob.batch_id)))


def faulted_jobs(session: Session, deployment: Deployment, operator: bytes) -> list[BatchJob]:
    """Jobs that can't go on; their lanes stand still."""
    mine = (*_of(deployment, operator), BatchJob.state == State.FAULTED)
    return list(session.scalars(select(BatchJob).where(*mine).order_by(BatchJob.job_id)))


def lane_faults(session: Session, deployment: Deployment, operator: bytes) -> dict[int, int]:
    """By lane, the first seq of its first faulted job: what follows it can't be committed. Faulted refills do not count."""
    mine = (*_of(deployment, operator), BatchJob.state == State.FAULTED, BatchJob.fill == 0)
    first = select(BatchJob.lane, func.min(BatchJob.first_seq)).where(*mine).group_by(BatchJob.lane)
    return {lane: seq for lane, seq in session.execute(first)}  # noqa: C416  mypy wants pairs, not rows


def committed_batches(session: Session, deployment: Deployment, operator: bytes) -> dict[int, BatchJob]:
    """Committed jobs by their batch's id."""
    mine = (*_of(deployment, operator), BatchJob.state == State.COMMITTED)
    return {job.batch_id: job for job in session.scalars(select(BatchJob).where(*mine)) if job.batch_id is not None}


def commit_blocks(
    session: Session, deployment: Deployment, operator: bytes, state: State = State.COMMITTED
) -> int | None:
    """The oldest block that holds a commit of a job in this state; None if no block is known."""
    oldest = (
        select(func.min(BatchTransaction.block_number))
        .join(BatchJob, BatchJob.job_id == BatchTransaction.job_id)
        .where(
            *_of(deployment, operator),
            BatchJob.state == state,
            BatchTransaction.purpose == Purpose.COMMIT.value,
            BatchTransaction.outcome == "mined",
        )
    )
    return session.scalar(oldest)


def holes(session: Session, deployment: Deployment, operator: bytes) -> list[BatchJob]:
    """Voided jobs whose batch has no later filling."""
    later = aliased(BatchJob)
    filled = exists().where(
        later.chain_id == BatchJob.chain_id,
        later.ledger_address == BatchJob.ledger_address,
        later.operator == BatchJob.operator,
        later.lane == BatchJob.lane,
        later.first_seq == BatchJob.first_seq,
        later.fill > BatchJob.fill,
    )
    mine = (*_of(deployment, operator), BatchJob.state == State.VOIDED, BatchJob.batch_id.is_not(None), ~filled)
    return list(session.scalars(select(BatchJob).where(*mine).order_by(BatchJob.job_id)))


def refills(session: Session, deployment: Deployment, operator: bytes) -> list[BatchJob]:
    """Jobs that are to fill a hole and have not, faulted ones among them."""
    states = BatchJob.state.in_((*UNCOMMITTED, State.FAULTED))
    mine = (*_of(deployment, operator), BatchJob.fill > 0, states)
    return list(session.scalars(select(BatchJob).where(*mine).order_by(BatchJob.job_id)))


def filling_before(session: Session, job: BatchJob) -> BatchJob:
    """The voided filling whose hole the job is to fill."""
    before = select(BatchJob).where(
        BatchJob.chain_id == job.chain_id,
        BatchJob.ledger_address == job.ledger_address,
        BatchJob.operator == job.operator,
        BatchJob.lane == job.lane,
        BatchJob.first_seq == job.first_seq,
        BatchJob.fill == job.fill - 1,
    )
    return session.scalars(before).one()


def begin_refill(session: Session, voided: BatchJob) -> BatchJob:
    """A job for the receipts of a voided filling. It needs no authorization: what held at the first commit holds."""
    job = BatchJob(
        chain_id=voided.chain_id,
        ledger_address=voided.ledger_address,
        operator=voided.operator,
        lane=voided.lane,
        first_seq=voided.first_seq,
        fill=voided.fill + 1,
        count=voided.count,
        attribution_method=voided.attribution_method,
        attribution_params_hash=voided.attribution_params_hash,
        state=State.SELECTED,
        authorized=True,
        batch_id=voided.batch_id,
        first_committed_at=voided.first_committed_at or voided.committed_at,
    )
    session.add(job)
    session.flush()
    return job


def lane_end(session: Session, deployment: Deployment, operator: bytes, lane: int) -> int:
    """The first seq of the lane that is in no job, as far as jobs tell; 0 if there are none."""
    kept = BatchJob.state != State.SUPERSEDED
    ends = select(func.max(BatchJob.first_seq + BatchJob.count)).where(
        *_of(deployment, operator), BatchJob.lane == lane, kept
    )
    return session.scalar(ends) or 0


def select_receipts(
    session: Session, deployment: Deployment, operator: bytes, lane: int, seqs: range, made_by: MadeBy
) -> BatchJob:
    """A new job for these receipts, which no other job will ever hold."""
    job = BatchJob(
        chain_id=deployment.l2.chain_id,
        ledger_address=deployment.l2.ledger,
        operator=operator,
        lane=lane,
        first_seq=seqs.start,
        count=len(seqs),
        attribution_method=made_by.method,
        attribution_params_hash=made_by.params_hash,
        state=State.SELECTED,
    )
    session.add(job)
    session.flush()
    return job


def store_encoded(
    session: Session,
    job: BatchJob,
    header: BatchHeader,
    charges: Sequence[Charge],
    proved: Sequence[ProvedBlob],
    way: Way,
) -> None:
    """Fix the job's bytes: from now on exactly these blobs are posted for it."""
    hashes = [blob.versioned_hash for blob in proved]
    session.execute(
        insert(BatchBlob),
        [
            {
                "job_id": job.job_id,
                "position": position,
                "versioned_hash": hashes[position],
                "kzg_commitment": blob.kzg_commitment,
                "proofs": blob.proofs,
                "blob": blob.blob,
            }
            for position, blob in enumerate(proved)
        ],
    )
    session.execute(
        insert(BatchCharge),
        [{"job_id": job.job_id, "payer": payer, "amount_units": amount} for payer, amount in charges],
    )
    move(
        session,
        job,
        State.ENCODED,
        payer_count=header.payer_count,
        set_fe_count=header.set_fe_count,
        total_fee_units=header.total_fee_units,
        blob_count=header.blob_count,
        base_time=header.base_time,
        post_hash=post_hash(hashes),
        batch_commitment=batch_commitment(header, hashes, charges),
        sidecar_version=way.sidecar.value,
        data_layer=way.layer.value,
        shares_deposit=way.shares_deposit,
    )


def move(session: Session, job: BatchJob, state: State, **facts: object) -> None:
    """Write the job's state with what is known by now, in the row and in `job`."""
    changes = {"state": state.value, **facts}
    row = update(BatchJob).where(BatchJob.job_id == job.job_id)
    session.execute(row.values(**changes, changed_at=func.now()))
    for name, value in changes.items():
        setattr(job, name, value)


def _of(deployment: Deployment, operator: bytes) -> tuple[ColumnElement[bool], ...]:
    return (
        BatchJob.chain_id == deployment.l2.chain_id,
        BatchJob.ledger_address == deployment.l2.ledger,
        BatchJob.operator == operator,
    )
