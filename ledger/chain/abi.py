"""Contract ABIs: what is in contracts/abi, with selectors, topics and readers worked out once.

Source: Solidity "Contract ABI Specification".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from eth_abi.abi import encode as abi_encode

from ledger.chain.abi_reading import Reader, reader_of
from ledger.protocol.keccak import keccak256

ABI_FOLDER: Final = Path(__file__).resolve().parents[2] / "contracts" / "abi"
CONTRACTS: Final = (
    "AttributionRegistry",
    "BlobDemands",
    "BlobInbox",
    "FormatChallenges",
    "Operators",
    "PaymentEscrow",
    "ReceiptChallenges",
    "ReceiptLedger",
    "RoyaltyDistributor",
    "TestToken",
)
"""Every contract whose ABI is committed; TestToken's stands for the token's."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument, result, operand or event field."""

    name: str
    type: str
    """Canonical type: tuples spelt out, as in a signature."""
    indexed: bool
    reader: Reader


@dataclass(frozen=True, slots=True)
class Entry:
    """A function, event or custom error."""

    kind: str
    name: str
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]

    @property
    def signature(self) -> str:
        """Name and canonical types, as they are hashed."""
        return f"{self.name}({','.join(p.type for p in self.inputs)})"

    @property
    def topic(self) -> bytes:
        """32-byte hash of the signature: an event's first topic."""
        return keccak256(self.signature.encode())

    @property
    def selector(self) -> bytes:
        """First 4 bytes of the signature's hash."""
        return self.topic[:4]

    def encode_call(self, arguments: Sequence[object]) -> bytes:
        """Calldata: selector and arguments. Structs may be dataclasses or tuples."""
        plain = [_plain(argument) for argument in arguments]
        return self.selector + abi_encode([p.type for p in self.inputs], plain)


@dataclass(frozen=True, slots=True)
class Abi:
    """One contract's functions, events and errors by name. No name is overloaded."""

    name: str
    functions: dict[str, Entry]
    events: dict[str, Entry]
    errors: dict[str, Entry]
    constructor: Entry


@cache
def load_abi(name: str) -> Abi:
    """The committed ABI of a contract.

    Raises:
        FileNotFoundError: there is no contracts/abi/<name>.json.
    """
    return parse_abi(name, json.loads((ABI_FOLDER / f"{name}.json").read_text()))


def parse_abi(name: str, entries: Sequence[dict[str, Any]]) -> Abi:
    """An ABI from its JSON form."""
    by_kind: dict[str, dict[str, Entry]] = {"function": {}, "event": {}, "error": {}, "constructor": {}}
    for raw in entries:
        kind = raw["type"]
        if kind in by_kind:
            entry = _entry(raw)
            by_kind[kind][entry.name] = entry
    constructor = by_kind["constructor"].get("", Entry("constructor", "", (), ()))
    return Abi(name, by_kind["function"], by_kind["event"], by_kind["error"], constructor)


def _entry(raw: dict[str, Any]) -> Entry:
    return Entry(
        raw["type"],
        raw.get("name", ""),
        tuple(_parameter(p) for p in raw.get("inputs", ())),
        tuple(_parameter(p) for p in raw.get("outputs", ())),
    )


def _parameter(raw: dict[str, Any]) -> Parameter:
    return Parameter(raw.get("name", ""), _canonical(raw), bool(raw.get("indexed")), reader_of(raw))


def _canonical(raw: dict[str, Any]) -> str:
    kind = str(raw["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(_canonical(component) for component in raw["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def _plain(value: Any) -> Any:
    """Dataclasses and sequences as nested tuples, in field order; other values unchanged."""
    if hasattr(value, "__dataclass_fields__"):
        return tuple(_plain(getattr(value, name)) for name in value.__dataclass_fields__)
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return value
