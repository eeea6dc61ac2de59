"""An answer's deltas on their way from a node's connection to whoever takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from serving.inference.engine import Delta, Take

_MOST_HELD_BYTES: Final = 1 << 16
"""Bytes of a node's stream that may wait here before its connection does."""


class NodeFlow:
    """Hands deltas on within the call that read them, and keeps those that nobody takes now.

    A task that is woken for every token costs more than all that is done with the token. So the taker is called where
    the bytes arrive, and its task sleeps until the end, or until something has to be waited for.
    """

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """Take what is called when too much waits here, and when somebody begins to wait for more."""
        self.over = False
        """Whether nothing more comes."""
        self._pause = pause
        self._resume = resume
        self._held: list[Delta] = []
        self.held_bytes = 0
        """Bytes of the deltas that wait here."""
        self._take: Take | None = None
        self._woken: asyncio.Future[Coroutine[Any, Any, None] | None] | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for the node; else what is slow is on this side."""
        return self._take is not None

    def put(self, deltas: Sequence[Delta], size: int) -> None:
        """Hands on what so many bytes held."""
        take = self._take
        if take is None:
            self._hold(deltas, size)
            return
        try:
            waiting = take(deltas)
        except Exception as error:  # noqa: BLE001  it is the taker's, who gets it
            self._take = None
            if self._woken is not None and not self._woken.done():
                self._woken.set_exception(error)
            return
        if waiting is not None:
            self._wake(waiting)

    def end(self) -> None:
        """Nothing more comes."""
        self.over = True
        self._wake(None)

    async def into(self, take: Take) -> None:
        """Everything up to the end goes to `take`; what it returns is awaited before the next."""
        while True:
            if self._held:
                held, self._held = self._held, []
                waiting = take(held)
                if waiting is not None:
                    await waiting
                continue
            if self.over:
                return
            waiting = await self._given(take)
            if waiting is not None:
                await waiting

    async def _given(self, take: Take) -> Coroutine[Any, Any, None] | None:
        """Takes as it comes, until there is something to wait for, which it returns, or until the end: None."""
        woken: asyncio.Future[Coroutine[Any, Any, None] | None] = asyncio.get_running_loop().create_future()
        self._take, self._woken, self.held_bytes = take, woken, 0
        self._resume()
        try:
            return await woken
        except asyncio.CancelledError:
            if woken.done() and not woken.cancelled() and woken.exception() is None:
                unwanted = woken.result()
                if unwanted is not None:
                    unwanted.close()
            raise
        finally:
            self._take = None

    def _hold(self, deltas: Sequence[Delta], size: int) -> None:
        self._held += deltas
        self.held_bytes += size
        if self.held_bytes > _MOST_HELD_BYTES:
            self._pause()

    def _wake(self, waiting: Coroutine[Any, Any, None] | None) -> None:
        self._take = None
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(waiting)
        elif waiting is not None:
            waiting.close()
