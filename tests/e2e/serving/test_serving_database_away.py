"""PostgreSQL goes away under load: nothing is opened meanwhile, nothing that was answered is lost."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ledger.protocol.stripping import strip_stream
from serving.inference.embedded import EmbeddedAdmission
from serving.inference.engine import Delta
from tests.conftest import UNSAFE_BUT_FAST
from tests.e2e.serving.test_serving_crashes import LANE as CRASHING_LANE
from tests.e2e.serving.test_serving_crashes import process
from tests.e2e.serving.test_serving_cut_streams import receipt_of, tokens_in, until
from tests.factories.serving_world import ServingWorld, buy_key, running
from tributary.database import migrate
from tributary.postgres import PostgresServer

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "Blow, winds, and crack your cheeks"}]
ASK: dict[str, Any] = {"model": "quill", "messages": CHAT, "max_tokens": 6}
LONG = ASK | {"max_tokens": 400, "ignore_eos": True, "logprobs": True, "stream": True}


class Database:
    """A PostgreSQL that tests stop and start again; each test has a database of its own in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = PostgresServer(folder, UNSAFE_BUT_FAST)
        self._template = "away"
        migrate(self._server.create_database(self._template))
        self.url = ""

    def begin(self, name: str) -> None:
        self.url = self._server.create_database(name, self._template)

    def start(self) -> None:
        self._server = PostgresServer(self._folder, UNSAFE_BUT_FAST)

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    folder = Path(tempfile.mkdtemp(prefix="serving-pg-"))
    one = Database(folder / "data")
    yield one
    one.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(server: Database, request: pytest.FixtureRequest) -> Database:
    server.begin(f"away_{abs(hash(request.node.name))}")
    return server


def test_answers_survive_the_absence_of_the_database(serving_world: ServingWorld, database: Database) -> None:
    settings = serving_world.settings(database.url, lane=3, storage_wait_seconds=1.5)
    with running(settings) as gateway:
        key = buy_key(gateway.url, serving_world, serving_world.deposit("stormy payer", 10**9), 10**8)
        with gateway.client(key) as http:
            assert http.post("/v1/chat/completions", json=ASK).status_code == 200
            with http.stream("POST", "/v1/chat/completions", json=LONG) as stream:
                request_id, events = stream.headers["x-request-id"], stream.iter_raw()
                received = next(events)
                database.stop()
                refuse_while_away(http)
                # An answer that has begun goes on, and ends without its receipt.
                received += b"".join(events)
            assert tokens_in(received) == 400
            assert strip_stream(received)[1] is None
            database.start()
            until(lambda: http.get("/ready").status_code == 200)
            found = receipt_of(http, request_id)
            assert (found["outcome"], found["receipt"]["outputUnits"]) == ("complete", 400)
            assert http.post("/v1/chat/completions", json=ASK).status_code == 200
    assert_consistent(database.url, receipts=3)


def refuse_while_away(http: httpx.Client) -> None:
    answer = until(lambda: refused(http.post("/v1/chat/completions", json=ASK)))
    assert answer.json()["error"]["code"] == "storage_unavailable"
    assert int(answer.headers["retry-after"]) >= 1
    ready = http.get("/ready")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["the database is away"])
    assert http.get("/health").status_code == 200


def refused(answer: httpx.Response) -> httpx.Response | None:
    return answer if answer.status_code == 503 else None


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Answers end only once it is set: the engine itself is done before anybody could take the database away."""
    opened, deltas = threading.Event(), EmbeddedAdmission.deltas

    async def gated(self: EmbeddedAdmission) -> AsyncGenerator[Delta, None]:
        async for delta in deltas(self):
            yield delta
        await asyncio.to_thread(opened.wait, 30)

    monkeypatch.setattr(EmbeddedAdmission, "deltas", gated)
    return opened


@pytest.mark.parametrize("back_in_time", [True, False])
def test_a_whole_answer_waits_for_its_receipt_or_ends_for_nothing(
    serving_world: ServingWorld, database: Database, gate: threading.Event, back_in_time: bool
) -> None:
    settings = serving_world.settings(database.url, lane=3, storage_wait_seconds=20.0 if back_in_time else 0.3)
    with running(settings) as gateway:
        key = buy_key(gateway.url, serving_world, serving_world.deposit("patient payer", 10**9), 10**8)
        with gateway.client(key) as http:
            answers: list[httpx.Response] = []
            waiting = threading.Thread(target=lambda: answers.append(http.post("/v1/chat/completions", json=ASK)))
            waiting.start()
            until(gateway.gateway.metrics.intents._value.get)
            database.stop()
            until(lambda: not gateway.gateway.journal.available)  # noticed also by a gateway that writes nothing
            gate.set()
            if back_in_time:
                database.start()
            waiting.join(30)
            if not back_in_time:
                database.start()
            assert answers[0].status_code == (200 if back_in_time else 503)
            until(lambda: http.get("/ready").status_code == 200)
    with psycopg.connect(database.url) as connection:
        issued = connection.execute("SELECT outcome, output_units > 0, fee_units > 0 FROM issued_receipts").fetchall()
    assert issued == [("complete", True, True) if back_in_time else ("undelivered", False, False)]
    assert_consistent(database.url, receipts=1)


def test_a_gateway_killed_while_the_database_is_away_loses_no_request(
    serving_world: ServingWorld, database: Database
) -> None:
    """A stream that ended without its receipt, in a process that died before it could write it."""
    payer = serving_world.deposit("unlucky payer", 10**9)
    with process(serving_world, database.url, "never") as (url, child):
        key = buy_key(url, serving_world, payer, 10**8)
        with httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30, trust_env=False
        ) as http:
            assert http.post("/v1/chat/completions", json=ASK).status_code == 200
            with http.stream("POST", "/v1/chat/completions", json=LONG) as stream:
                events = stream.iter_raw()
                received = next(events)
                database.stop()
                received += b"".join(events)
        assert strip_stream(received)[1] is None
        child.kill()
        child.wait(30)
    database.start()
    with running(serving_world.settings(database.url, lane=CRASHING_LANE)), psycopg.connect(database.url) as connection:
        issued = connection.execute("SELECT outcome, output_units FROM issued_receipts ORDER BY seq").fetchall()
    assert [outcome for outcome, _ in issued] == ["complete", "recovered"]
    assert issued[1][1] <= tokens_in(received)
    assert_consistent(database.url, receipts=2)


def assert_consistent(url: str, receipts: int) -> None:
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM intents").fetchone() == (0,)
        assert connection.execute("SELECT count(*), max(seq) + 1 FROM issued_receipts").fetchone() == (receipts,) * 2
        assert connection.execute("SELECT payer FROM spend_accounts WHERE held_units <> 0").fetchall() == []
