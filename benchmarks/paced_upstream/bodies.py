"""OpenAI's answers, made of numbered words."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

_MEMBERS = {"chat": ("chat.completion", "chat.completion.chunk"), "completion": ("text_completion", "text_completion")}


def words_in(part: Any) -> int:
    """Words in all strings of a prompt: what this server calls its tokens."""
    if isinstance(part, str):
        return len(part.split())
    if isinstance(part, dict):
        return sum(words_in(value) for name, value in part.items() if name != "role")
    if isinstance(part, list):
        return sum(1 if isinstance(one, int) else words_in(one) for one in part)
    return 0


@dataclass(frozen=True)
class Asked:
    """A request, read as far as it changes the answer."""

    kind: str
    fields: dict[str, Any]
    length: int

    @property
    def model(self) -> str:
        return str(self.fields.get("model"))

    @property
    def choices(self) -> int:
        prompt = self.fields.get("prompt")
        prompts = len(prompt) if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int) else 1
        return int(self.fields.get("n") or 1) * prompts

    @property
    def streamed(self) -> bool:
        return bool(self.fields.get("stream"))

    def option(self, name: str) -> bool:
        """Whether a stream option is on."""
        return bool((self.fields.get("stream_options") or {}).get(name))

    @property
    def prompt_tokens(self) -> int:
        return words_in(self.fields.get("messages") or self.fields.get("prompt") or self.fields.get("input") or "")

    def usage(self, produced: int, fault: str) -> dict[str, Any] | None:
        """How many tokens there were, as far as the fault lets it say so."""
        if fault == "no_usage":
            return None
        prompt = 0 if fault == "zero_usage" else self.prompt_tokens
        answer = {"zero_usage": 0, "greedy_usage": 1_000_000}.get(fault, produced)
        used = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
        if self.kind == "embedding":
            del used["completion_tokens"]
        return used | {"prompt_tokens_details": {"cached_tokens": 1}}

    def frame(self, *, whole: bool, fingerprint: str) -> dict[str, Any]:
        """What surrounds the choices."""
        name = _MEMBERS[self.kind][0 if whole else 1]
        return {
            "id": "upstream-1",
            "object": name,
            "created": 1,
            "model": self.model,
            "system_fingerprint": fingerprint,
        }

    def piece(self, index: int, text: str, reason: str | None = None) -> dict[str, Any]:
        """A choice of a stream's event."""
        base = {"index": index, "logprobs": None, "finish_reason": reason}
        if self.kind == "completion":
            return base | {"text": text}
        return base | {"delta": {"content": text} if text else {}}

    def whole(self, index: int, text: str) -> dict[str, Any]:
        """A choice of an answer in one piece; a call of the first tool, if there are tools."""
        base = {"index": index, "logprobs": None, "finish_reason": "length"}
        if self.kind == "completion":
            return base | {"text": text}
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if self.fields.get("tools"):
            message |= {"content": None, "tool_calls": [call_of(self.fields["tools"][0])]}
            base["finish_reason"] = "tool_calls"
        return base | {"message": message}


def call_of(tool: dict[str, Any]) -> dict[str, Any]:
    """A call of a tool, by its name, with what a model might fill in."""
    arguments = json.dumps({"city": "Paris"})
    return {"id": "call_1", "type": "function", "function": {"name": tool["function"]["name"], "arguments": arguments}}


def word(number: int) -> str:
    """The token at a place."""
    return f" w{number}"


def text_of(tokens: int, start: int = 0) -> str:
    return "".join(map(word, range(start, start + tokens)))


def event(content: Any) -> bytes:
    """One event of a stream."""
    return b"data: " + to_json(content) + b"\n\n"


def error(message: str, kind: str, code: int, param: str | None = None) -> bytes:
    """An error as vLLM writes it: its code is a number."""
    return to_json({"error": {"message": message, "type": kind, "param": param, "code": code}})
