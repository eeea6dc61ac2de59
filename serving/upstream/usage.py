"""What a node says of tokens, held against what was sent.

Payers are never charged for more than they were sent, so a count is taken only within bounds that follow from the
answer itself; and a missing count, or a zero over an answer that has text, never makes an answer free.

| | |
|---|---|
| at least | each event with text has a token, each word begins one, each entry of log-probabilities is one |
| at most | a token stands for a byte or more; beside those, the end of each choice and its stop string |
| never above | what the payer's exposure was held for |

A count that the node gives is taken up to the most; no count, or none over an answer with text, is the least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serving.upstream.bounds import Bounds

_NOT_TEXT = frozenset({"role", "finish_reason", "logprobs", "index", "stop_reason"})


class Tally:
    """Counts what is sent of one answer."""

    def __init__(self, bounds: Bounds, *, hidden_tokens: bool, echoed: bool = False) -> None:
        """Starts at nothing. `echoed`: the text begins with the prompt, so its words say nothing of the answer."""
        self._bounds = bounds
        self._hidden_tokens = hidden_tokens
        self._echoed = echoed
        self._bytes = 0
        self._pieces = 0
        self._words = 0
        self._scored = 0
        self._inside_word: set[int] = set()

    @property
    def least(self) -> int:
        """Tokens that there were at least."""
        words = 0 if self._echoed else self._words
        return min(max(self._pieces, self._scored, words), self._bounds.most_output)

    @property
    def most(self) -> int:
        """Tokens that may be charged at most."""
        if self._hidden_tokens:
            return self._bounds.most_output
        stands_for = max(self._scored, self._bytes + self._bounds.choices * self._bounds.unseen)
        return min(stands_for, self._bounds.most_output)

    def add(self, choices: Sequence[Mapping[str, Any]]) -> bool:
        """Takes in an event's choices, or a whole answer's; whether they had any text."""
        before = self._pieces
        for choice in choices:
            texts: list[str] = []
            _gather(choice, texts)
            logprobs = choice.get("logprobs")
            if logprobs is not None:
                self._scored += _entries(logprobs)
            if texts:
                self._pieces += 1
                for text in texts:
                    self._take(choice["index"], text)
        return self._pieces > before

    def judged(self, usage: Mapping[str, Any] | None) -> tuple[int | None, int]:
        """Prompt tokens (None: not said) and completion tokens, of what a node says and what was sent."""
        said_input, said_output = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
        output = self.least if said_output is None else min(said_output, self.most)
        return said_input, output

    def _take(self, index: int, text: str) -> None:
        self._bytes += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        self._words += len(text.split()) - (index in self._inside_word and not text[0].isspace())
        if text[-1].isspace():
            self._inside_word.discard(index)
        else:
            self._inside_word.add(index)


def details_of(usage: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What else a node says of usage; None if nothing."""
    if usage is None:
        return None
    return {n: v for n, v in usage.items() if n not in {"prompt_tokens", "completion_tokens", "total_tokens"}} or None


def _count(usage: Mapping[str, Any] | None, name: str) -> int | None:
    """A positive whole number, or None: no answer has a prompt or a text of no tokens."""
    value = None if usage is None else usage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _gather(part: Mapping[str, Any], found: list[str]) -> None:
    """Finds all strings in a part of an answer that are not empty, but for what only names things."""
    for name, value in part.items():
        if value and name not in _NOT_TEXT:
            if isinstance(value, str):
                found.append(value)
            elif isinstance(value, dict):
                _gather(value, found)
            elif isinstance(value, list):
                _gather_each(value, found)


def _gather_each(parts: Sequence[Any], found: list[str]) -> None:
    for part in parts:
        if isinstance(part, dict):
            _gather(part, found)
        elif isinstance(part, list):
            _gather_each(part, found)
        elif isinstance(part, str) and part:
            found.append(part)


def _entries(logprobs: Any) -> int:
    """Tokens in a log-probability object, of a chat or a completion."""
    if not isinstance(logprobs, Mapping):
        return 0
    listed = logprobs.get("content") or logprobs.get("tokens")
    return len(listed) if isinstance(listed, list) else 0
