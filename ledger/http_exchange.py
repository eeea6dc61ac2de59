"""One exchange over HTTP with somebody who may mean harm: bounded in bytes and in time, the answer's head included.

The timeouts of HTTP clients begin anew with every byte that comes, so that an answer which trickles on never ends. Here
one clock runs over all of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import httpx

from ledger.errors import MalformedAnswerError, UpstreamUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Bounds(NamedTuple):
    """What an answer may take: its longest body, how long all of it, and the longest silence in between."""

    most_bytes: int
    seconds: float
    silent_seconds: float


class Answer(NamedTuple):
    """A whole answer as it came, of whatever status; nothing of it is unpacked."""

    status: int
    content: bytes


def exchange(
    method: str, url: str, bounds: Bounds, *, content: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """The answer to a request. Blocks; not to be called where an event loop runs.

    Raises:
        MalformedAnswerError: it is longer than may be.
        UpstreamUnavailableError: there is none, or not all of it in time.
    """
    try:
        return asyncio.run(_exchange(method, url, bounds, content, headers or {}))
    except TimeoutError as error:
        raise UpstreamUnavailableError(f"no whole answer within {bounds.seconds:.0f} s") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UpstreamUnavailableError(f"{type(error).__name__}: {error}".removesuffix(": ")) from error


async def _exchange(method: str, url: str, bounds: Bounds, content: bytes, headers: Mapping[str, str]) -> Answer:
    # Never packed: a small answer could be a large one.
    sent = {"accept-encoding": "identity", **({"content-type": "application/json"} if content else {}), **headers}
    async with (
        asyncio.timeout(bounds.seconds),
        httpx.AsyncClient(timeout=bounds.silent_seconds, trust_env=False) as client,
        client.stream(method, url, content=content or None, headers=sent) as answer,
    ):
        received = bytearray()
        async for part in answer.aiter_raw():
            received += part
            if len(received) > bounds.most_bytes:
                raise MalformedAnswerError(f"more than {bounds.most_bytes} bytes")
        return Answer(answer.status_code, bytes(received))
