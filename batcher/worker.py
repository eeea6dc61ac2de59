"""Runs the state machine: each pass cuts what is due and moves every open job as far as it goes."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import structlog

from batcher.alarms import Alarms
from batcher.answering import Answering
from batcher.authorizing import authorize
from batcher.availability import layer_of
from batcher.committing import commit, recheck_committed
from batcher.finalizing import finalize, recheck_finalized
from batcher.jobs import jobs_past_window, lane_faults, move, revocable_jobs, uncommitted_jobs
from batcher.parts import View, look
from batcher.posting import attest
from batcher.prepare import Preparation
from batcher.refilling import Refilling
from batcher.relaying import relay
from batcher.selecting import Selection
from batcher.states import UNCOMMITTED, Purpose, State
from batcher.transactions import Effect
from ledger.errors import (
    ContractRevertedError,
    DatabaseUnavailableError,
    InsufficientFundsError,
    ProtocolError,
    RetryableError,
    RpcRejectedError,
    TributaryError,
)
from ledger.protocol.units import CHALLENGE_WINDOW_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from batcher.parts import Parts
    from ledger.db.models.batcher import BatchJob

log = structlog.get_logger(__name__)


class Worker:
    """One operator's batcher.

    Attributes:
        under_way: jobs with something left to do now, after the last pass.
        blocked: what stops a job that could not move, by job id.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._selection = Selection(parts)
        self._preparation = Preparation(parts)
        self._alarms = Alarms(parts)
        self._refilling = Refilling(parts)
        self._answering = Answering(parts)
        self.under_way: list[BatchJob] = []
        self.blocked: dict[int, TributaryError] = {}

    def run_pass(self, *, everything: bool = False) -> bool:
        """Whether anything moved.

        Args:
            everything: cut all that waits, whatever its age or number.

        Raises:
            DatabaseUnavailableError, RpcUnavailableError: nothing is lost; run it again.
            LaneFencedError: another batcher of this operator works on the database.
        """
        view = look(self._parts)
        began = self._refilling.look(view)
        jobs = self._uncommitted()
        self._alarms.look(view, jobs)
        still = self._behind_a_fault(jobs)
        jobs = [job for job in jobs if job.job_id not in still or self._is_sent(job)]
        made = self._selection.select_due(view, jobs, everything=everything)
        jobs += made
        moved = [self._guarded(job, self._step(job, jobs, view)) for job in jobs]
        posted = [job for job in jobs if job.state == State.POSTED and job.shares_deposit]
        if posted:
            # With everything, whatever waited was cut, unless it waits for a place: then more posts come.
            coming = bool(made) or any(job.state in (State.SELECTED, State.ENCODED) for job in jobs)
            last = everything and not coming
            moved.append(self._guarded(posted[0], lambda: relay(self._parts, posted, no_more_come=last)))
        self._answering.look(view)
        demanded = self._answering.demanded
        moved += [self._guarded(job, partial(self._answering.answer, job, view)) for job in demanded]
        past_window = [job for job in self._past_window(view) if self._answering.may_finalize(job, view)]
        moved += [self._guarded(job, partial(finalize, self._parts, job, view)) for job in past_window]
        moved += self._recheck(view)
        self.under_way = [job for job in jobs if job.state in UNCOMMITTED and job.job_id not in still]
        self.under_way += [job for job in past_window if job.state == State.COMMITTED]
        self.under_way += demanded
        return bool(made) or began or any(moved)

    def wait(self) -> None:
        """Wait for a worker process to finish a blob, or else for the poll interval."""
        if not self._preparation.wait(self._parts.settings.poll_seconds):
            time.sleep(self._parts.settings.poll_seconds)

    def _uncommitted(self) -> list[BatchJob]:
        with self._parts.database.transaction() as session:
            return uncommitted_jobs(session, self._parts.chains.deployment, self._parts.chains.operator)

    def _behind_a_fault(self, jobs: Sequence[BatchJob]) -> set[int]:
        """The jobs that stand still with a faulted one before them in their lane: they could not be committed."""
        with self._parts.database.transaction() as session:
            faults = lane_faults(session, self._parts.chains.deployment, self._parts.chains.operator)
        return {job.job_id for job in jobs if not job.fill and job.first_seq > faults.get(job.lane, job.first_seq)}

    def _is_sent(self, job: BatchJob) -> bool:
        """Whether its blobs are on their way: a transaction must be seen through, or later ones wait for its nonce."""
        return self._parts.transactions.newest(Effect(job.job_id, Purpose.POST, self._parts.chains.l1)) is not None

    def _past_window(self, view: View) -> list[BatchJob]:
        committed_by = view.head.timestamp - CHALLENGE_WINDOW_SECONDS
        with self._parts.database.transaction() as session:
            return jobs_past_window(session, self._parts.chains.deployment, self._parts.chains.operator, committed_by)

    def _recheck(self, view: View) -> list[bool]:
        """Look again at what the L2 may still take back."""
        chains = self._parts.chains
        with self._parts.database.transaction() as session:
            jobs = revocable_jobs(session, chains.deployment, chains.operator, view.finalized.number)
        checks = {State.COMMITTED.value: recheck_committed, State.FINALIZED.value: recheck_finalized}
        return [self._guarded(job, partial(checks[job.state], self._parts, job)) for job in jobs]

    def _step(self, job: BatchJob, jobs: Sequence[BatchJob], view: View) -> Callable[[], bool]:
        """What moves a job on from where it is."""
        parts = self._parts

        def authorized() -> bool:
            # One after the other: the next job then sees the caps that this one's authorizations set.
            first = next((other for other in jobs if other.state != State.SELECTED and not other.authorized), None)
            return job is first and authorize(parts, job, jobs, view)

        steps: dict[State, Callable[[], bool]] = {
            State.SELECTED: lambda: self._preparation.advance(job),
            State.ENCODED: lambda: authorized() | layer_of(parts, job).publish(parts, job, view),
            State.POSTED: lambda: authorized() | attest(parts, job, view),
            State.STORED: lambda: authorized() | commit(parts, job, view),
            State.ATTESTED: lambda: authorized() | commit(parts, job, view),
        }
        return steps[State(job.state)]

    def _guarded(self, job: BatchJob, step: Callable[[], bool]) -> bool:
        """Whether the job moved; what stops it is kept in `blocked` and does not stop the others."""
        try:
            moved = step()
        except DatabaseUnavailableError:
            raise
        except (RetryableError, ContractRevertedError, InsufficientFundsError, RpcRejectedError) as error:
            if str(self.blocked.get(job.job_id)) != str(error):
                log.warning("job_waits", job_id=job.job_id, state=job.state, reason=str(error))
            self.blocked[job.job_id] = error
            return False
        except ProtocolError as error:
            facts = {"job_id": job.job_id, "lane": job.lane, "first_seq": job.first_seq}
            log.error("job_faulted", **facts, reason=str(error))  # noqa: TRY400  the reason says it, a trace would not
            with self._parts.database.transaction() as session:
                move(session, job, State.FAULTED, fault=str(error))
            return True
        self.blocked.pop(job.job_id, None)
        return moved
