"""One request to one node: asked, judged, and turned into deltas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from serving.inference.call import Call, Endpoint
from serving.inference.engine import Delta
from serving.upstream.bounds import Bounds, forwarded
from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.models import UpstreamModel
from serving.upstream.node import PATHS, Node, as_failure
from serving.upstream.refusals import event_refusal, refusal
from serving.upstream.shapes import DONE, Events, choices_of, embeddings_of, members_of, parse, too_much, usage_of
from serving.upstream.usage import Tally, details_of

_END_SECONDS = 0.05
"""How long a finished stream's connection may take to end, to be used again."""
_FAULTS = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass
class Exchange:
    """What is asked of a node, and what came of it until now."""

    call: Call
    model: UpstreamModel
    bounds: Bounds
    node: Node
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        self.tally = Tally(
            self.bounds, hidden_tokens=self.model.hidden_tokens, echoed=bool(self.call.fields.get("echo"))
        )
        # A body that can't be written is a fault of ours, never of a node.
        self._body = forwarded(self.call, self.model, continuous=self.node.settings.kind == "vllm")
        self._events = Events(self.node.pool.max_answer_bytes)
        self._response: aiohttp.ClientResponse | None = None
        self._usage: dict[str, Any] | None = None
        self._unfinished = set(range(self.bounds.choices))
        self._done = False
        options = self.call.fields.get("stream_options") or {}
        self._shows_usage = bool(options.get("continuous_usage_stats"))

    async def begin(self) -> list[Delta]:
        """Asks, and waits for something of the answer: a whole one, or a stream's events up to the first with text.

        Raises:
            NodeFailedError: the node did not answer as it should.
            UpstreamRefusedError: the request is at fault.
        """
        try:
            await self._ask()
            return await self._first() if self.call.stream else [await self._whole()]
        except _FAULTS as error:
            raise as_failure(error) from error

    async def rest(self) -> AsyncIterator[Delta]:
        """What comes after the beginning; last, what all of it amounts to.

        Raises:
            NodeFailedError: the stream ended or stopped before its end.
        """
        if not self.call.stream:
            return
        try:
            while not self._done:
                async with asyncio.timeout(self.node.pool.stall_seconds):
                    deltas = await self._next()
                for delta in deltas:
                    yield delta
        except _FAULTS as error:
            raise as_failure(error) from error
        self._check_end()
        input_units, output_units = self.tally.judged(self._usage)
        yield Delta((), output_units, input_units, details=details_of(self._usage))

    async def end(self) -> None:
        """Gives the connection back if the answer is at its end, else cuts it, so that the node stops working."""
        response = self._response
        if response is None:
            return
        if self._done and not response.content.at_eof():
            with suppress(*_FAULTS):
                await asyncio.wait_for(response.content.read(1), _END_SECONDS)
        if response.content.at_eof():
            response.release()
        else:
            response.close()

    async def _ask(self) -> None:
        node, endpoint = self.node, self.call.endpoint
        node.last_asked = (endpoint, self.model.name)
        url = node.settings.base_url + PATHS[endpoint]
        self._response = await node.session.post(
            url,
            data=self._body,
            headers={"content-type": "application/json"},
            allow_redirects=False,
        )
        if self._response.status != 200:
            content = await self._response.content.read(65_536)
            raise refusal(self._response.status, self._response.headers, content)

    async def _whole(self) -> Delta:
        body = parse(await self._content())
        if "error" in body and "choices" not in body and "data" not in body:
            raise event_refusal(body)
        usage = usage_of(body)
        if self.call.endpoint is Endpoint.EMBEDDING:
            members = embeddings_of(body)
            input_units, _ = self.tally.judged(usage)
            return Delta((), 0, input_units, members, details_of(usage), whole=True)
        choices = choices_of(body, self.call.endpoint, self.bounds.choices, whole=True)
        if not choices:
            raise NodeFailedError(Fault.GARBAGE, "The node's answer is empty.")
        self.tally.add(choices)
        input_units, output_units = self.tally.judged(usage)
        return Delta(choices, output_units, input_units, members_of(body), details_of(usage), whole=True)

    async def _content(self) -> bytes:
        assert self._response is not None
        body = bytearray()
        async for some in self._response.content.iter_any():
            body += some
            if len(body) > self.node.pool.max_answer_bytes:
                raise too_much()
        self._done = True
        return bytes(body)

    async def _first(self) -> list[Delta]:
        """Who speaks is held back until something is said: until then another node can still answer."""
        assert self._response is not None
        if "text/event-stream" not in self._response.headers.get("content-type", ""):
            raise NodeFailedError(Fault.GARBAGE, "The node's answer is no stream of events.")
        held: list[Delta] = []
        while not self._done and not self.tally.least and len(self._unfinished) == self.bounds.choices:
            held += await self._next()
        if self._done:
            self._check_end()
        return held

    async def _next(self) -> list[Delta]:
        """What the next bytes hold."""
        assert self._response is not None
        some = await self._response.content.readany()
        if not some:
            self._done = True
            return []
        deltas = []
        for data in self._events.feed(some):
            if data == DONE:
                self._done = True
                break
            delta = self._delta(parse(data))
            if delta is not None:
                deltas.append(delta)
        return deltas

    def _delta(self, event: dict[str, Any]) -> Delta | None:
        if "error" in event and "choices" not in event:
            raise event_refusal(event)
        usage = usage_of(event)
        self._usage = usage or self._usage
        choices = choices_of(event, self.call.endpoint, self.bounds.choices, whole=False)
        if not choices and usage:
            return None  # the one that was asked for on the client's behalf; it gets its own at the end
        self.tally.add(choices)
        self._unfinished -= {choice["index"] for choice in choices if choice.get("finish_reason")}
        members = members_of(event)
        if usage is not None and self._shows_usage:
            members = {**(members or {}), "usage": usage}
        return Delta(choices, self._until_now(usage), None, members)

    def _until_now(self, usage: dict[str, Any] | None) -> int:
        """Tokens up to here: of one choice as the node counts them, of several at least (nodes count each alone)."""
        if usage is None or self.bounds.choices > 1:
            return self.tally.least
        return self.tally.judged(usage)[1]

    def _check_end(self) -> None:
        """An answer whose choices did not all end was cut, whatever the connection says."""
        if self._unfinished:
            raise NodeFailedError(Fault.BROKEN, "The node's stream ended in the middle of the answer.")
