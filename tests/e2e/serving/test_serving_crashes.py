"""SIGKILL at every step of a request: after the restart there is one receipt, for no more than had left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import AbstractContextManager
from typing import Any

import httpx
import psycopg
import pytest

from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.stripping import salted_hash, strip_stream
from serving.settings import ServingSettings
from tests.e2e.serving.started import started
from tests.e2e.serving.test_serving_cut_streams import tokens_in
from tests.factories.dying_gateway import STEPS
from tests.factories.serving_world import ServingWorld, buy_key, running

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "To be, or not to be"}]
ASK = {"model": "quill:bierce", "messages": CHAT, "max_tokens": 200, "ignore_eos": True, "logprobs": True}
LANE = 2
OF_STREAMS = ("after_checkpoint", "mid_stream")


def process(
    world: ServingWorld, database_url: str, step: str, **changes: Any
) -> AbstractContextManager[tuple[str, subprocess.Popen[str]]]:
    """A gateway in a process of its own that will kill itself at the step: its address and itself."""
    fields = world.settings(database_url, lane=LANE, **changes)
    environment = os.environ | {ServingSettings.variable(name): str(value) for name, value in fields.items()}
    return started(["tests.factories.dying_gateway", step], environment, "Serving")


def ask_until_death(url: str, key: str, ask: dict[str, Any], headers: dict[str, str]) -> tuple[str | None, bytes]:
    """Request id, if there was one, and every byte that arrived."""
    received, request_id = b"", None
    with httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {key}"} | headers, timeout=30, trust_env=False
    ) as http:
        try:
            with http.stream("POST", "/v1/chat/completions", json=ask) as answer:
                request_id = answer.headers["x-request-id"]
                for chunk in answer.iter_raw():
                    received += chunk
        except httpx.TransportError:
            pass
    return request_id, received


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def assert_nothing_is_open(url: str) -> None:
    assert rows(url, "SELECT request_id FROM intents") == []
    assert rows(url, "SELECT payer FROM spend_accounts WHERE held_units <> 0") == []
    receipts, places = rows(url, "SELECT count(*), coalesce(max(seq) + 1, 0) FROM issued_receipts")[0]
    assert receipts == places


@pytest.mark.parametrize(
    ("step", "stream"),
    [(step, stream) for step in STEPS for stream in (True, False) if stream or step not in OF_STREAMS],
)
def test_a_killed_gateway_leaves_one_receipt_for_no_more_than_was_sent(
    serving_world: ServingWorld, database_url: str, step: str, stream: bool
) -> None:
    payer = serving_world.deposit("crash payer", 10**9)
    with process(serving_world, database_url, step) as (url, child):
        key = buy_key(url, serving_world, payer, 10**8)
        request_id, received = ask_until_death(url, key, ASK | {"stream": stream}, {"Idempotency-Key": "once"})
        assert child.wait(30) == -signal.SIGKILL

    with running(serving_world.settings(database_url, lane=LANE)) as restarted:
        assert_nothing_is_open(database_url)
        issued = rows(
            database_url,
            "SELECT request_id, outcome, output_units, fee_units, response_hash, salt FROM issued_receipts",
        )
        if step == "before_intent":
            assert (issued, received) == ([], b"")
        else:
            assert len(issued) == 1
            check_charge(step, stream=stream, issued=issued[0], request_id=request_id, received=received)
        with restarted.client(key) as http:
            again = http.post(
                "/v1/chat/completions", json=ASK | {"stream": stream}, headers={"Idempotency-Key": "once"}
            )
        check_retry(step, again, received, stream=stream)
        assert_nothing_is_open(database_url)
        assert len(rows(database_url, "SELECT seq FROM issued_receipts")) == 1


def check_charge(step: str, *, stream: bool, issued: tuple[Any, ...], request_id: str | None, received: bytes) -> None:
    """The one receipt is for what the client can have, and its hash for bytes that the client has."""
    issued_id, outcome, output_units, fee_units, response_hash, salt = issued
    assert request_id in (issued_id, None)
    if step in ("after_receipt", "after_send"):
        assert (outcome, output_units) == ("complete", 200)
        return
    assert outcome == "recovered"
    if not stream:
        assert (output_units, fee_units, response_hash) == (0, 0, salted_hash(salt, b""))
        return
    assert output_units <= tokens_in(received)
    assert output_units > 0 or step not in OF_STREAMS  # checkpoints were made
    ends = [0, *(match.end() for match in re.finditer(rb"\n\n", plain(received)))]
    assert to_hex(response_hash) in {to_hex(salted_hash(salt, plain(received)[:end])) for end in ends}


def plain(received: bytes) -> bytes:
    """The stream without what belongs to the receipt."""
    return strip_stream(received)[0]


def check_retry(step: str, again: httpx.Response, received: bytes, *, stream: bool) -> None:
    """A new request only where nothing was opened; else the stored answer, or word that there is none."""
    if step == "before_intent":
        assert (again.status_code, "idempotent-replayed" in again.headers) == (200, False)
    elif step in ("after_receipt", "after_send"):
        assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
        if stream:
            assert again.content.startswith(received[: received.rfind(b"data:")])
        elif step == "after_send":
            assert again.content == received
    else:
        assert (again.status_code, again.json()["error"]["code"]) == (410, "answer_not_stored")
