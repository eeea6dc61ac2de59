"""An exchange as clients keep it, and the texts in it that attribution compares.

Both sides use it: the gateway on what it sends, a client or an auditor on what was kept.
Source: docs/spec/transcript.md, and docs/spec/attribution.md, "Texts".
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from ledger.errors import MalformedInputError
from ledger.protocol.attribution.function import Texts
from ledger.protocol.attribution.parameters import CorpusEntry
from ledger.protocol.hexadecimal import from_hex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FORMAT: Final = "tributary transcript 1"

NO_TEXTS: Final = Texts((), ())
"""What has no text to compare: a prompt of token ids, an answer without words."""

_EVENT: Final = b"data: "
_DONE: Final = b"[DONE]"


def transcript_json(request: bytes, answer: bytes, parameters: str | None) -> dict[str, Any]:
    """What a client keeps: both bodies as they went over the wire, and the listing that made the set."""
    return {
        "format": FORMAT,
        "request": b64encode(request).decode(),
        "answer": b64encode(answer).decode(),
        "parameters": parameters,
    }


def listed_corpus(parameters: bytes) -> tuple[CorpusEntry, ...]:
    """The datasets in a listing of parameters.

    Raises:
        MalformedInputError: a line about a dataset is of another form.
    """
    found = []
    try:
        for line in parameters.decode().splitlines():
            kind, *words = line.split(" ")
            if kind == "dataset":
                asset_id, content_hash = words
                found.append(CorpusEntry(int(asset_id), from_hex(f"0x{content_hash}", 32)))
    except ValueError as error:
        raise MalformedInputError("this is no listing of attribution parameters") from error
    return tuple(found)


def texts_of(request: bytes, produced: bytes) -> Texts:
    """The texts of an exchange: its request's body, and its answer as produced, without receipt fields.

    Raises:
        MalformedInputError: they are not a JSON object, and a JSON object or a stream of them.
    """
    answers = _streamed(produced) if produced.startswith(_EVENT) else _whole(_object(produced))
    return exchanged(_object(request), answers)


def exchanged(fields: Mapping[str, Any], answers: Sequence[str]) -> Texts:
    """The texts of a request of these fields that got these answers, by rising index of the choice."""
    prompts = _prompts(fields)
    told = tuple(answer for answer in answers if answer)
    return NO_TEXTS if prompts is None or not told else Texts(told, prompts)


def _prompts(fields: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What was said to the model, a text for each message part or prompt; None where something is not text."""
    if "messages" in fields:
        return tuple(text for message in _objects(fields["messages"]) for text in _content(message.get("content")))
    prompt = fields.get("prompt")
    if isinstance(prompt, str):
        return (prompt,)
    if isinstance(prompt, list) and all(isinstance(text, str) for text in prompt):
        return tuple(prompt)
    return None


def _content(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for part in _objects(content):
        if isinstance(part.get("text"), str):
            yield part["text"]


def _whole(answer: Mapping[str, Any]) -> list[str]:
    found: dict[int, list[str]] = {}
    for choice in _objects(answer.get("choices")):
        _add(found, choice, choice.get("message"))
    return _told(found)


def _streamed(produced: bytes) -> list[str]:
    found: dict[int, list[str]] = {}
    for event in produced.split(b"\n\n"):
        content = event.removeprefix(_EVENT)
        if content in {event, _DONE}:
            continue
        for choice in _objects(_object(content).get("choices")):
            _add(found, choice, choice.get("delta"))
    return _told(found)


def _add(found: dict[int, list[str]], choice: Mapping[str, Any], message: Any) -> None:
    """Adds what a choice, or a piece of one, says."""
    index = choice.get("index")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    if type(index) is int and isinstance(text, str):
        found.setdefault(index, []).append(text)


def _told(found: Mapping[int, list[str]]) -> list[str]:
    """Each choice's text, put together once: a stream may have any number of pieces."""
    return ["".join(found[index]) for index in sorted(found)]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = from_json(content)  # unlike json.loads, bounded in depth whatever the recursion limit is
    except ValueError as error:
        raise MalformedInputError("a transcript is made of JSON objects") from error
    if not isinstance(value, dict):
        raise MalformedInputError("a transcript is made of JSON objects")
    return value
