"""A node's answers, read: JSON, events, and whether they have the form that they should."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from serving.errors import UpstreamRefusedError
from serving.inference.call import Endpoint
from serving.upstream.errors import Fault, NodeFailedError

DONE = b"[DONE]"
_EVENT_END = b"\n\n"
_MAYBE_TEXT = frozenset({str, type(None)})
_MAYBE_OBJECT = frozenset({dict, type(None)})
_PARTS = {Endpoint.CHAT: ("delta", "message"), Endpoint.COMPLETION: (None, None), Endpoint.EMBEDDING: (None, None)}
"""Where a choice has what is said, in a stream's event and in a whole answer; None where it is the text itself."""
_OURS = frozenset({"id", "object", "created", "model", "choices", "usage", "receipt"})
"""Members that the gateway writes itself; a receipt is its own word, whoever else made one before."""


def parse(content: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        NodeFailedError: it is something else.
    """
    try:
        parsed = from_json(content)  # some servers write a log-probability of nothing as -Infinity
    except ValueError as error:
        raise garbage(f"not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise garbage("not a JSON object")
    return parsed


def garbage(what: str) -> NodeFailedError:
    """The failure of a node that answered something of another form."""
    return NodeFailedError(Fault.GARBAGE, f"The node's answer is {what}.")


def too_much() -> UpstreamRefusedError:
    """What the client is told of an answer that can't be carried: it asked for that much, so no node is at fault."""
    return UpstreamRefusedError(
        "The answer is longer than is carried; ask for less at once, or as a stream.", status=400
    )


def members_of(event: dict[str, Any]) -> dict[str, Any] | None:
    """What an answer has beside its frame, choices and usage; None if nothing."""
    return {name: value for name, value in event.items() if name not in _OURS} or None


def usage_of(event: dict[str, Any]) -> dict[str, Any] | None:
    """The usage object, if there is one.

    Raises:
        NodeFailedError: it is no object.
    """
    usage = event.get("usage")
    if usage is not None and not isinstance(usage, dict):
        raise garbage("of a usage that is no object")
    return usage


def choices_of(event: dict[str, Any], endpoint: Endpoint, count: int, *, whole: bool) -> tuple[dict[str, Any], ...]:
    """The choices of an event, or of a whole answer.

    Raises:
        NodeFailedError: they are not choices, or not of this request.
    """
    choices = event.get("choices")
    if type(choices) is not list:
        raise garbage("without choices")
    part = _PARTS[endpoint][whole]
    for choice in choices:  # what a JSON parser made has no subclasses, but for bool, which is no index
        index = choice.get("index") if type(choice) is dict else None
        if type(index) is not int or not 0 <= index < count:
            raise garbage("of choices that were not asked for")
        if part is None:
            if type(choice.get("text")) is not str:
                raise garbage("of a choice without text")
        else:
            said = choice.get(part)
            if type(said) is not dict or type(said.get("content")) not in _MAYBE_TEXT:
                raise garbage("of a choice without a message")
        if type(choice.get("finish_reason")) not in _MAYBE_TEXT or type(choice.get("logprobs")) not in _MAYBE_OBJECT:
            raise garbage("of a choice that ends in no known way")
    return tuple(choices)


def embeddings_of(body: dict[str, Any]) -> dict[str, Any]:
    """The members of an answer with embeddings.

    Raises:
        NodeFailedError: it has none.
    """
    data = body.get("data")
    if not isinstance(data, list) or not data or not all(isinstance(d, dict) and "embedding" in d for d in data):
        raise garbage("without embeddings")
    return members_of(body) or {}


class Events:
    """Data of server-sent events, out of bytes as they arrive."""

    def __init__(self, most_bytes: int) -> None:
        self._buffer = bytearray()
        self._cut_end = b""
        """A carriage return whose line feed may come next."""
        self._most_bytes = most_bytes

    def feed(self, some: bytes) -> list[bytes]:
        """The data of each event that is whole by now; every byte is looked at once, however long an event gets.

        Raises:
            UpstreamRefusedError: an event is longer than may be.
        """
        if self._cut_end or b"\r" in some:
            some = self._with_line_feeds(some)
        if not self._buffer and some.endswith(_EVENT_END):  # whole events, as nearly always
            events = some[:-2].split(_EVENT_END)
        else:
            looked_at = max(0, len(self._buffer) - 1)
            self._buffer += some
            if self._buffer.find(_EVENT_END, looked_at) < 0:
                events = []
            else:
                *events, rest = bytes(self._buffer).split(_EVENT_END)
                self._buffer = bytearray(rest)
        if len(self._buffer) > self._most_bytes:
            raise too_much()
        return [data for data in map(_data_of, events) if data is not None]

    def _with_line_feeds(self, some: bytes) -> bytes:
        some = (self._cut_end + some).replace(b"\r\n", b"\n")
        self._cut_end = b"\r" if some.endswith(b"\r") else b""
        return some.removesuffix(self._cut_end)


def _data_of(event: bytes) -> bytes | None:
    """What an event carries; None if it carries nothing."""
    if event.startswith(b"data: ") and b"\n" not in event:
        return event[6:]
    lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None
