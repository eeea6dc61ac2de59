"""A process that dies at an effect of one's choice: a write to the database, or a transaction sent to a chain.

The cut is an exception that no handler of the batcher catches: what was committed stays, what was not is rolled back
by the server as the connection closes, and nothing in memory survives, as with a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal

import pytest
from sqlalchemy import event

from batcher.database import LockedDatabase
from ledger.chain.sender import Sender


class PowerCutError(BaseException):
    """The process is gone."""


class Cuts:
    """Ends the process before or after its n-th effect; counts them all."""

    def __init__(self, when: Literal["before", "after"], at: int) -> None:
        self.when = when
        self.at = at
        self.seen = 0

    def begin(self) -> None:
        self.seen += 1
        if (self.when, self.at) == ("before", self.seen):
            raise PowerCutError

    def end(self) -> None:
        if (self.when, self.at) == ("after", self.seen):
            raise PowerCutError


@contextmanager
def power_cut(when: Literal["before", "after"], at: int) -> Iterator[Cuts]:
    """Everything that the batcher does in this block, up to its n-th effect."""
    cuts = Cuts(when, at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LockedDatabase, "transaction", _cut_writes(LockedDatabase.transaction, cuts))
        patch.setattr(Sender, "broadcast", _cut_sending(Sender.broadcast, cuts))
        yield cuts


def _cut_writes(original: Callable[..., AbstractContextManager[Any]], cuts: Cuts) -> Callable[..., Any]:
    @contextmanager
    def transaction(self: LockedDatabase) -> Iterator[Any]:
        wrote: list[str] = []

        def note(_c: Any, _u: Any, statement: str, *_: Any) -> None:
            if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
                wrote.append(statement)

        event.listen(self._engine, "before_cursor_execute", note)
        try:
            with original(self) as session:
                yield session
                if wrote:
                    cuts.begin()
            if wrote:
                cuts.end()
        finally:
            event.remove(self._engine, "before_cursor_execute", note)

    return transaction


def _cut_sending(original: Callable[..., None], cuts: Cuts) -> Callable[..., None]:
    def broadcast(self: Sender, *arguments: Any, **words: Any) -> None:
        cuts.begin()
        original(self, *arguments, **words)
        cuts.end()

    return broadcast
