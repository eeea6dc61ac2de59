"""What readers get when something is wrong: one problem+json that says what to do, never a trace."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import InternalError
from sqlalchemy.orm import Session

from api.app import build_app
from api.reader import open_reader
from api.reading import CurrentReading
from api.settings import ApiSettings
from ledger.db.session import open_engine
from ledger.protocol.entitlement import ProtocolShare
from ledger.protocol.hexadecimal import checksum_address
from tests.factories.deployment_row import write_deployment
from tests.factories.histories import PROTOCOL
from tests.factories.history import History
from tests.factories.http_server import served

pytestmark = pytest.mark.postgres

PAYEE = checksum_address(b"\xaa" * 20)


def settings_for(url: str, **changes: int) -> ApiSettings:
    return ApiSettings.load(database_url=SecretStr(url), **changes)


@contextmanager
def api_over(url: str, **changes: int) -> Iterator[tuple[httpx.Client, FastAPI]]:
    settings = settings_for(url, **changes)
    engine = open_reader(settings)
    app = build_app(engine, settings)
    with served(app) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client, app
    engine.dispose()


@pytest.fixture(scope="module")
def indexed(module_database_url: str) -> str:
    """A database with a deployment and heads, and nothing else."""
    engine = open_engine(module_database_url)
    with Session(engine) as session, session.begin():
        write_deployment(session, PROTOCOL, 10_000)
        History(ProtocolShare(PROTOCOL, 10_000), {}).write(session)
    engine.dispose()
    return module_database_url


@pytest.fixture(scope="module")
def client(indexed: str) -> Iterator[httpx.Client]:
    with api_over(indexed) as (client, _):
        yield client


def problem(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["instance"] == response.request.url.path
    assert body["detail"].endswith(".")
    return str(body["detail"])


def test_an_empty_index_is_not_ready_but_alive(database_url: str) -> None:
    with api_over(database_url) as (client, _):
        assert client.get("/health").json() == {"status": "ok"}
        for path in ("/ready", "/v1/status", "/v1/contributors"):
            response = client.get(path)
            assert "start `tributary index`" in problem(response, 503)
            assert response.headers["retry-after"]


def test_an_index_without_events_answers_empty_lists(client: httpx.Client) -> None:
    assert client.get("/ready").status_code == 200
    for path in ("assets", "batches", "contributors", "operators", "distributions"):
        answer = client.get(f"/v1/{path}").json()
        assert (answer["items"], answer["next_cursor"]) == ([], None)
    status = client.get("/v1/status").json()
    assert status["conservation"]["holds"]
    assert client.get(f"/v1/payers/{PAYEE}").json()["accounts"] == []


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/nothing", 404, "/docs lists the paths"),
        ("/v1/assets/7", 404, "There is no asset 7"),
        ("/v1/assets/seven", 422, "path.asset_id"),
        ("/v1/assets/-1", 422, "path.asset_id"),
        ("/v1/assets/99999999999999999999999", 422, "path.asset_id"),
        ("/v1/assets?limit=0", 422, "query.limit"),
        ("/v1/assets?limit=501", 422, "query.limit"),
        ("/v1/assets?kind=song", 422, "query.kind"),
        ("/v1/assets?cursor=!!!", 422, "cursor is none of this path's"),
        ("/v1/assets?cursor=WyJ4Il0", 422, "cursor is none of this path's"),
        ("/v1/assets?cursor=WzEsMl0", 422, "cursor is none of this path's"),
        ("/v1/batches/7", 404, "There is no batch 7"),
        ("/v1/batches/7/receipts", 404, "There is no batch 7"),
        ("/v1/receipts/0x12", 422, "path.digest"),
        ("/v1/receipts/0x" + "12" * 32, 404, "No batch that is read so far"),
        ("/v1/receipts?operator=0x" + "ab" * 20 + "&lane=0&seq=0", 404, "has no receipt 0"),
        ("/v1/receipts", 422, "query.operator"),
        ("/v1/contributors/0x1234", 422, "path.payee"),
        ("/v1/contributors/" + PAYEE[:-1] + ("b" if PAYEE[-1] != "b" else "c"), 422, "EIP-55 checksum"),
        ("/v1/contributors/" + PAYEE + "/earnings?since=yesterday", 422, "query.since"),
        ("/v1/operators/" + PAYEE, 404, "is no operator"),
        ("/v1/distributions/1", 404, "There is no root 1"),
        ("/v1/distributions/1/file", 404, "There is no root 1"),
        ("/v1/payers/" + PAYEE + "/charges/3/receipts", 404, "There is no batch 3"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(client: httpx.Client, path: str, status: int, says: str) -> None:
    assert says in problem(client.get(path), status)


def test_only_reading_is_served(client: httpx.Client) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        problem(client.request(method, "/v1/assets"), 405)


def test_an_address_may_be_written_in_lower_case(client: httpx.Client) -> None:
    assert client.get(f"/v1/contributors/{PAYEE.lower()}").json()["address"] == PAYEE


def test_the_database_itself_refuses_a_write(indexed: str) -> None:
    engine = open_reader(settings_for(indexed))
    with engine.connect() as connection, pytest.raises(InternalError, match="read-only transaction"):
        connection.execute(text("DELETE FROM heads"))
    engine.dispose()


def test_a_query_that_takes_too_long_is_given_up(indexed: str) -> None:
    with api_over(indexed, statement_timeout_seconds=1) as (client, app):

        @app.get("/slow")
        def slow(reading: CurrentReading) -> None:
            reading.session.execute(text("SELECT pg_sleep(20)"))

        response = client.get("/slow")
        assert "took too long" in problem(response, 503)
        assert response.headers["retry-after"]
        assert client.get("/ready").status_code == 200


def test_more_requests_than_connections_wait_and_are_then_turned_away(indexed: str) -> None:
    with api_over(indexed, connections=1, statement_timeout_seconds=1) as (client, app), ThreadPoolExecutor(1) as pool:
        holds, may_end = threading.Event(), threading.Event()

        @app.get("/holding")
        def holding(reading: CurrentReading) -> None:
            reading.session.execute(text("SELECT 1"))
            holds.set()
            assert may_end.wait(30)

        first = pool.submit(client.get, "/holding")
        assert holds.wait(30)
        response = client.get("/v1/status")
        may_end.set()
        assert "more to answer than it can" in problem(response, 503)
        assert response.headers["retry-after"]
        assert first.result().status_code == 200


def test_a_fault_of_the_program_shows_nothing_of_itself(indexed: str) -> None:
    with api_over(indexed) as (client, app):

        @app.get("/broken")
        def broken() -> None:
            raise RuntimeError("a secret")

        detail = problem(client.get("/broken"), 500)
        assert "secret" not in detail


def test_a_database_that_went_away_is_a_problem_and_comes_back(database_url: str) -> None:
    indexed = database_url
    with api_over(indexed) as (client, _):
        assert "index is empty" in problem(client.get("/ready"), 503)
        name = indexed.split("?")[0].rsplit("/", 1)[1]
        away = f"{name}_away"
        admin = indexed.replace(f"/{name}?", "/postgres?")
        with psycopg.connect(admin, autocommit=True) as connection:
            drop = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
            )
            connection.execute(drop, [name])
            connection.execute(f'ALTER DATABASE "{name}" RENAME TO "{away}"')
            assert "try again" in problem(client.get("/v1/status"), 503)
            connection.execute(f'ALTER DATABASE "{away}" RENAME TO "{name}"')
        assert "index is empty" in problem(client.get("/ready"), 503)


def test_an_unchanged_answer_costs_no_body(client: httpx.Client) -> None:
    first = client.get("/v1/assets")
    again = client.get("/v1/assets", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get("/v1/assets", headers={"if-none-match": 'W/"else"'})
    assert (other.status_code, other.json()) == (200, first.json())


def test_pages_of_any_origin_may_read(client: httpx.Client) -> None:
    response = client.get("/v1/assets", headers={"origin": "https://example.org"})
    assert response.headers["access-control-allow-origin"] == "*"


def test_every_path_is_described_with_an_answer_and_its_problems(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert client.get("/docs").status_code == 200
    paths = {path: methods for path, methods in document["paths"].items() if path.startswith("/v1")}
    assert len(paths) >= 20
    for path, methods in paths.items():
        assert set(methods) == {"get"}, path
        operation = methods["get"]
        assert operation["description"], path
        assert {"200", "404", "422", "503"} <= set(operation["responses"]), path
        assert "application/problem+json" in operation["responses"]["404"]["content"], path
