"""A node's answers, read: JSON, events, and whether they have the form that they should."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from serving.errors import UpstreamRefusedError
from serving.inference.call import Endpoint
from serving.upstream.errors import Fault, NodeFailedError

DONE = b"[DONE]"
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
    if not isinstance(choices, list):
        raise garbage("without choices")
    for choice in choices:
        index = choice.get("index") if isinstance(choice, dict) else None
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
            raise garbage("of choices that were not asked for")
        _check(choice, endpoint, whole=whole)
    return tuple(choices)


def _check(choice: dict[str, Any], endpoint: Endpoint, *, whole: bool) -> None:
    if endpoint is Endpoint.CHAT:
        said = choice.get("message" if whole else "delta")
        if not isinstance(said, dict) or not isinstance(said.get("content"), str | None):
            raise garbage("of a choice without a message")
    elif not isinstance(choice.get("text"), str):
        raise garbage("of a choice without text")
    if not isinstance(choice.get("finish_reason"), str | None) or not isinstance(choice.get("logprobs"), dict | None):
        raise garbage("of a choice that ends in no known way")


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
        self._buffer = b""
        self._most_bytes = most_bytes

    def feed(self, some: bytes) -> Iterator[bytes]:
        """The data of each event that is whole by now.

        Raises:
            UpstreamRefusedError: an event is longer than may be.
        """
        self._buffer += some
        if b"\r" in self._buffer:
            self._buffer = self._buffer.replace(b"\r\n", b"\n")
        *events, self._buffer = self._buffer.split(b"\n\n")
        if len(self._buffer) > self._most_bytes:
            raise too_much()
        for event in events:
            lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
            if lines:
                yield b"\n".join(lines)
