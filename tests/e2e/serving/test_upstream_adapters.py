"""Adapters on a server that the gateway does not own: swapped, lost, and asked for twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.factories.serving_world import RunningGateway, ServingWorld, buy_key, running
from tests.factories.upstreams import PacedNode, paced_nodes, write_upstreams

pytestmark = pytest.mark.e2e

ASK = {"messages": [{"role": "user", "content": "one two three"}], "max_tokens": 3}


@pytest.fixture
def node() -> Iterator[PacedNode]:
    with paced_nodes("only", first_token_ms=2, tokens_per_second=2000) as (one,):
        yield one


@pytest.fixture
def gateway(own_models: ServingWorld, database_url: str, node: PacedNode, tmp_path: Path) -> Iterator[RunningGateway]:
    path = write_upstreams(tmp_path / "upstreams.toml", [node], own_models.models, max_adapters=1)
    with running(own_models.settings(database_url, upstreams=path)) as one:
        yield one


@pytest.fixture
def http(gateway: RunningGateway, own_models: ServingWorld, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    payer = own_models.deposit(f"payer of {request.node.name}", 10**12)
    with gateway.client(buy_key(gateway.url, own_models, payer, 10**12)) as one:
        yield one


def ask(http: httpx.Client, model: str, **headers: str) -> httpx.Response:
    return http.post("/v1/chat/completions", json={"model": model, **ASK}, headers=headers)


def test_an_adapter_whose_files_were_swapped_is_never_loaded(
    http: httpx.Client, own_models: ServingWorld, node: PacedNode
) -> None:
    adapters = own_models.models / "adapters"
    weights = "adapter_model.safetensors"
    (adapters / "austen" / weights).write_bytes((adapters / "bierce" / weights).read_bytes())
    refused = ask(http, "quill:austen")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_unavailable")
    assert refused.json()["receipt"]["receipt"]["feeUnits"] == "0"
    assert node.seen["loads"] == []
    assert ask(http, "quill:bierce").status_code == 200


def test_a_server_that_lost_an_adapter_gets_it_again_and_the_client_notices_nothing(
    http: httpx.Client, node: PacedNode
) -> None:
    assert ask(http, "quill:austen").status_code == 200
    (name,) = node.seen["adapters"]
    lost = httpx.post(f"{node.url}/v1/unload_lora_adapter", json={"lora_name": name}, trust_env=False)
    assert lost.status_code == 200
    assert ask(http, "quill:austen").status_code == 200
    assert node.seen["loads"] == [name, name]


def test_the_least_recently_used_makes_room(http: httpx.Client, node: PacedNode) -> None:
    for model in ("quill:austen", "quill:bierce", "quill:austen"):
        assert ask(http, model).status_code == 200
    seen = node.seen
    assert [name.split("@")[0] for name in seen["loads"]] == ["quill:austen", "quill:bierce", "quill:austen"]
    assert [name.split("@")[0] for name in seen["unloads"]] == ["quill:austen", "quill:bierce"]
    assert len(seen["adapters"]) == 1


def test_a_request_that_is_sent_twice_is_answered_and_billed_once(http: httpx.Client, node: PacedNode) -> None:
    first, second = (ask(http, "quill", **{"idempotency-key": "once"}) for _ in range(2))
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert node.seen["requests"] == 1
