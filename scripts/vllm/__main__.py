"""`./scripts/check-vllm`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import openai
import structlog

from ledger.config import CHECKOUT
from ledger.errors import TributaryError
from scripts.vllm.starting import HOW_TO_START
from scripts.vllm.suite import BASE, Client, run
from tests.factories.operator_flow import key_of, operator_flow
from tests.factories.serving_world import build_world, buy_key, running
from tributary.database import migrate
from tributary.devnet import Devnet
from tributary.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

RICH = 10**12


def main() -> None:
    asked = arguments()
    if asked.address is None:
        print(HOW_TO_START)
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        refuse_unless_it_serves(asked.address, asked.api_key_file)
        with gateway_before(asked) as client:
            failed = [name for name, wrong in told(client) if wrong is not None]
    except TributaryError as error:
        sys.exit(str(error))
    if failed:
        sys.exit(f"{len(failed)} parts of the client suite failed against {asked.address}.")
    print(f"The client suite passes against {asked.address}.")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./scripts/check-vllm", description=__doc__)
    parser.add_argument("address", nargs="?", help="base address, such as http://127.0.0.1:8100/v1")
    parser.add_argument("--node-models", type=Path, default=CHECKOUT / "models", help="`models` as that server sees it")
    parser.add_argument("--api-key-file", type=Path, help="file with the key that the server wants")
    return parser.parse_args()


def refuse_unless_it_serves(address: str, key_file: Path | None) -> None:
    """Ends the program with one sentence if there is no such server, or it serves something else."""
    headers = {} if key_file is None else {"authorization": f"Bearer {key_file.read_text().strip()}"}
    try:
        answer = httpx.get(f"{address.rstrip('/')}/models", headers=headers, timeout=5.0, trust_env=False)
        names = [model["id"] for model in answer.json()["data"]]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        sys.exit(f"No OpenAI-compatible server answers at {address}; ./scripts/check-vllm says how to start a vLLM.")
    if BASE not in names:
        served = ", ".join(names) or "nothing"
        sys.exit(f"The server at {address} serves {served}; start it with --served-model-name {BASE}.")


def told(client: Client) -> Iterator[tuple[str, str | None]]:
    """The suite's parts, each said as it ends."""
    for name, wrong in run(client):
        print(f"ok      {name}" if wrong is None else f"FAILED  {name}: {wrong}", flush=True)
        yield name, wrong


@contextmanager
def gateway_before(asked: argparse.Namespace) -> Iterator[Client]:
    """A gateway of this run's own before the server, with chains and a database of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tributary-vllm-")))
        database = stack.enter_context(PostgresServer(folder / "data")).create_database("check")
        migrate(database)
        devnet = stack.enter_context(Devnet.start())
        (folder / "deployments").mkdir()
        flow = stack.enter_context(operator_flow(devnet, folder / "deployments", [key_of("attester")], quorum=1))
        world = build_world(flow, folder / "models", folder / "deployments", lanes=(0,))
        path = upstreams_file(folder / "upstreams.toml", asked, world.models)
        gateway = stack.enter_context(running(world.settings(database, upstreams=path)))
        payer = world.deposit("the payer who checks", RICH)
        key = buy_key(gateway.url, world, payer, RICH)
        client = stack.enter_context(openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0))
        yield Client(client, stack.enter_context(gateway.client(key)), world)


def upstreams_file(path: Path, asked: argparse.Namespace, models: Path) -> Path:
    """The file that an operator would write for this server."""
    lines = [
        f"models_dir = {json.dumps(str(models))}",
        f"node_models_dir = {json.dumps(str(asked.node_models))}",
        "[[node]]",
        f"url = {json.dumps(asked.address)}",
        'name = "checked"',
        'kind = "vllm"',
    ]
    if asked.api_key_file is not None:
        lines.append(f"api_key_file = {json.dumps(str(asked.api_key_file.resolve()))}")
    path.write_text("\n".join(lines) + "\n")
    return path


if __name__ == "__main__":
    main()
