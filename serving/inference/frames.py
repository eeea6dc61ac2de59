"""Bytes of OpenAI's answers: JSON bodies, stream chunks, errors."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from ledger.protocol.stripping import DONE
from serving.inference.call import Endpoint

_OBJECTS = {
    Endpoint.CHAT: ("chatcmpl-", "chat.completion", "chat.completion.chunk"),
    Endpoint.COMPLETION: ("cmpl-", "text_completion", "text_completion"),
    Endpoint.EMBEDDING: ("embd-", "list", "list"),
}


def usage(input_units: int, output_units: int, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """OpenAI's usage object: the numbers of the receipt, and what else an engine said."""
    counted = {
        "prompt_tokens": input_units,
        "completion_tokens": output_units,
        "total_tokens": input_units + output_units,
    }
    return counted if details is None else counted | {k: v for k, v in details.items() if k not in counted}


def sse(event: dict[str, Any]) -> bytes:
    """One event of a stream."""
    return b"data: " + to_json(event) + b"\n\n"


@dataclass(frozen=True, slots=True)
class Frames:
    """What surrounds the choices of one answer. `number` is the request id's own part."""

    endpoint: Endpoint
    number: str
    model: str
    include_usage: bool = False
    created: int = field(default_factory=lambda: int(time.time()))
    _chunk_head: bytes = field(init=False)
    """What every chunk of this answer begins with, up to its choices."""

    def __post_init__(self) -> None:
        prefix, _, name = _OBJECTS[self.endpoint]
        head = b"data: " + to_json(self._frame(prefix, name)).removesuffix(b"}") + b',"choices":'
        object.__setattr__(self, "_chunk_head", head)

    def body(
        self, choices: Sequence[dict[str, Any]], used: dict[str, Any], members: Mapping[str, Any] | None = None
    ) -> bytes:
        """A whole answer; `members` stand beside the choices, or in embeddings in their place."""
        prefix, name, _ = _OBJECTS[self.endpoint]
        own = {"usage": used} if self.endpoint is Endpoint.EMBEDDING else {"choices": choices, "usage": used}
        return to_json({**self._frame(prefix, name), **(members or {}), **own})

    def opening(self, index: int) -> bytes:
        """The event that comes before a choice's text: in a chat, who speaks."""
        return self.chunk([self._role(index)]) if self.endpoint is Endpoint.CHAT else b""

    def chunk(self, choices: Sequence[dict[str, Any]], members: Mapping[str, Any] | None = None) -> bytes:
        """One event with pieces of choices, and what stands beside them."""
        written = self._chunk_head + to_json(choices)
        if self.include_usage and (members is None or "usage" not in members):
            written += b',"usage":null'
        if members:
            written += b"," + to_json(members)[1:-1]
        return written + b"}\n\n"

    def ending(self, used: dict[str, Any]) -> tuple[bytes, bytes]:
        """The usage event, empty if nobody asked for it, and the end mark."""
        if not self.include_usage:
            return b"", DONE
        prefix, _, name = _OBJECTS[self.endpoint]
        return sse(self._frame(prefix, name) | {"choices": [], "usage": used}), DONE

    def _frame(self, prefix: str, name: str) -> dict[str, Any]:
        return {"id": prefix + self.number, "object": name, "created": self.created, "model": self.model}

    @staticmethod
    def _role(index: int) -> dict[str, Any]:
        delta = {"role": "assistant", "content": ""}
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
