"""Cuts what waits in the outbox into jobs, when a batch is full or old enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from batcher.cutting import Limits, cut
from batcher.jobs import lane_end, select_receipts
from batcher.outbox import WaitingRun, first_waiting, lanes, waiting_run

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from batcher.parts import Parts, View
    from ledger.db.models.batcher import BatchJob

log = structlog.get_logger(__name__)


def select_due(parts: Parts, view: View, free_places: int, *, everything: bool) -> list[BatchJob]:
    """New jobs for what is due, at most `free_places`; with `everything`, whatever waits is due."""
    made: list[BatchJob] = []
    operator, deployment = parts.chains.operator, parts.chains.deployment
    with parts.database.transaction() as session:
        known = lanes(session, operator, deployment.l2.chain_id, deployment.l2.ledger)
    for lane in known:
        # Before the transaction: a node's answer must not keep the database waiting.
        next_seq = parts.chains.ledger.next_seq(operator, lane, view.head)
        with parts.database.transaction() as session:
            start = max(next_seq, lane_end(session, deployment, operator, lane))
            while len(made) < free_places:
                job = _select_one(session, parts, view, lane, start, everything=everything)
                if job is None:
                    break
                made.append(job)
                start += job.count
    return made


def is_due(run: WaitingRun, taken: int, head_timestamp: int, settings_max_age: int, limit: int) -> bool:
    """Whether a batch of the run's first `taken` receipts goes out now: it is full, or its oldest one is old.

    Age counts by both clocks, the database's and the receipts' own against the chain's, whichever says more.
    """
    full = taken < len(run.receipts) or taken >= limit
    age = max(run.oldest_age_seconds, head_timestamp - run.oldest_ended_at)
    return full or age >= settings_max_age


def _select_one(
    session: Session, parts: Parts, view: View, lane: int, start: int, *, everything: bool
) -> BatchJob | None:
    settings, deployment, operator = parts.settings, parts.chains.deployment, parts.chains.operator
    run = waiting_run(session, operator, lane, start, settings.max_receipts + 1)
    if run is None:
        _tell_gap(session, operator, lane, start)
        return None
    taken = cut(run.receipts, Limits(settings.max_receipts, settings.max_payers))
    due = is_due(run, taken, view.head.timestamp, settings.max_age_seconds, settings.max_receipts)
    if not (everything or due):
        return None
    seqs = range(start, start + taken)
    job = select_receipts(session, deployment, operator, lane, seqs, settings.method, settings.params_hash)
    log.info("batch_selected", job_id=job.job_id, lane=lane, first_seq=start, receipts=taken)
    return job


def _tell_gap(session: Session, operator: bytes, lane: int, start: int) -> None:
    first = first_waiting(session, operator, lane, start)
    if first is not None:
        log.error("outbox_gap", lane=lane, expected_seq=start, found_seq=first)
