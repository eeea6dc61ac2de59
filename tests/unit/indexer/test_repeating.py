"""A loop that fails waits ever longer, but only while it gets nothing done."""

import itertools
import threading

import pytest

from indexer.following.follower import Progress
from indexer.operation.watch import Watch
from indexer.running import _repeat
from ledger.chain.blocks import BlockRef
from ledger.errors import RpcUnavailableError

pytestmark = pytest.mark.unit
BLOCK = BlockRef(1, bytes(32), bytes(32), 1)


class Pauses(threading.Event):
    """A stop sign that notes how long it is waited for, and is set after so many waits."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.seconds: list[float | None] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        if len(self.seconds) == self._most:
            self.set()
        return self.is_set()


def waited(*, progresses: bool) -> list[float | None]:
    """The pauses of a loop that fails each turn, after a run was written or before."""
    ticks = itertools.count()
    watch, stop = Watch(clock=lambda: float(next(ticks))), Pauses(12)

    def turn() -> bool:
        if progresses:
            watch.stepped("L1", Progress(BLOCK, BLOCK, 0))
        raise RpcUnavailableError("the node broke off")

    _repeat("L1", turn, stop, 1.0, watch)
    return stop.seconds


def test_a_loop_that_gets_nothing_done_backs_off_to_half_a_minute():
    assert waited(progresses=False) == [1.0, 2.0, 4.0, 8.0, 16.0, *[30.0] * 7]


def test_a_loop_that_writes_a_run_before_it_fails_goes_on_at_once():
    """Backing off by failures alone, a backfill from a flaky node stood still although each turn brought it further."""
    assert waited(progresses=True) == [1.0] * 12
