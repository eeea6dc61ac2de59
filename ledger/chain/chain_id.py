"""Which chain a node serves, for a program that knows only its address."""

from collections.abc import Sequence

import httpx
from pydantic_core import from_json

from ledger.chain.endpoint import public_name
from ledger.errors import RpcUnavailableError

_QUESTION = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}


def served_chain_id(urls: Sequence[str], name: str, timeout_seconds: float = 20.0) -> int:
    """The chain id of the first node that answers; `RpcClient` then holds all of them to it.

    Raises:
        RpcUnavailableError: none answers.
    """
    for url in urls:
        try:
            answer = from_json(httpx.post(url, json=_QUESTION, timeout=timeout_seconds).content)
            return int(answer["result"], 16)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
            continue
    asked = ", ".join(public_name(url) for url in urls)
    raise RpcUnavailableError(f"No {name} node answers at {asked}; is it running, and is the address right?")
