"""Which contract goes where, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import rlp
from eth_abi.abi import encode

from ledger.protocol.hexadecimal import ZERO_ADDRESS
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import PPM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tributary.contracts_build import Artifact
    from tributary.deployment.parameters import Parameters

Layer = Literal["L1", "L2"]

_L2_ORDER = (
    "TestToken",
    "AttributionRegistry",
    "Operators",
    "PaymentEscrow",
    "RoyaltyDistributor",
    "FormatChallenges",
    "ReceiptChallenges",
    "BlobDemands",
    "ReceiptLedger",
)
"""The ledger comes last: its constructor checks that the others were built for it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One contract creation: by the deployer's transaction of this nonce, at the address that follows from it."""

    layer: Layer
    contract: str
    nonce: int
    address: bytes
    creation_code: bytes


def contract_address(sender: bytes, nonce: int) -> bytes:
    """The address of the contract that a sender's transaction of this nonce creates, 20 bytes."""
    return keccak256(rlp.encode([sender, nonce]))[12:]


def plan_steps(
    parameters: Parameters, deployer: bytes, nonces: Mapping[Layer, int], artifacts: Mapping[str, Artifact]
) -> list[Step]:
    """All creations, in the order in which they are sent."""
    names = _L2_ORDER if parameters.token is None else _L2_ORDER[1:]
    places: list[tuple[Layer, str, int]] = [("L2", name, nonces["L2"] + offset) for offset, name in enumerate(names)]
    places.append(("L1", "BlobInbox", nonces["L1"]))
    addresses = {name: contract_address(deployer, nonce) for _, name, nonce in places}
    if parameters.token is not None:
        addresses["TestToken"] = parameters.token
    arguments = _arguments(parameters, addresses)
    return [
        Step(layer, name, nonce, addresses[name], _creation_code(artifacts[name], arguments[name]))
        for layer, name, nonce in places
    ]


def _creation_code(artifact: Artifact, arguments: list[Any]) -> bytes:
    constructors = [entry for entry in artifact.abi if entry["type"] == "constructor"]
    types = [_type_of(parameter) for entry in constructors for parameter in entry["inputs"]]
    return artifact.bytecode + encode(types, arguments)


def _type_of(parameter: dict[str, Any]) -> str:
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(_type_of(component) for component in parameter["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def _arguments(parameters: Parameters, at: Mapping[str, bytes]) -> dict[str, list[Any]]:
    """Constructor arguments by contract, in the order of the constructors."""
    p, token, ledger = parameters, at["TestToken"], at["ReceiptLedger"]
    judging = [ledger, at["AttributionRegistry"], at["Operators"]]
    wiring = (
        at["AttributionRegistry"],
        at["Operators"],
        at["PaymentEscrow"],
        at["RoyaltyDistributor"],
        at["FormatChallenges"],
        at["ReceiptChallenges"],
        at["BlobDemands"],
        at["BlobInbox"],
        ZERO_ADDRESS if p.l1_messenger is None else p.l2_messenger,
        p.protocol_payee,
        p.protocol_ppm,
        p.pauser,
    )
    return {
        "TestToken": [],
        "AttributionRegistry": [PPM - p.protocol_ppm],
        "Operators": [token, ledger, p.min_reserve_units, p.reserve_ppm, p.pauser],
        "PaymentEscrow": [token, ledger, at["RoyaltyDistributor"], p.pauser],
        "RoyaltyDistributor": [token, ledger, p.governor, sorted(p.attesters), p.quorum],
        "FormatChallenges": judging,
        "ReceiptChallenges": judging,
        "BlobDemands": [*judging, token, p.demand_deposit_units],
        "ReceiptLedger": [wiring],
        "BlobInbox": [ledger, p.portal or ZERO_ADDRESS, p.l1_messenger or ZERO_ADDRESS],
    }
