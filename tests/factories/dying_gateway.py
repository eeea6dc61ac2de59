"""A gateway that kills itself, by SIGKILL, at a named step of its first request: `python -m … STEP`.

The steps are put around the real functions from outside; nothing in the gateway knows of them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from serving import command
from serving.inference import whole
from serving.inference.streamed import StreamDelivery
from serving.journal import store
from serving.journal.pending import Group

STEPS = (
    "before_intent", "after_intent", "after_checkpoint", "mid_stream", "before_receipt", "after_receipt", "after_send",
)  # fmt: skip
WRITES_BEFORE_DEATH = 120


def die() -> None:
    """Ends like a power cut would end this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def around_commit(*, before: bool, concerns: Callable[[Group], object]) -> None:
    """Dies before or after the first commit of a group of this kind."""
    commit = store.commit_group

    async def deadly(connection: Any, held: Any, signer: Any, group: Group, retention_seconds: int) -> Any:
        if before and concerns(group):
            die()
        outcome = await commit(connection, held, signer, group, retention_seconds)
        if concerns(group):
            die()
        return outcome

    store.commit_group = deadly


def in_the_middle_of_a_stream() -> None:
    write, write_at_once, writes = StreamDelivery._write, StreamDelivery._write_at_once, 0

    def count() -> None:
        nonlocal writes
        writes += 1
        if writes > WRITES_BEFORE_DEATH:
            die()

    async def deadly(self: StreamDelivery, some: bytes) -> None:
        count()
        await write(self, some)

    def deadly_at_once(self: StreamDelivery, some: bytes) -> bool:
        count()
        return write_at_once(self, some)

    StreamDelivery._write, StreamDelivery._write_at_once = deadly, deadly_at_once


def after_sending() -> None:
    close_and_send, send_json = StreamDelivery._close_and_send, whole.send_json

    async def deadly_stream(self: StreamDelivery, outcome: str, event: bytes, done: bytes) -> None:
        await close_and_send(self, outcome, event, done)
        die()

    async def deadly_json(*arguments: Any) -> None:
        await send_json(*arguments)
        die()

    StreamDelivery._close_and_send = deadly_stream
    whole.send_json = deadly_json


def arrange(step: str) -> None:
    if step == "mid_stream":
        in_the_middle_of_a_stream()
    elif step == "after_send":
        after_sending()
    else:
        when, what = step.split("_")
        kinds = {"intent": "openings", "checkpoint": "checkpoints", "receipt": "endings"}
        around_commit(before=when == "before", concerns=attrgetter(kinds[what]))


if __name__ == "__main__":
    if sys.argv[1] != "never":
        arrange(sys.argv[1])
    command.app(args=[], standalone_mode=False)
