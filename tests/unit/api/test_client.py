"""The typed client has a method for every path that answers JSON, with the very model that the path answers."""

from __future__ import annotations

import typing

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine

from api.app import build_app
from api.client import TributaryClient, reading
from api.settings import ApiSettings
from ledger.errors import MalformedInputError, NotFoundError, UpstreamUnavailableError

pytestmark = pytest.mark.unit

NOT_JSON = {"/v1/events", "/v1/blobs/{versioned_hash}", "/v1/distributions/{root_index}/file"}


@pytest.fixture(scope="module")
def openapi() -> dict[str, typing.Any]:
    settings = ApiSettings.load(database_url=SecretStr("postgresql://nowhere/none"))
    return build_app(create_engine("postgresql+psycopg://nowhere/none"), settings).openapi()


def test_every_path_has_a_method_that_answers_its_model(openapi: dict[str, typing.Any]) -> None:
    paths = {path for path in openapi["paths"] if path.startswith("/v1/")} - NOT_JSON
    assert set(reading.PATHS) == paths
    for path, method in reading.PATHS.items():
        answer = openapi["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        returned = typing.get_type_hints(getattr(TributaryClient, method))["return"]
        assert answer["$ref"].split("/")[-1].rstrip("_").replace("_", "[", 1) == returned.__name__.rstrip("]"), path


def test_filters_and_arguments_are_the_paths_own_parameters(openapi: dict[str, typing.Any]) -> None:
    for path, method in reading.PATHS.items():
        taken = {line["name"] for line in openapi["paths"][path]["get"].get("parameters", [])}
        words = set(typing.get_type_hints(getattr(TributaryClient, method))) - {"return", "page", "filters"}
        assert words <= taken, path


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, NotFoundError),
        (422, MalformedInputError),
        (429, UpstreamUnavailableError),
        (503, UpstreamUnavailableError),
    ],
)
def test_a_refusal_is_raised_with_the_apis_words(status: int, kind: type[Exception]) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json={"detail": "Do this instead."}))
    with TributaryClient("http://api", transport=transport) as client, pytest.raises(kind, match="Do this instead"):
        client.status()


def test_an_api_that_is_not_there_is_one_sentence() -> None:
    with (
        TributaryClient("http://127.0.0.1:9") as client,
        pytest.raises(UpstreamUnavailableError, match="does not answer"),
    ):
        client.status()
