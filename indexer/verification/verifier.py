"""Fetches blobs and decides batches, in rounds: blobs of coming batches are fetched while earlier ones are judged."""

from __future__ import annotations

import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from indexer.verification.judge import judge
from ledger.errors import ArchiveUnavailableError, BlobNotAvailableError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from indexer.verification.batch import CommittedBatch
    from indexer.verification.blob_source import BlobSource, CheckedBlob
    from indexer.verification.store import DuePost, VerificationStore

FETCHES_AT_ONCE = 4
BATCHES_A_ROUND = 8
BLOBS_KEPT = 96
"""Checked blobs that are kept until they are judged: 12 MiB."""

FIRST_RETRY_SECONDS = 2
LONGEST_RETRY_SECONDS = 600

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Round:
    """What a round brought: posts whose blobs were had, batches decided, receipts written, fetches under way."""

    posts: int
    batches: int
    receipts: int
    fetching: int

    def __bool__(self) -> bool:
        """Whether there may be more to do at once."""
        return bool(self.posts or self.batches or self.fetching)


class Verifier:
    """Works off what the followers found. One thread calls `round`; a crash in it loses nothing."""

    def __init__(self, store: VerificationStore, source: BlobSource, clock: Callable[[], float] = time.time) -> None:
        """Take the database and where blobs come from; `clock` gives Unix seconds for retries."""
        self._store = store
        self._source = source
        self._clock = clock
        self._pool = ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="blobs")
        self._fetching: dict[bytes, tuple[DuePost, Future[list[CheckedBlob]]]] = {}
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()

    def close(self) -> None:
        """Drop what is under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def round(self) -> Round:
        """Start fetches, take in finished ones, decide the batches that are complete.

        Raises:
            RetryableError: database, archive or beacon are away; nothing half-done stays.
        """
        self._start_fetches()
        batches = self._store.ready_batches(BATCHES_A_ROUND)
        receipts = sum(self._decide(batch) for batch in batches)
        posts = self._take_in(wait=not batches)
        return Round(posts, len(batches), receipts, len(self._fetching))

    def _start_fetches(self) -> None:
        room = FETCHES_AT_ONCE - len(self._fetching)
        if room <= 0:
            return
        due = self._store.due_posts(int(self._clock()), FETCHES_AT_ONCE + room)
        for post in [p for p in due if p.post_hash not in self._fetching][:room]:
            blocks, commitments = self._store.posted_in(post.post_hash), self._store.held_under(post.post_hash)
            future = self._pool.submit(self._source.fetch, post.versioned_hashes, blocks, commitments)
            self._fetching[post.post_hash] = (post, future)

    def _take_in(self, *, wait: bool) -> int:
        """Record finished fetches; with `wait`, wait for the oldest first."""
        if wait and self._fetching:
            next(iter(self._fetching.values()))[1].exception()
        done = [(post, future) for post, future in self._fetching.values() if future.done()]
        had = 0
        for post, future in done:
            del self._fetching[post.post_hash]
            try:
                blobs = future.result()
            except (BlobNotAvailableError, ArchiveUnavailableError) as error:
                self._store.missed(post, int(self._clock()) + _backoff(post.attempts), str(error))
                continue
            self._store.fetched(post.post_hash, blobs)
            self._keep(blobs)
            had += 1
        return had

    def _keep(self, blobs: list[CheckedBlob]) -> None:
        self._kept.update((b.versioned_hash, b.blob) for b in blobs)
        while len(self._kept) > BLOBS_KEPT:
            self._kept.popitem(last=False)

    def _decide(self, batch: CommittedBatch) -> int:
        """Judge a batch and write the verdict; returns the receipts that were written."""
        blobs = [self._blob(batch, blob_hash) for blob_hash in batch.versioned_hashes]
        if any(blob is None for blob in blobs):
            return 0
        verdict = judge(batch, [b for b in blobs if b is not None], lambda ids: self._store.rulebook(batch, ids))
        for blob_hash in batch.versioned_hashes:
            self._kept.pop(blob_hash, None)
        if not self._store.decide(batch, verdict):
            return 0
        for finding in verdict.findings:
            _log.warning("finding", batch_id=batch.batch_id, fill=batch.fill, rule=finding.rule, voids=finding.voids)
        return 0 if verdict.contents is None else batch.header.count

    def _blob(self, batch: CommittedBatch, blob_hash: bytes) -> bytes | None:
        """A checked blob: kept since it was fetched, else read from the archive and checked again."""
        kept = self._kept.get(blob_hash)
        if kept is not None:
            return kept
        try:
            return self._source.fetch([blob_hash], [])[0].blob
        except RetryableError:
            self._store.lost(batch.versioned_hashes, blob_hash)
            return None


def _backoff(attempts: int) -> int:
    """Seconds until the next attempt, doubling."""
    return int(min(FIRST_RETRY_SECONDS * 2 ** min(attempts, 16), LONGEST_RETRY_SECONDS))
