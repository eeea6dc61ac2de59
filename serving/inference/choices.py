"""Choices in the shape of OpenAI's stream chunks, and whole answers put together from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from serving.engine.request import TokenLogprob
from serving.inference.call import Endpoint


def chat_choice(
    index: int, text: str, logprobs: Sequence[TokenLogprob] | None, finish_reason: str | None
) -> dict[str, Any]:
    """A piece of a chat answer."""
    return {
        "index": index,
        "delta": {"content": text} if text else {},
        "logprobs": None if logprobs is None else {"content": [_chat_logprob(p) for p in logprobs], "refusal": None},
        "finish_reason": finish_reason,
    }


def completion_choice(
    index: int, text: str, logprobs: Sequence[TokenLogprob] | None, finish_reason: str | None, offset: int = 0
) -> dict[str, Any]:
    """A piece of a completion whose first token stands `offset` characters into the text."""
    return {
        "index": index,
        "text": text,
        "logprobs": None if logprobs is None else _completion_logprobs(logprobs, offset),
        "finish_reason": finish_reason,
    }


def _chat_logprob(token: TokenLogprob) -> dict[str, Any]:
    return {**_scored(token), "top_logprobs": [_scored(other) for other in token.top]}


def _scored(token: TokenLogprob) -> dict[str, Any]:
    return {"token": token.token, "logprob": token.logprob, "bytes": list(token.token_bytes)}


def _completion_logprobs(tokens: Sequence[TokenLogprob], offset: int) -> dict[str, Any]:
    ends = accumulate((len(token.token) for token in tokens), initial=offset)
    return {
        "tokens": [token.token for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [{other.token: other.logprob for other in token.top} for token in tokens],
        "text_offset": list(ends)[:-1],
    }


class WholeChoices:
    """Choices as they stand at the end, put together from their pieces."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._choices: dict[int, dict[str, Any]] = {}

    def take(self, choices: Sequence[dict[str, Any]]) -> None:
        """Choices that are whole already, as they are."""
        self._choices |= {choice["index"]: choice for choice in choices}

    def add(self, pieces: Sequence[Mapping[str, Any]]) -> None:
        for piece in pieces:
            index = piece["index"]
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = self._empty(index)
            if self._endpoint is Endpoint.CHAT:
                self._add_chat(choice, piece)
            else:
                choice["text"] += piece.get("text") or ""
                choice["logprobs"] = _joined(choice["logprobs"], piece.get("logprobs"))
            choice["finish_reason"] = piece.get("finish_reason") or choice["finish_reason"]

    def finish_reasons(self) -> str:
        """Each choice's, in order, once each."""
        reasons = [choice["finish_reason"] for choice in self.choices()]
        return ",".join(dict.fromkeys(reason for reason in reasons if reason))

    def texts(self) -> tuple[str, ...]:
        """Each choice's text."""
        if self._endpoint is Endpoint.CHAT:
            return tuple(choice["message"].get("content") or "" for choice in self.choices())
        return tuple(choice["text"] or "" for choice in self.choices())

    def choices(self) -> list[dict[str, Any]]:
        """In order of index."""
        return [self._choices[index] for index in sorted(self._choices)]

    def _empty(self, index: int) -> dict[str, Any]:
        if self._endpoint is Endpoint.CHAT:
            message: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
            return {"index": index, "message": message, "logprobs": None, "finish_reason": None}
        return {"index": index, "text": "", "logprobs": None, "finish_reason": None}

    def _add_chat(self, choice: dict[str, Any], piece: Mapping[str, Any]) -> None:
        delta = piece.get("delta") or {}
        choice["message"]["content"] += delta.get("content") or ""
        choice["logprobs"] = _joined(choice["logprobs"], piece.get("logprobs"))


def _joined(before: dict[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Two log-probability objects as one: their lists one after the other."""
    if after is None:
        return before
    if before is None:
        return {name: list(value) if isinstance(value, list) else value for name, value in after.items()}
    for name, value in after.items():
        if isinstance(value, list):
            before[name] = (before.get(name) or []) + value
    return before
