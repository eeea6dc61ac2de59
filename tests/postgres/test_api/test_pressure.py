"""Readers who take their time, and many who want what takes long, leave the API to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import build_app
from api.explain.kept_files import KeptFiles
from api.reader import open_reader
from ledger.errors import NotFoundError
from ledger.protocol.hexadecimal import to_hex
from tests.factories.paid_world import ALICE, PaidWorld
from tests.postgres.test_api.conftest import api_settings

pytestmark = pytest.mark.postgres

CONNECTIONS = 4


@pytest.fixture
def app(world: PaidWorld, tmp_path: Path) -> Iterator[FastAPI]:
    """An API with few connections, and not much patience for one more."""
    settings = api_settings(
        world.url,
        archive_dir=world.inner.settings.archive_dir,
        kept_dir=tmp_path,
        connections=CONNECTIONS,
        statement_timeout_seconds=3,
        requests_per_minute=0,
    )
    engine = open_reader(settings)
    app = build_app(engine, settings)
    yield app
    app.state.blob_proofs.close()
    engine.dispose()


class SlowReader:
    """Asks for a path and takes nothing of the answer's body until it is told to."""

    def __init__(self, app: FastAPI, path: str) -> None:
        self.begun, self.goes_on = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(app(self._scope(path), self._receive, self._send))

    def _scope(self, path: str) -> dict[str, Any]:
        plain, _, query = path.partition("?")
        return {
            "type": "http", "method": "GET", "path": plain, "raw_path": plain.encode(), "query_string": query.encode(),
            "headers": [], "scheme": "http", "server": ("t", 80), "client": ("slow", 1), "http_version": "1.1",
            "asgi": {"version": "3.0"}, "root_path": "",
        }  # fmt: skip

    async def _receive(self) -> dict[str, Any]:
        await self.goes_on.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == httpx.codes.OK
            return
        self.begun.set()
        await self.goes_on.wait()


@pytest.mark.parametrize(
    "path", ["/v1/batches", "/v1/distributions/1/file", f"/v1/contributors/{to_hex(ALICE)}/statement"]
)
def test_slow_readers_hold_no_connection(app: FastAPI, path: str) -> None:
    async def story() -> None:
        readers = [SlowReader(app, path) for _ in range(2 * CONNECTIONS)]
        async with asyncio.timeout(20):
            for reader in readers:
                await reader.begun.wait()
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as other:
                assert (await other.get("/v1/status")).status_code == httpx.codes.OK
        for reader in readers:
            reader.goes_on.set()
        await asyncio.gather(*(reader.task for reader in readers))

    asyncio.run(story())


def test_many_who_want_explain_files_are_all_answered_in_their_turn(app: FastAPI) -> None:
    async def story() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t", timeout=60) as client:
            path = f"/v1/contributors/{to_hex(ALICE)}/explain?distribution=1"
            answers = await asyncio.gather(*(client.get(path) for _ in range(12)))
        assert {answer.status_code for answer in answers} == {httpx.codes.OK}
        assert len({answer.content for answer in answers}) == 1

    asyncio.run(story())


def test_a_file_that_can_not_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path, 2**20)

    def fail() -> bytes:
        raise NotFoundError("There is nothing to make it of.")

    for n in range(100):
        with pytest.raises(NotFoundError):
            kept.get_or_make(f"file-{n}", fail)
    assert not kept._making
    assert kept.get_or_make("file-1", lambda: b"made") == b"made"
    assert kept.get_or_make("file-1", fail) == b"made"


def test_a_folder_that_takes_nothing_keeps_nobody_from_an_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the folder's place")
    kept = KeptFiles(tmp_path / "file", 2**20)
    assert [kept.get_or_make("name", lambda: b"made") for _ in range(2)] == [b"made"] * 2
