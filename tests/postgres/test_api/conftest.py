"""One ledger with a whole history, and the API in front of it, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.app import build_app
from api.reader import open_reader
from api.settings import ApiSettings
from tests.factories.http_server import served
from tests.factories.paid_world import PaidWorld, paid_world
from tributary.devnet import Devnet
from tributary.postgres import PostgresServer

Get = Callable[..., Any]


def api_settings(database_url: str, **changes: Any) -> ApiSettings:
    return ApiSettings.load(database_url=SecretStr(database_url), **changes)


@pytest.fixture(scope="package")
def world(
    postgres_server: PostgresServer, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PaidWorld]:
    url = postgres_server.create_database("api_world", migrated_template)
    with Devnet.start() as devnet, paid_world(devnet, tmp_path_factory.mktemp("api"), url) as world:
        yield world
    postgres_server.drop_database("api_world")


@pytest.fixture(scope="package")
def client(world: PaidWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    kept = tmp_path_factory.mktemp("kept")
    settings = api_settings(
        world.url, archive_dir=world.inner.settings.archive_dir, kept_dir=kept, requests_per_minute=0
    )
    engine = open_reader(settings)
    with served(build_app(engine, settings)) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client
    engine.dispose()


@pytest.fixture
def get(client: httpx.Client) -> Get:
    """The JSON of a path that answers 200."""

    def fetch(path: str, **parameters: Any) -> Any:
        response = client.get(path, params=parameters)
        assert response.status_code == httpx.codes.OK, response.text
        return response.json()

    return fetch


def walk(get: Get, path: str, **parameters: Any) -> list[Any]:
    """All items of a list, two at a time."""
    items, cursor = [], None
    while True:
        page = get(path, limit=2, **parameters, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
