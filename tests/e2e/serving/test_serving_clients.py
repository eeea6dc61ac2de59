"""LangChain's client, unmodified, against both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from tests.factories.serving_world import RunningGateway, ServingWorld, buy_key, running
from tests.factories.upstreams import paced_nodes, write_upstreams

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def upstream_gateway(
    serving_world: ServingWorld, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """A second gateway of the same operator, on a lane of its own, before another server."""
    path: Path = tmp_path_factory.mktemp("upstream") / "upstreams.toml"
    with paced_nodes("only", first_token_ms=2, tokens_per_second=2000) as nodes:
        write_upstreams(path, nodes, serving_world.models)
        with running(serving_world.settings(module_database_url, lane=1, upstreams=path)) as one:
            yield one


@pytest.fixture(scope="module", params=["embedded", "upstream"])
def chat(request: pytest.FixtureRequest, gateway: RunningGateway, api_key: str) -> ChatOpenAI:
    url = gateway.url
    if request.param == "upstream":
        url = request.getfixturevalue("upstream_gateway").url
    return ChatOpenAI(model="quill:austen", base_url=f"{url}/v1", api_key=api_key, max_tokens=6, max_retries=0)


def test_langchain_asks_and_is_told_what_it_used(chat: ChatOpenAI) -> None:
    answer = chat.invoke("It is a truth universally acknowledged")
    assert answer.content
    assert 0 < answer.usage_metadata["output_tokens"] <= 6
    assert answer.usage_metadata["input_tokens"] > 0
    assert answer.response_metadata["model_name"] == "quill:austen"


def test_langchain_streams(chat: ChatOpenAI) -> None:
    pieces = list(chat.stream("It is a truth", stream_usage=True))
    assert "".join(piece.content for piece in pieces)
    assert sum(piece.usage_metadata["output_tokens"] for piece in pieces if piece.usage_metadata) <= 6


def test_langchain_asks_several_at_once(chat: ChatOpenAI) -> None:
    answers = chat.batch(["One", "Two", "Three"])
    assert all(answer.usage_metadata["output_tokens"] > 0 for answer in answers)


def test_langchain_embeds_behind_an_upstream(upstream_gateway: RunningGateway, serving_world: ServingWorld) -> None:
    payer = serving_world.deposit("a payer who embeds", 10**12)
    key = buy_key(upstream_gateway.url, serving_world, payer, 10**12)
    embeddings = OpenAIEmbeddings(
        model="quill",
        base_url=f"{upstream_gateway.url}/v1",
        api_key=key,
        check_embedding_ctx_length=False,
        model_kwargs={"encoding_format": "float"},
    )
    assert embeddings.embed_documents(["one", "two"]) == [[0.25, -1e-05], [0.5, -1e-05]]


def test_the_embedded_engine_says_that_it_makes_no_embeddings(gateway: RunningGateway, api_key: str) -> None:
    with gateway.client(api_key) as http:
        answer = http.post("/v1/embeddings", json={"model": "quill", "input": "one"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported_model")
