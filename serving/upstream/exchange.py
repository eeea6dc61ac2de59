"""One request to one node: asked, judged, and turned into deltas where its bytes arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from ledger.errors import TributaryError
from serving.inference.call import Call, Endpoint
from serving.inference.engine import Delta, Step
from serving.upstream.bounds import Bounds, forwarded
from serving.upstream.connection import Connection
from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.flow import NodeFlow
from serving.upstream.models import UpstreamModel
from serving.upstream.node import PATHS, Node
from serving.upstream.refusals import event_refusal, refusal
from serving.upstream.shapes import (
    DONE,
    Events,
    choices_of,
    embeddings_of,
    garbage,
    members_of,
    parse,
    too_much,
    usage_of,
)
from serving.upstream.silence import Silence
from serving.upstream.usage import Tally, details_of

_END_SECONDS: Final = 0.05
"""How long a finished stream's connection may take to end, to be used again."""
_REFUSAL_BYTES: Final = 65_536
_IDENTITY: Final = frozenset({"", "identity"})


class Exchange:
    """What is asked of a node, and what came of it until now. The node's connection calls it as a `Receiver`."""

    def __init__(self, call: Call, model: UpstreamModel, bounds: Bounds, node: Node) -> None:
        """Take what is asked, of whom, and within which bounds."""
        self.node = node
        self.tally = Tally(bounds, hidden_tokens=model.hidden_tokens, echoed=bool(call.fields.get("echo")))
        self.failure: Exception | None = None
        """What went wrong, once something has."""
        self._call = call
        self._model = model
        self._bounds = bounds
        # A body that can't be written is a fault of ours, never of a node.
        self._body = forwarded(call, model, continuous=node.settings.kind == "vllm")
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flow = NodeFlow(self._pause, self._resume)
        self._silence = Silence(node.pool.stall_seconds, lambda: self._flow.is_wanted, self._stalled)
        self._connecting: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._content = bytearray()
        self._whole: Delta | None = None
        self._events = Events(node.pool.max_answer_bytes)
        self._usage: dict[str, Any] | None = None
        self._unfinished = set(range(bounds.choices))
        options = call.fields.get("stream_options") or {}
        self._shows_usage = bool(options.get("continuous_usage_stats"))

    def begin(self) -> asyncio.Future[None]:
        """Asks. Done once something of the answer is there: a whole one, or a stream's events up to the first with text.

        Who speaks is held back until something is said: until then another node can still answer.

        Raises (the future):
            NodeFailedError: the node did not answer as it should.
            UpstreamRefusedError: the request is at fault.
        """
        self.node.last_asked = (self._call.endpoint, self._model.name)
        connection = self.node.connections.idle()
        if connection is None:
            self._connecting = asyncio.ensure_future(self._connect())
        else:
            self._ask(connection)
        return self._begun

    async def steps(self) -> AsyncIterator[Step]:
        """The answer once it has begun; of a stream last what all of it amounts to.

        Raises:
            NodeFailedError: the stream ended or stopped before its end.
        """
        if self._whole is not None:
            yield self._whole
            return
        self._silence.begin()
        yield self._flow
        if self.failure is not None:
            raise self.failure
        input_units, output_units = self.tally.judged(self._usage)
        yield Delta((), output_units, input_units, details=details_of(self._usage))

    def end(self) -> None:
        """Gives the connection back if the answer is at its end, else cuts it, so that the node stops working."""
        self._silence.end()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._begun.done() and not self._begun.cancelled():
            self._begun.exception()  # whoever went away does not want to know
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._flow.over and self.failure is None:
            connection.leave(_END_SECONDS)
        else:
            connection.close()

    async def _connect(self) -> None:
        try:
            self._ask(await self.node.connections.open())
        except NodeFailedError as failure:
            self._fail(failure)

    def _ask(self, connection: Connection) -> None:
        self._connection = connection
        connection.ask(self.node.connections.request(PATHS[self._call.endpoint], self._body), self)

    def begun(self, status: int, headers: Mapping[str, str]) -> None:
        """Takes the answer's head in; what kind of answer it is shows whether it can be one."""
        self._status, self._headers = status, headers
        if headers.get("content-encoding", "").strip().lower() not in _IDENTITY:
            self._fail(NodeFailedError(Fault.GARBAGE, "The node's answer is compressed, which nobody asked for."))
        elif status == 200 and self._call.stream and "text/event-stream" not in headers.get("content-type", ""):
            self._fail(NodeFailedError(Fault.GARBAGE, "The node's answer is no stream of events."))

    def took(self, some: bytes) -> None:
        """Takes the next bytes in."""
        if self.failure is not None or self._flow.over:
            return
        try:
            if self._status != 200:
                self._take_refusal(some)
            elif self._call.stream:
                self._take_events(some)
            else:
                self._content += some
                if len(self._content) > self.node.pool.max_answer_bytes:
                    raise too_much()
        except TributaryError as failure:
            self._fail(failure)

    def ended(self) -> None:
        """The answer is whole, and its connection free for others."""
        self._connection = None
        if self.failure is not None or self._flow.over:
            return
        try:
            if self._status != 200:
                raise refusal(self._status, self._headers, bytes(self._content))
            if self._call.stream:
                self._end_stream()
            else:
                self._whole = self._answer(bytes(self._content))
                self._be_begun()
        except Exception as failure:  # noqa: BLE001  refusal gives any
            self._fail(failure)

    def failed(self, failure: NodeFailedError) -> None:
        """The connection is gone."""
        self._connection = None
        if not self._flow.over:
            self._fail(failure)

    def _take_refusal(self, some: bytes) -> None:
        self._content += some
        if len(self._content) >= _REFUSAL_BYTES:
            raise refusal(self._status, self._headers, bytes(self._content[:_REFUSAL_BYTES]))

    def _take_events(self, some: bytes) -> None:
        self._silence.broken()
        deltas: list[Delta] = []
        done = False
        try:
            for data in self._events.feed(some):
                if data == DONE:
                    done = True
                    break
                delta = self._delta(parse(data))
                if delta is not None:
                    deltas.append(delta)
        finally:  # what came before a fault was sound
            if deltas:
                self._flow.put(deltas, len(some))
                if not self._begun.done():
                    self._look_whether_begun()
        if done:
            self._end_stream()

    def _end_stream(self) -> None:
        """An answer whose choices did not all end was cut, whatever the connection says."""
        if self._unfinished:
            raise NodeFailedError(Fault.BROKEN, "The node's stream ended in the middle of the answer.")
        self._be_begun()
        self._flow.end()

    def _answer(self, content: bytes) -> Delta:
        body = parse(content)
        if "error" in body and "choices" not in body and "data" not in body:
            raise event_refusal(body)
        usage = usage_of(body)
        if self._call.endpoint is Endpoint.EMBEDDING:
            members = embeddings_of(body)
            input_units, _ = self.tally.judged(usage)
            return Delta((), 0, input_units, members, details_of(usage), whole=True)
        choices = choices_of(body, self._call.endpoint, self._bounds.choices, whole=True)
        if not choices:
            raise NodeFailedError(Fault.GARBAGE, "The node's answer is empty.")
        self.tally.add(choices)
        input_units, output_units = self.tally.judged(usage)
        return Delta(choices, output_units, input_units, members_of(body), details_of(usage), whole=True)

    def _delta(self, event: dict[str, Any]) -> Delta | None:
        if "error" in event and "choices" not in event:
            raise event_refusal(event)
        usage = usage_of(event) if "usage" in event else None
        choices = choices_of(event, self._call.endpoint, self._bounds.choices, whole=False)
        if usage is not None:
            self._usage = usage or self._usage
            if usage and not choices:
                return None  # the one that was asked for on the client's behalf; it gets its own at the end
        self.tally.add(choices)
        for choice in choices:
            if choice.get("finish_reason"):
                self._unfinished.discard(choice["index"])
        members = members_of(event)
        if usage is not None and self._shows_usage:
            members = {**(members or {}), "usage": usage}
        return Delta(choices, self._until_now(usage), None, members)

    def _until_now(self, usage: dict[str, Any] | None) -> int:
        """Tokens up to here: of one choice as the node counts them, of several at least (nodes count each alone)."""
        if usage is None or self._bounds.choices > 1:
            return self.tally.least
        return self.tally.judged(usage)[1]

    def _look_whether_begun(self) -> None:
        if self.tally.least or len(self._unfinished) != self._bounds.choices:
            self._be_begun()
        elif self._flow.held_bytes > self.node.pool.max_answer_bytes:
            raise garbage("of nothing but words about itself")

    def _be_begun(self) -> None:
        if not self._begun.done():
            self._begun.set_result(None)

    def _fail(self, failure: Exception) -> None:
        """Nothing more of this answer is good."""
        if self.failure is not None:
            return
        self.failure = failure
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        if not self._begun.done():
            self._begun.set_exception(failure)
        self._flow.end()

    def _stalled(self) -> None:
        self._fail(NodeFailedError(Fault.BROKEN, "The node fell silent in the middle of the answer."))

    def _pause(self) -> None:
        if self._connection is not None and self._begun.done():  # before, nobody can take anything
            self._connection.pause()

    def _resume(self) -> None:
        self._silence.broken()
        if self._connection is not None:
            self._connection.resume()
