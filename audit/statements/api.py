"""A Tributary API as the audit reads it: pages, fields, and one way to compare them. Nothing it says is believed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic_core import from_json

from audit.chain.events import unhex
from audit.difference import Differences, Place, as_text
from audit.verdict import Tally
from ledger.errors import MalformedAnswerError, RetryableError

PAGE: Final = 500
_TIMEOUT_SECONDS: Final = 30.0

Json = Any
"""A value out of JSON."""


class Api:
    """The API at one address, with a comparison that counts what it compared."""

    def __init__(self, url: str, differences: Differences, tally: Tally) -> None:
        """Take the address; nothing is asked yet."""
        self.url = url.rstrip("/")
        self._client = httpx.Client(base_url=self.url, timeout=_TIMEOUT_SECONDS)
        self._differences = differences
        self._tally = tally

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, **parameters: str | int) -> Json:
        """The JSON at a path.

        Raises:
            RetryableError: the API does not answer, or answers with an error.
            MalformedAnswerError: it answers no JSON.
        """
        try:
            answer = self._client.get(path, params=parameters)
        except httpx.HTTPError as error:
            raise RetryableError(f"The API at {self.url} does not answer: {error}.") from error
        if answer.status_code != httpx.codes.OK:
            raise RetryableError(f"The API at {self.url} answers {path} with HTTP {answer.status_code}.")
        try:
            return from_json(answer.content)
        except ValueError as error:
            raise MalformedAnswerError(f"The API at {self.url} answers {path} with no JSON.") from error

    def items(self, path: str, **parameters: str | int) -> Iterator[Json]:
        """Every item of a list, page by page."""
        page, seen = self.get(path, limit=PAGE, **parameters), set()
        while True:
            yield from member(page, "items")
            cursor = member(page, "next_cursor")
            if cursor is None:
                return
            if cursor in seen:
                raise MalformedAnswerError(f"The API at {self.url} turns the pages of {path} in a circle.")
            seen.add(cursor)
            page = self.get(path, limit=PAGE, cursor=cursor, **parameters)

    def compare(self, place: Place, name: str, expected: object, found: object) -> bool:
        """Whether the API says what was read; texts are compared without regard to the case of hex digits."""
        self._tally.api_fields += 1
        spoken, read = as_text(found), as_text(expected)
        same = spoken.lower() == read.lower()
        if not same:
            self._differences.note(place, name, expected, found)
        return same


def member(item: Json, *path: str) -> Json:
    """A field of an answer, by its path.

    Raises:
        MalformedAnswerError: it has no such field.
    """
    value = item
    for name in path:
        if not isinstance(value, dict) or name not in value:
            raise MalformedAnswerError(f"An answer of the API has no field {'.'.join(path)}.")
        value = value[name]
    return value


def address(item: Json, *path: str) -> bytes:
    """An address in an answer.

    Raises:
        MalformedAnswerError: it is none.
    """
    text = member(item, *path)
    try:
        return unhex(text)
    except (AttributeError, ValueError) as error:
        raise MalformedAnswerError(f"An answer of the API has {text!r:.60} as {'.'.join(path)}.") from error


@dataclass(frozen=True, slots=True)
class ReadAt:
    """The newest L2 block that the API calls final."""

    number: int
    hash: bytes


def finalized_block(api: Api) -> ReadAt:
    """The newest final L2 block that the API has indexed.

    Raises:
        RetryableError: it has none yet.
    """
    block = member(api.get("/v1/status"), "read_at", "l2", "finalized")
    if block is None:
        raise RetryableError(f"The API at {api.url} has not indexed a finalised L2 block yet.")
    return ReadAt(member(block, "number"), address(block, "hash"))
