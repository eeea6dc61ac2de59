"""The indexer at work: once up to the heads of now, or on and on until it is told to stop."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import structlog

from ledger.errors import BlockNotFoundError, ReorgDetectedError, RetryableError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from indexer.assembly import Indexer
    from indexer.following.follower import Follower
    from indexer.operation.watch import Watch

LONGEST_PAUSE_SECONDS = 30.0
MOVES_IN_A_ROW = 20
PAUSE_AFTER_MOVE_SECONDS = 0.1
VERIFIER_PAUSE_SECONDS = 0.2

_log = structlog.get_logger()


def catch_up(indexer: Indexer) -> None:
    """Index both chains up to their heads, then decide every batch whose blobs can be had.

    Raises:
        RetryableError: a chain or the database is away; what was written stays, and the next run goes on from there.
        PermanentError: going on makes no sense.
    """
    with ThreadPoolExecutor(2, thread_name_prefix="follow") as pool:
        futures = [pool.submit(_catch_up_with, follower) for follower in (indexer.l1, indexer.l2)]
        while not all(future.done() for future in futures):
            if not indexer.verifier.round():
                wait(futures, VERIFIER_PAUSE_SECONDS, FIRST_COMPLETED)
        for future in futures:
            future.result()
    # What was looked for before its L1 post was known is looked for again.
    indexer.verification.ask_again()
    while indexer.verifier.round():
        pass
    _read_costs(indexer)


def _read_costs(indexer: Indexer) -> None:
    """Ask for the gas of what was indexed; rows are whole without it, so a node that is away is let be."""
    try:
        while indexer.costs.round():
            pass
    except RetryableError as error:
        _log.info("costs_not_read", reason=str(error))


def _catch_up_with(follower: Follower) -> None:
    """Step until there is nothing between the rows and the chain's head; a chain that moves meanwhile is read again."""
    moved = 0
    while True:
        try:
            if follower.step().caught_up:
                return
            moved = 0
        except (ReorgDetectedError, BlockNotFoundError):
            moved += 1
            if moved > MOVES_IN_A_ROW:
                raise
            time.sleep(PAUSE_AFTER_MOVE_SECONDS)


def follow(indexer: Indexer, stop: threading.Event, poll_seconds: float, watch: Watch) -> None:
    """Keep the rows in step with both chains until `stop` is set.

    What passes (a node, the beacon endpoint, PostgreSQL or the archive away) is waited for.

    Args:
        indexer: its followers report to the same watch.
        stop: ends the loops after the run that each is writing.
        poll_seconds: pause after a turn that found nothing.
        watch: told how the loops fare.

    Raises:
        PermanentError: going on makes no sense; everything has stopped.
    """

    def verify() -> bool:
        done = indexer.verifier.round()
        watch.verified(done)
        return bool(done)

    def read_costs() -> bool:
        done = indexer.costs.round()
        watch.costs_read()
        return bool(done)

    jobs: dict[str, Callable[[], bool]] = {
        "L1": lambda: not indexer.l1.step().caught_up,
        "L2": lambda: not indexer.l2.step().caught_up,
        "blobs": verify,
        "costs": read_costs,
    }
    with ThreadPoolExecutor(len(jobs), thread_name_prefix="index") as pool:
        futures = [pool.submit(_repeat, name, job, stop, poll_seconds, watch) for name, job in jobs.items()]
        wait(futures, return_when=FIRST_EXCEPTION)
        stop.set()
        for future in futures:
            future.result()


def _repeat(name: str, job: Callable[[], bool], stop: threading.Event, poll_seconds: float, watch: Watch) -> None:
    """Do the job again and again, at once while it says that there is more; failures without any progress back off."""
    pause = poll_seconds
    while not stop.is_set():
        begun = watch.clock()
        try:
            more = job()
            pause = poll_seconds
        except ReorgDetectedError:
            more = True
        except RetryableError as error:
            if watch.succeeded_since(name, begun):
                pause = poll_seconds  # a backfill wrote runs before it failed: the node is not away
            _log.warning("waiting", loop=name, reason=str(error), seconds=round(pause, 1))
            watch.waits(name, str(error))
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            continue
        if not more:
            stop.wait(poll_seconds)
