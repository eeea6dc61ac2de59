"""Logs to events, by eth_abi and the committed ABIs: plain, slow, and apart from the decoder that the indexer uses."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from ledger.config import CHECKOUT
from ledger.errors import ProtocolError
from ledger.protocol.keccak import keccak256

ABI_FOLDER: Final = CHECKOUT / "contracts" / "abi"
TRANSFER_TOPIC: Final = keccak256(b"Transfer(address,address,uint256)")

Json = Any
"""A value out of JSON."""


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log. Addresses and hashes in `args` are bytes, structs are dicts, lists are tuples."""

    contract: str
    name: str
    args: Mapping[str, Any]
    block: int
    index: int
    transaction: bytes


class EventReader:
    """Reads the logs of the contracts whose names and addresses it is given."""

    def __init__(self, addresses: Mapping[str, bytes], folder: Path = ABI_FOLDER) -> None:
        """Load the ABIs.

        Args:
            addresses: contract name, as its ABI file is called, to its address.
            folder: where the ABI files are.
        """
        self._names = {address: name for name, address in addresses.items()}
        self._abis = {name: read_abi(folder / f"{name}.json") for name in addresses}

    def read(self, log: Json) -> Event | None:
        """The log, as a node gave it, as an event; None if the contract's ABI knows no such event."""
        name = self._names[unhex(log["address"])]
        topics = [bytes(topic) for topic in log["topics"]]
        abi = self._abis[name].get(topics[0]) if topics else None
        if abi is None:
            return None
        return Event(
            contract=name,
            name=abi["name"],
            args=_arguments(abi["inputs"], topics[1:], bytes(log["data"])),
            block=log["blockNumber"],
            index=log["logIndex"],
            transaction=bytes(log["transactionHash"]),
        )


def read_abi(path: Path) -> dict[bytes, Json]:
    """The events of an ABI file by their topic."""
    entries = json.loads(path.read_text())
    return {keccak256(signature(entry).encode()): entry for entry in entries if entry["type"] == "event"}


def signature(entry: Json) -> str:
    """Name and canonical types, as Solidity hashes them."""
    return f"{entry['name']}({','.join(canonical(item) for item in entry['inputs'])})"


def canonical(item: Json) -> str:
    """An ABI item's type with structs spelt out."""
    kind: str = item["type"]
    if kind.startswith("tuple"):
        return f"({','.join(canonical(part) for part in item['components'])}){kind.removeprefix('tuple')}"
    return kind


def unhex(text: str) -> bytes:
    """Bytes of a 0x string."""
    return bytes.fromhex(text.removeprefix("0x"))


def _arguments(items: Sequence[Json], topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
    """Every argument by its name: indexed ones from topics, the rest from the data."""
    indexed = [item for item in items if item["indexed"]]
    plain = [item for item in items if not item["indexed"]]
    try:
        values = [decode([canonical(item)], topic)[0] for item, topic in zip(indexed, topics, strict=True)]
        values.extend(decode([canonical(item) for item in plain], data))
    except (DecodingError, ValueError) as error:
        raise ProtocolError(f"A log can not be decoded by its contract's ABI: {error}.") from error
    return {item["name"]: plain_value(item, value) for item, value in zip(indexed + plain, values, strict=True)}


def plain_value(item: Json, value: Any) -> Any:
    """eth_abi's value with addresses as bytes, structs as dicts by component, lists as tuples."""
    kind: str = item["type"]
    if kind.endswith("]"):
        element = {**item, "type": kind[: kind.rindex("[")]}
        return tuple(plain_value(element, each) for each in value)
    if kind == "tuple":
        return {part["name"]: plain_value(part, each) for part, each in zip(item["components"], value, strict=True)}
    return unhex(value) if kind == "address" else value


def of(events: Iterable[Event], contract: str, *names: str) -> list[Event]:
    """The events of one contract with one of these names, in the order given."""
    return [event for event in events if event.contract == contract and event.name in names]
