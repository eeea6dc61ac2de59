"""What an encoded job holds, as the chains and other layers take it: header, charges, blobs with their proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ledger.chain.blob_tx import Sidecar, SidecarVersion
from ledger.db.models.batcher import BatchBlob, BatchCharge
from ledger.protocol.batch import BatchHeader, Charge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from ledger.db.models.batcher import BatchJob

_PROOF_BYTES = 48


def blobs_of(session: Session, job: BatchJob) -> list[bytes]:
    """The stored blobs of an encoded job, in order."""
    rows = select(BatchBlob.blob).where(BatchBlob.job_id == job.job_id).order_by(BatchBlob.position)
    return list(session.scalars(rows))


def header_of(job: BatchJob) -> BatchHeader:
    """The header of an encoded job."""
    return BatchHeader(
        operator=job.operator,
        lane=job.lane,
        first_seq=job.first_seq,
        count=job.count,
        payer_count=job.payer_count or 0,
        set_fe_count=job.set_fe_count or 0,
        total_fee_units=job.total_fee_units or 0,
        blob_count=job.blob_count or 0,
        base_time=job.base_time or 0,
        attribution_method=job.attribution_method,
        attribution_params_hash=job.attribution_params_hash,
    )


def charges_of(session: Session, job: BatchJob) -> list[Charge]:
    """The charges of an encoded job, ascending by payer."""
    rows = select(BatchCharge).where(BatchCharge.job_id == job.job_id).order_by(BatchCharge.payer)
    return [Charge(row.payer, row.amount_units) for row in session.scalars(rows)]


def charges_ahead(session: Session, jobs: Sequence[BatchJob]) -> dict[bytes, int]:
    """What these jobs together will charge each payer."""
    sums = (
        select(BatchCharge.payer, func.sum(BatchCharge.amount_units))
        .where(BatchCharge.job_id.in_([job.job_id for job in jobs]))
        .group_by(BatchCharge.payer)
    )
    return {payer: int(amount) for payer, amount in session.execute(sums)}


def versioned_hashes_of(session: Session, job: BatchJob) -> list[bytes]:
    """The blobs' names on L1, in order."""
    rows = select(BatchBlob.versioned_hash).where(BatchBlob.job_id == job.job_id).order_by(BatchBlob.position)
    return list(session.scalars(rows))


def sidecar_of(session: Session, job: BatchJob, wanted: Sequence[bytes] | None = None) -> Sidecar:
    """The stored blobs with their proofs, as they travel: those with the `wanted` hashes only, if given."""
    rows = select(BatchBlob).where(BatchBlob.job_id == job.job_id).order_by(BatchBlob.position)
    if wanted is not None:
        rows = rows.where(BatchBlob.versioned_hash.in_(wanted))
    blobs = list(session.scalars(rows))
    proofs = b"".join(blob.proofs for blob in blobs)
    return Sidecar(
        SidecarVersion(job.sidecar_version or ""),
        tuple(blob.blob for blob in blobs),
        tuple(blob.kzg_commitment for blob in blobs),
        tuple(proofs[at : at + _PROOF_BYTES] for at in range(0, len(proofs), _PROOF_BYTES)),
    )
