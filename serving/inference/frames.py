"""Bytes of OpenAI's answers: JSON bodies, stream chunks, errors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from ledger.protocol.stripping import DONE
from serving.inference.call import Endpoint

_OBJECTS = {
    Endpoint.CHAT: ("chatcmpl-", "chat.completion", "chat.completion.chunk"),
    Endpoint.COMPLETION: ("cmpl-", "text_completion", "text_completion"),
}


def usage(input_units: int, output_units: int) -> dict[str, int]:
    """OpenAI's usage object."""
    return {
        "prompt_tokens": input_units,
        "completion_tokens": output_units,
        "total_tokens": input_units + output_units,
    }


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

    def body(self, choices: Sequence[dict[str, Any]], used: dict[str, int]) -> bytes:
        """A whole answer."""
        prefix, name, _ = _OBJECTS[self.endpoint]
        return to_json(self._frame(prefix, name) | {"choices": choices, "usage": used})

    def opening(self, index: int) -> bytes:
        """The event that comes before a choice's text: in a chat, who speaks."""
        return self.chunk([self._role(index)]) if self.endpoint is Endpoint.CHAT else b""

    def chunk(self, choices: Sequence[dict[str, Any]]) -> bytes:
        """One event with pieces of choices."""
        prefix, _, name = _OBJECTS[self.endpoint]
        event = self._frame(prefix, name) | {"choices": choices}
        return sse(event | {"usage": None} if self.include_usage else event)

    def ending(self, used: dict[str, int]) -> tuple[bytes, bytes]:
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
