"""Events as the topics and data of a log, by the contracts' ABI."""

from collections.abc import Sequence
from dataclasses import astuple, is_dataclass
from typing import Any

from eth_abi.abi import encode

from ledger.chain.abi import load_abi


def encoded_log(contract: str, event: str, values: Sequence[object]) -> tuple[str, list[bytes], bytes]:
    """(contract, topics, data) of an event with these values, in the order of its inputs."""
    entry = load_abi(contract).events[event]
    pairs = list(zip(entry.inputs, map(_plain, values), strict=True))
    topics = [entry.topic, *(encode([field.type], [value]) for field, value in pairs if field.indexed)]
    body = [(field.type, value) for field, value in pairs if not field.indexed]
    return contract, topics, encode([kind for kind, _ in body], [value for _, value in body])


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return astuple(value)
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value
