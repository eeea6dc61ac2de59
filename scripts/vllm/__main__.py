"""`./scripts/check-vllm`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import httpx
import structlog

from ledger.config import CHECKOUT
from ledger.errors import TributaryError
from scripts.vllm.starting import BASE, HOW_TO_START


def main() -> None:
    asked = arguments()
    if asked.address is None:
        print(HOW_TO_START)
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    refuse_unless_it_serves(asked.address, asked.api_key_file)
    # Only now: whoever mistyped an address is told at once.
    from scripts.vllm.gateway import gateway_before  # noqa: PLC0415
    from scripts.vllm.suite import run  # noqa: PLC0415

    try:
        with gateway_before(asked.address, asked.node_models, asked.api_key_file) as client:
            failed = [name for name, wrong in map(told, run(client)) if wrong is not None]
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


def told(outcome: tuple[str, str | None]) -> tuple[str, str | None]:
    """The outcome of a part, said as it comes."""
    name, wrong = outcome
    print(f"ok      {name}" if wrong is None else f"FAILED  {name}: {wrong}", flush=True)
    return outcome


if __name__ == "__main__":
    main()
