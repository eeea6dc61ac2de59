"""The suite that ./scripts/check-vllm runs, against the embedded engine as an upstream: it must pass, and can fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from scripts.vllm.suite import Client, run
from tests.factories.serving_world import RunningGateway, ServingWorld, buy_key, running
from tests.factories.upstreams import paced_nodes, write_upstreams

pytestmark = pytest.mark.e2e

NOT_OF_THIS_ENGINE = {"what the gateway does not know arrives"}
"""It refuses fields that it does not know, where vLLM has them."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("suite")


def client_of(world: ServingWorld, url: str, name: str) -> openai.OpenAI:
    payer = world.deposit(name, 10**12)
    return openai.OpenAI(base_url=f"{url}/v1", api_key=buy_key(url, world, payer, 10**12), max_retries=0)


@pytest.fixture(scope="module")
def outcomes(
    serving_world: ServingWorld, gateway: RunningGateway, module_database_url: str, folder: Path
) -> Iterator[dict[str, str | None]]:
    """Each part's name and what was wrong, through a gateway before the gateway with the engine."""
    with client_of(serving_world, gateway.url, "who buys for the suite") as reseller:
        (folder / "embedded.toml").write_text(
            f"models_dir = {json.dumps(str(serving_world.models))}\n"
            f'[[node]]\nurl = "{gateway.url}/v1"\napi_key = "{reseller.api_key}"\n'
        )
    settings = serving_world.settings(module_database_url, lane=3, upstreams=folder / "embedded.toml")
    with (
        running(settings) as outer,
        client_of(serving_world, outer.url, "who asks the suite") as client,
        outer.client(client.api_key) as http,
    ):
        yield dict(run(Client(client, http, serving_world)))


def test_every_part_passes_behind_a_server_that_computes(outcomes: dict[str, str | None]) -> None:
    wrong = {name: said for name, said in outcomes.items() if said is not None}
    assert wrong.keys() <= NOT_OF_THIS_ENGINE, wrong
    assert len(outcomes) == 10


def test_parts_fail_behind_a_server_that_only_pretends(
    serving_world: ServingWorld, module_database_url: str, folder: Path
) -> None:
    with paced_nodes("pretender", first_token_ms=1, tokens_per_second=4000) as nodes:
        path = write_upstreams(folder / "pretender.toml", nodes, serving_world.models)
        settings = serving_world.settings(module_database_url, lane=6, upstreams=path)
        with (
            running(settings) as outer,
            client_of(serving_world, outer.url, "who is not fooled") as client,
            outer.client(client.api_key) as http,
        ):
            outcomes = dict(run(Client(client, http, serving_world)))
    assert outcomes["adapters are loaded when asked for and differ"] == "an adapter's answer is the base's"
    assert outcomes["a stop ends the text"] is not None
    assert outcomes["a chat is answered and receipted"] is None
