"""A gateway of the check's own before a server, with chains and a database of its own."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import openai

from scripts.vllm.suite import Client
from tests.factories.operator_flow import key_of, operator_flow
from tests.factories.serving_world import build_world, buy_key, running
from tributary.database import migrate
from tributary.devnet import Devnet
from tributary.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

RICH = 10**12


@contextmanager
def gateway_before(address: str, node_models: Path, key_file: Path | None) -> Iterator[Client]:
    """A gateway of this run's own before the server, with chains and a database of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tributary-vllm-")))
        database = stack.enter_context(PostgresServer(folder / "data")).create_database("check")
        migrate(database)
        devnet = stack.enter_context(Devnet.start())
        (folder / "deployments").mkdir()
        flow = stack.enter_context(operator_flow(devnet, folder / "deployments", [key_of("attester")], quorum=1))
        world = build_world(flow, folder / "models", folder / "deployments", lanes=(0,))
        path = upstreams_file(folder / "upstreams.toml", address, world.models, node_models, key_file)
        gateway = stack.enter_context(running(world.settings(database, upstreams=path)))
        payer = world.deposit("the payer who checks", RICH)
        key = buy_key(gateway.url, world, payer, RICH)
        client = stack.enter_context(openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0))
        yield Client(client, stack.enter_context(gateway.client(key)), world)


def upstreams_file(path: Path, address: str, models: Path, node_models: Path, key_file: Path | None) -> Path:
    """The file that an operator would write for this server."""
    lines = [
        f"models_dir = {json.dumps(str(models))}",
        f"node_models_dir = {json.dumps(str(node_models))}",
        "[[node]]",
        f"url = {json.dumps(address)}",
        'name = "checked"',
        'kind = "vllm"',
    ]
    if key_file is not None:
        lines.append(f"api_key_file = {json.dumps(str(key_file.resolve()))}")
    path.write_text("\n".join(lines) + "\n")
    return path
