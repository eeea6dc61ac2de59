"""What waits for the next commit."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from serving.journal.records import Checkpoint, Closing, Issued, NewIntent

GROUP_LIMIT = 256
"""Most openings, and most closings, in one commit: bounds a commit's time and the event loop's."""


@dataclass(slots=True)
class Opening:
    """An intent on its way in; True once it is durable, False if the payer's account can't hold it."""

    intent: NewIntent
    opened: asyncio.Future[bool]

    def reject(self, error: Exception) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)


@dataclass(slots=True)
class Ending:
    """A closing on its way in. `closing` may be replaced until its commit begins."""

    closing: Closing
    issued: asyncio.Future[Issued]

    def resolve(self, issued: Issued) -> None:
        if not self.issued.done():
            self.issued.set_result(issued)

    def reject(self, error: Exception) -> None:
        if not self.issued.done():
            self.issued.set_exception(error)
            self.issued.exception()  # nobody may be waiting any more: not a thing to warn of


@dataclass(slots=True)
class Group:
    """What is committed together."""

    openings: list[Opening] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.openings or self.endings or self.checkpoints)


class Pending:
    """Queues in front of the writer, emptied a group at a time."""

    def __init__(self) -> None:
        self._openings: list[Opening] = []
        self._endings: list[Ending] = []
        self._checkpoints: dict[str, Checkpoint] = {}
        self._arrived = asyncio.Event()
        self._called = False
        self._idle = asyncio.Event()
        self._idle.set()

    def open(self, intent: NewIntent) -> Opening:
        opening = Opening(intent, asyncio.get_running_loop().create_future())
        self._openings.append(opening)
        self._arrived.set()
        return opening

    def close(self, closing: Closing) -> Ending:
        """The ending; the request's checkpoints no longer matter."""
        self._checkpoints.pop(closing.request_id, None)
        ending = Ending(closing, asyncio.get_running_loop().create_future())
        self._endings.append(ending)
        self._arrived.set()
        return ending

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keeps the newest checkpoint of a request; it goes with the next group, it does not call for one."""
        self._checkpoints[checkpoint.request_id] = checkpoint

    def put_back(self, endings: list[Ending]) -> None:
        """Endings whose commit failed go to the front."""
        self._endings[:0] = endings
        if endings:
            self._arrived.set()

    def call(self) -> None:
        """Wakes the writer for what does not wake it by itself: checkpoints, or a look whether the database is there."""
        self._called = True
        self._arrived.set()

    def refuse_openings(self, error: Exception) -> None:
        for opening in self._openings:
            opening.reject(error)
        self._openings.clear()

    def reject_all(self, error: Exception) -> None:
        """Ends every wait: nothing will be written any more."""
        self.refuse_openings(error)
        for ending in self._endings:
            ending.reject(error)
        self._endings.clear()

    def written(self) -> None:
        """The last group is done with."""
        if not len(self):
            self._idle.set()

    async def drained(self, seconds: float) -> None:
        """Nothing, once all is written or the time is over."""
        if len(self):
            self._idle.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    def __len__(self) -> int:
        return len(self._openings) + len(self._endings)

    async def next_group(self) -> Group:
        """The next group, once there is one or the writer is called; openings whose caller went away are left out."""
        while True:
            await self._arrived.wait()
            group, called = self._take(), self._called
            self._called = False
            if not len(self):
                self._arrived.clear()
            if group or called:
                self._idle.clear()
                return group

    def _take(self) -> Group:
        waiting = [o for o in self._openings if not o.opened.done()]
        self._openings = waiting[GROUP_LIMIT:]
        endings, self._endings = self._endings[:GROUP_LIMIT], self._endings[GROUP_LIMIT:]
        checkpoints, self._checkpoints = list(self._checkpoints.values()), {}
        return Group(waiting[:GROUP_LIMIT], endings, checkpoints)
