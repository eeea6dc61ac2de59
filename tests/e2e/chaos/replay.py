"""A slice of the real trace, asked at its own pace by clients that try again until they have their answer."""

from __future__ import annotations

import asyncio
import csv
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import httpx

from ledger.protocol.stripping import DONE, strip_json, strip_stream
from tributary.demo.trace import LENGTH_FACTOR, TRACE

FIRST = 150
"""Row of the trace from which on there are five requests a second; it begins with fewer."""
WAIT_SECONDS = 20.0
"""How long a client waits for the next byte before it tries again."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of the trace: when, by whom, for what."""

    at: float
    payer: int
    body: bytes
    stream: bool


@dataclass(slots=True)
class Outcome:
    """What came of a request: ids that it was asked under, and the answer as it arrived, with its envelope."""

    ask: Ask
    keys: list[str] = field(default_factory=list)
    answer: bytes = b""
    envelope: dict[str, Any] | None = None
    refused: list[str] = field(default_factory=list)

    @property
    def answered(self) -> bool:
        return bool(self.answer)

    def renew(self) -> None:
        """Asks under another Idempotency-Key from here on."""
        self.keys.append(f"{self.keys[0]} again {len(self.keys)}")


def slice_of_trace(seed: int, requests: int, models: Sequence[str], payers: int) -> list[Ask]:
    """Requests of the trace from FIRST on: its arrival times, its lengths by the factor that the demo states."""
    drawing = random.Random(seed)
    with TRACE.open(newline="") as file:
        rows = list(islice(csv.DictReader(file), FIRST, FIRST + requests))
    times = [datetime.fromisoformat(row["TIMESTAMP"][:26]).timestamp() for row in rows]
    asks = []
    for time, row in zip(times, rows, strict=True):
        stream = drawing.random() < 0.5
        words = "word " * max(1, int(row["ContextTokens"]) // LENGTH_FACTOR)
        fields = {
            "model": drawing.choice(models),
            "messages": [{"role": "user", "content": words}],
            "max_tokens": max(1, int(row["GeneratedTokens"]) // LENGTH_FACTOR),
            "stream": stream,
        }
        asks.append(Ask(time - times[0], drawing.randrange(payers), json.dumps(fields).encode(), stream))
    return asks


async def replay(url: str, keys: Sequence[str], asks: Sequence[Ask], deadline_seconds: float) -> list[Outcome]:
    """Every request until it is answered, or until so many seconds after the last one was due."""
    began = asyncio.get_running_loop().time()
    last = began + asks[-1].at + deadline_seconds
    timeout = httpx.Timeout(WAIT_SECONDS, connect=2.0)
    async with httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False) as http:
        return await asyncio.gather(
            *(_until_answered(http, began, last, number, ask, keys[ask.payer]) for number, ask in enumerate(asks))
        )


async def _until_answered(
    http: httpx.AsyncClient, began: float, last: float, number: int, ask: Ask, key: str
) -> Outcome:
    """As a careful client does: the same Idempotency-Key until it is told that this answer is lost."""
    loop, outcome = asyncio.get_running_loop(), Outcome(ask)
    await asyncio.sleep(max(0.0, began + ask.at - loop.time()))
    outcome.keys.append(f"request {number}")
    while loop.time() < last:
        headers = {"authorization": f"Bearer {key}", "idempotency-key": outcome.keys[-1]}
        try:
            wait = await _once(http, outcome, headers)
        except httpx.HTTPError as error:
            outcome.refused.append(type(error).__name__)
            wait = min(1.0, 0.2 * len(outcome.refused))
        if outcome.answered:
            return outcome
        await asyncio.sleep(wait)
    return outcome


async def _once(http: httpx.AsyncClient, outcome: Outcome, headers: dict[str, str]) -> float:
    """One attempt; how long to wait before the next one, if the answer is not there yet."""
    sent = http.stream("POST", "/v1/chat/completions", content=outcome.ask.body, headers=headers)
    async with sent as response:
        body = await response.aread()
        if response.status_code == httpx.codes.OK:
            _take(outcome, body, response.headers["content-type"])
            return 0.3
        code = json.loads(body)["error"]["code"]
        outcome.refused.append(f"{response.status_code} {code}")
        if (
            response.status_code == httpx.codes.GONE
        ):  # it was cut off and closed: a new request, with a receipt of its own
            outcome.renew()
        assert response.status_code in {409, 410, 429, 500, 502, 503}, (response.status_code, body)
        return min(1.0, float(response.headers.get("retry-after", 0.3)))


def _take(outcome: Outcome, body: bytes, content_type: str) -> None:
    """Keeps a whole answer. One that was closed before its end, as its receipt says, is asked for anew."""
    if content_type.startswith("text/event-stream"):
        produced, envelope = strip_stream(body)
        whole = produced.endswith(DONE) and b'data: {"error"' not in produced
    else:
        (_, envelope), whole = strip_json(body), True
    if whole:
        outcome.answer, outcome.envelope = body, envelope
    else:
        outcome.refused.append("cut off")
        if envelope is not None:
            outcome.renew()
