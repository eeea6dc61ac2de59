"""One request over as many nodes as it takes, until one begins to answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from ledger.errors import OverloadedError, RetryableError
from serving.errors import UpstreamUnavailableError
from serving.inference.call import Call, Endpoint
from serving.inference.engine import Step
from serving.upstream.bounds import Bounds
from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.exchange import Exchange
from serving.upstream.node import Node
from serving.upstream.pace import Pace
from serving.upstream.pool import Pool, Work
from serving.upstream.usage import Tally


@dataclass
class Attempt:
    """What was tried for one request."""

    pool: Pool
    call: Call
    bounds: Bounds
    work: Work
    avoid: list[Node] = field(default_factory=list)
    _reloaded: list[Node] = field(default_factory=list)
    _failure: NodeFailedError | None = None
    _went_round: bool = False

    async def deltas(self) -> AsyncGenerator[Step, None]:
        """The answer. A node that fails before it said anything is left for another one; later it ends the answer.

        Raises:
            UpstreamRefusedError: a node says that the request is at fault.
            UpstreamUnavailableError, OverloadedError: no node answers, or one broke off.
        """
        for _ in range(self.pool.settings.attempts):
            node = await self._place()
            answered = None
            try:
                exchange = Exchange(self.call, self.work.model, self.bounds, node)
                async with aclosing(self._deltas(node, exchange)) as steps:
                    async for step in steps:
                        answered = exchange.tally
                        yield step
            except NodeFailedError as failure:
                self._note(node, failure)
                if answered is not None:
                    raise UpstreamUnavailableError("The server broke off in the middle of the answer.") from failure
            else:
                node.breaker.succeeded()
                return
            finally:
                self._leave(node, answered)
        raise self._verdict()

    async def _deltas(self, node: Node, exchange: Exchange) -> AsyncGenerator[Step, None]:
        """The answer of one node."""
        async with node.shelf.holding(self.work.model):
            try:
                await self._begin(node, exchange)
                async for step in exchange.steps():
                    yield step
            finally:
                exchange.end()

    def _leave(self, node: Node, answered: Tally | None) -> None:
        if answered is None:
            self.pool.leave(node, self.work)
        else:
            self.pool.leave(node, self.work, self.bounds.prompt_units, answered.least)

    async def _place(self) -> Node:
        try:
            return await self.pool.place(self.work, self.avoid)
        except UpstreamUnavailableError as error:
            if self._failure is None:
                raise
            if self._failure.fault is not Fault.BROKEN or self._went_round:
                raise self._verdict() from error
        self._went_round = True  # one connection that broke is no reason to give up on the only server
        self.avoid.clear()
        return await self._place()

    async def _begin(self, node: Node, exchange: Exchange) -> None:
        """Nothing, once the answer has begun.

        Raises:
            NodeFailedError: it did not, or not before another node had better be asked.
        """
        began = time.monotonic()
        beginning = exchange.begin()
        await self._until_begun(node, beginning, began)
        beginning.result()
        if isinstance(exchange.failure, NodeFailedError):
            raise exchange.failure  # it began and broke at once: nobody has seen anything of it
        self._pace(node).add(time.monotonic() - began, self._size)

    async def _until_begun(self, node: Node, beginning: asyncio.Future[None], began: float) -> None:
        """Nothing, once it has begun.

        Raises:
            NodeFailedError: the node is gone, takes much longer than it used to while another one is free, or too long.
        """
        settings = self.pool.settings
        limit = self._pace(node).limit(self._size, settings.slow_factor)
        most = settings.first_token_seconds if self.call.stream else settings.answer_seconds
        pause = most if limit is None else max(limit, settings.slow_floor_seconds)
        assert node.lost is not None
        either: set[asyncio.Future[Any]] = {beginning, node.lost}
        while True:
            await asyncio.wait(either, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            if not beginning.done():
                await asyncio.sleep(0)  # what arrived while this process was held up counts as arrived
                await asyncio.sleep(0)
            if beginning.done():
                return
            if node.lost.done():
                raise NodeFailedError(Fault.UNREACHABLE, "The node went away.")
            if time.monotonic() - began >= most:
                raise NodeFailedError(Fault.BROKEN, "The node gave no answer in the time that there is.")
            if self.pool.may_leave_slow(node) and self.pool.could_move(self.work, node, self.avoid):
                slow = NodeFailedError(Fault.SLOW, f"The node takes longer than {pause:.2f} s.")
                node.failed(
                    slow
                )  # before anything else runs: another request may be about to leave the last node that is well
                raise slow

    @property
    def _size(self) -> int:
        """What makes the beginning take long: the prompt of a stream, all of an answer in one piece."""
        prompt_units = self.bounds.prompt_units
        return max(1, prompt_units if self.call.stream else prompt_units + self.bounds.most_output)

    def _pace(self, node: Node) -> Pace:
        kind = "stream" if self.call.stream else "whole"
        return node.paces["embedding" if self.call.endpoint is Endpoint.EMBEDDING else kind]

    def _note(self, node: Node, failure: NodeFailedError) -> None:
        """The node is judged, and the request goes elsewhere, but once back to a node that had lost its adapter."""
        self._failure = failure
        if failure.fault is not Fault.SLOW:  # of which note was taken when it was found
            node.failed(failure)
        if failure.fault is Fault.NO_MODEL:
            model = self.work.model
            had_it = model.adapter_path is not None and node.shelf.holds(model)
            node.shelf.forget(model.name)
            if had_it and node not in self._reloaded:
                self._reloaded.append(node)
                return
        self.avoid.append(node)

    def _verdict(self) -> RetryableError:
        """What the client is told."""
        failure = self._failure
        if failure is not None and failure.fault is Fault.BUSY:
            wait = failure.retry_after_seconds or self.pool.retry_after_seconds()
            return OverloadedError("All servers of this model are busy.", wait)
        if failure is not None and failure.fault is Fault.NO_MODEL:
            return UpstreamUnavailableError("No server has this model ready; try again shortly.", 5.0)
        return UpstreamUnavailableError("No server of this model answers as it should; try again shortly.")
