"""Cuts what waits in the outbox into jobs, when a batch is full or old enough.

What was read once is tallied in memory, so that a pass reads only what came since the last one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from batcher.cutting import Limits, Load
from batcher.jobs import lane_end, lane_faults, select_receipts
from batcher.outbox import database_seconds, first_waiting, lanes, waiting_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from batcher.outbox import WaitingReceipt
    from batcher.parts import Parts, View
    from ledger.db.models.batcher import BatchJob

log = structlog.get_logger(__name__)

_AT_ONCE = 2
"""Batches cut in one pass: reading one takes a moment, in which those under way stand still."""


@dataclass(slots=True)
class Tally:
    """What waits in a lane from `start` on, as far as it makes one batch."""

    start: int
    limits: Limits
    load: Load = field(default_factory=Load)
    is_full: bool = False
    first_issued_at: float = float("inf")
    """By the database's clock, in Unix seconds: a float of time, never of money."""
    first_ended_at: int = 2**63
    """By the receipts' own clock, in Unix seconds."""

    def add(self, run: list[WaitingReceipt]) -> None:
        """Load the receipts that follow, until one does not fit."""
        for receipt in run:
            if not self.load.takes(receipt.waiting, self.limits):
                self.is_full = True
                return
            self.first_issued_at = min(self.first_issued_at, receipt.issued_at)
            self.first_ended_at = min(self.first_ended_at, receipt.ended_at)
        self.is_full = self.load.count >= self.limits.max_receipts

    def is_due(self, database_time: float, chain_time: int, max_age_seconds: int) -> bool:
        """Whether the batch goes out: it is full, or its oldest receipt is old.

        Age counts by both clocks, the database's and the receipts' own against the chain's, whichever says more. Both
        are seconds; no float here is money.
        """
        age = max(database_time - self.first_issued_at, chain_time - self.first_ended_at)
        return self.is_full or (self.load.count > 0 and age >= max_age_seconds)


class Selection:
    """Makes jobs out of waiting receipts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tallies: dict[int, Tally] = {}
        self._gaps: dict[int, int] = {}

    def select_due(self, view: View, under_way: Sequence[BatchJob], *, everything: bool) -> list[BatchJob]:
        """New jobs for what is due, as far as there are places beside those under way.

        The lane with the fewest jobs is next, so that one lane's backlog never keeps another from its deadline. A lane
        with a faulted job stands still: nothing behind it could be committed.

        Args:
            view: the L2 that the lanes' next seqs are read from.
            under_way: jobs that are not committed yet.
            everything: whether all that waits is due.
        """
        chains, places = self._parts.chains, self._parts.settings.max_open_jobs
        with self._parts.database.transaction() as session:
            known = lanes(session, chains.operator, chains.deployment.l2.chain_id, chains.deployment.l2.ledger)
            still = lane_faults(session, chains.deployment, chains.operator)
        jobs = Counter(job.lane for job in under_way)
        # Before the transactions: a node's answer must not keep the database waiting.
        waiting = {
            lane: chains.ledger.next_seq(chains.operator, lane, view.head) for lane in known if lane not in still
        }
        made: list[BatchJob] = []
        while waiting and len(under_way) + len(made) < places and len(made) < _AT_ONCE:
            lane = min(waiting, key=lambda lane: (jobs[lane], lane))
            job = self._select_one(lane, waiting[lane], view, everything=everything)
            if job is None:
                del waiting[lane]
            else:
                jobs[lane] += 1
                made.append(job)
        return made

    def _select_one(self, lane: int, next_seq: int, view: View, *, everything: bool) -> BatchJob | None:
        settings, chains = self._parts.settings, self._parts.chains
        with self._parts.database.transaction() as session:
            start = max(next_seq, lane_end(session, chains.deployment, chains.operator, lane))
            tally = self._tally(session, lane, start)
            now = database_seconds(session)
            due = tally.is_due(now, view.head.timestamp, settings.max_age_seconds)
            if not tally.load.count or not (everything or due):
                return None
            seqs = range(start, start + tally.load.count)
            job = select_receipts(session, chains.deployment, chains.operator, lane, seqs, tally.load.made_by)
        log.info("batch_selected", job_id=job.job_id, lane=lane, first_seq=start, receipts=job.count)
        return job

    def _tally(self, session: Session, lane: int, start: int) -> Tally:
        """The lane's tally from `start` on, with what came since it was last looked at."""
        settings, operator = self._parts.settings, self._parts.chains.operator
        tally = self._tallies.get(lane)
        if tally is None or tally.start != start:
            tally = self._tallies[lane] = Tally(start, Limits(settings.max_receipts, settings.max_payers))
        if not tally.is_full:
            following = start + tally.load.count
            run = waiting_run(session, operator, lane, following, settings.max_receipts + 1 - tally.load.count)
            if not run:
                self._tell_gap(session, lane, following)
            tally.add(run)
        return tally

    def _tell_gap(self, session: Session, lane: int, start: int) -> None:
        """Log, once, that receipts follow where the next one is missing; the lane can't go on past it."""
        found = first_waiting(session, self._parts.chains.operator, lane, start)
        # The next one itself may have come since the run was read: each statement sees the commits before it.
        if found is not None and found > start and self._gaps.get(lane) != start:
            self._gaps[lane] = start
            log.error("outbox_gap", lane=lane, expected_seq=start, found_seq=found)
