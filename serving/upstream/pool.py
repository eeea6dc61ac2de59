"""The nodes together: who gets the next request, who waits, and for how long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ledger.errors import OverloadedError
from serving.errors import UpstreamUnavailableError
from serving.upstream.breaker import State
from serving.upstream.errors import Fault
from serving.upstream.fair_queue import FairQueue
from serving.upstream.models import UpstreamModel
from serving.upstream.node import Node
from serving.upstream.settings import PoolSettings
from serving.upstream.speed import Speed

_LONGEST_RETRY_SECONDS = 60.0
_TICK_SECONDS, _LOOK_SECONDS = 0.05, 0.25


@dataclass(frozen=True)
class Work:
    """What a request wants of a node."""

    model: UpstreamModel
    payer: bytes
    units: int


@dataclass
class _Waiting:
    work: Work
    avoid: Collection[Node]
    granted: asyncio.Future[Node] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Pool:
    """Places on nodes. The least loaded by weight comes first; one without the adapter seems busier than it is."""

    def __init__(self, nodes: Sequence[Node], settings: PoolSettings) -> None:
        self.nodes = list(nodes)
        self.settings = settings
        self.speed = Speed()
        self._queue: FairQueue[_Waiting] = FairQueue()
        self._ticking: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def waiting_units(self) -> int:
        return self._queue.units

    @property
    def running(self) -> int:
        return sum(node.running for node in self.nodes)

    def refuse_overload(self, work: Work) -> None:
        """Nothing, if the work would run at once or has room to wait.

        Raises:
            OverloadedError: it would wait too long; says when to come again.
        """
        if not self._queue and self._choose(work, ()) is not None:
            return
        speed = self.speed.units_per_second
        most = speed * self.settings.max_wait_seconds if speed else self.settings.max_waiting_units
        if not self._queue.fits(work.payer, work.units, most):
            raise OverloadedError("All servers are busy and too much waits already.", self.retry_after_seconds())

    def retry_after_seconds(self) -> float:
        """When a request that is refused now would find a place: once what waits is done."""
        known = self.speed.seconds_for(self._queue.units)
        return min(max(1.0, known or 1.0), _LONGEST_RETRY_SECONDS)

    async def place(self, work: Work, avoid: Collection[Node]) -> Node:
        """A node that has taken the work in; give it back with `leave`.

        Raises:
            UpstreamUnavailableError: no node that serves the model came back in time, or all of those are to be avoided.
            OverloadedError: those that do were busy for too long.
        """
        node = None if self._queue else self._choose(work, avoid)
        if node is None:
            node = await self._wait(work, avoid)
        else:
            self._take(node, work)
        return node

    def leave(self, node: Node, work: Work, prompt_units: int = 0, answer_units: int = 0) -> None:
        """The work is off the node; so much of it was done."""
        node.running -= 1
        node.units -= work.units
        if prompt_units + answer_units:
            self.speed.add(prompt_units + answer_units, answer_units)
        self.grant()

    def grant(self) -> None:
        """Gives free places to those who wait. Called whenever a place may have become free."""
        while self._queue and any(node.is_open_to_new and node.has_room for node in self.nodes):
            waiting = self._queue.take(self._grantable)
            if waiting is None:
                return
            node = self._choose(waiting.work, waiting.avoid)
            assert node is not None
            self._take(node, waiting.work)
            waiting.granted.set_result(node)

    def _grantable(self, waiting: _Waiting) -> bool:
        return not waiting.granted.done() and self._choose(waiting.work, waiting.avoid) is not None

    def _tick(self) -> None:
        """A node that was busy, or away, may be free by the mere passing of time."""
        self.grant()
        self._ticking = None if not self._queue else asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    def may_leave_slow(self, node: Node) -> bool:
        """Whether requests may leave a slow node: another one is well, and not half of all were left for being slow.

        So a load under which all get slow never makes all their work be done twice.
        """
        if node.breaker.state is not State.CLOSED:
            return True
        well = [other for other in self.nodes if other is not node and other.is_open_to_new]
        slow = sum(n.breaker.state is not State.CLOSED and n.breaker.reason is Fault.SLOW for n in self.nodes)
        return bool(well) and slow < len(self.nodes) // 2

    def could_move(self, work: Work, node: Node, avoid: Collection[Node]) -> bool:
        """Whether another node could take the work at once."""
        return self._choose(work, [*avoid, node]) is not None

    def _choose(self, work: Work, avoid: Collection[Node]) -> Node | None:
        free = [n for n in self._candidates(work, avoid) if n.has_room]
        return min(free, key=lambda node: self._busyness(node, work), default=None)

    def _candidates(self, work: Work, avoid: Collection[Node]) -> list[Node]:
        return [n for n in self.nodes if n.is_open_to_new and n not in avoid and n.serves(work.model)]

    def _busyness(self, node: Node, work: Work) -> float:
        missing = 0 if node.shelf.holds(work.model) else self.settings.adapter_units
        return (node.units + work.units + missing) / node.settings.weight

    def _take(self, node: Node, work: Work) -> None:
        node.running += 1
        node.units += work.units

    async def _wait(self, work: Work, avoid: Collection[Node]) -> Node:
        if avoid and not self._candidates(work, avoid):
            raise UpstreamUnavailableError("No other server serves this model now.")
        waiting = _Waiting(work, avoid)
        place = self._queue.put(work.payer, work.units, waiting)
        self.grant()  # others may be waiting for a node that is away, and this work not
        if self._ticking is None:
            self._tick()
        began = time.monotonic()
        try:
            while not waiting.granted.done():
                await asyncio.wait({waiting.granted}, timeout=_LOOK_SECONDS)
                if not waiting.granted.done():
                    self._give_up(work, avoid, time.monotonic() - began)
            return waiting.granted.result()
        except asyncio.CancelledError:
            if waiting.granted.done():
                self.leave(waiting.granted.result(), work)
            raise
        finally:
            self._queue.leave(place)

    def _give_up(self, work: Work, avoid: Collection[Node], waited: float) -> None:
        there = self._candidates(work, avoid)
        if not there and waited >= self.settings.patience_seconds:
            coming = [n.breaker.trial_in_seconds for n in self.nodes if n.serves(work.model)]
            raise UpstreamUnavailableError("No server of this model answers now.", max(1.0, min(coming, default=5.0)))
        if there and waited >= 2 * self.settings.max_wait_seconds:
            raise OverloadedError("All servers were busy for too long.", self.retry_after_seconds())
