"""The peers: what the Ethereum Attestation Service takes for one receipt, and for the root of any number of them.

EAS as npm carries it (@ethereum-attestation-service/eas-contracts, its own bytecode), on the same L2.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_abi.abi import encode as abi_encode

from benchmarks.onchain.batches import Spent, on_l2
from ledger.chain.abi import Abi, parse_abi
from ledger.chain.transaction import Call
from ledger.config import state_folder
from ledger.errors import ToolMissingError
from ledger.protocol.keccak import keccak256

if TYPE_CHECKING:
    from ledger.protocol.receipt import Receipt
    from tests.factories.operator_flow import OperatorFlow

PACKAGE = "@ethereum-attestation-service/eas-contracts"
SCHEMA = "bytes inferenceReceipt"


@dataclass(frozen=True)
class Attested:
    """One attestation of an equal receipt, one timestamp of a root, and the bytes that the receipt has."""

    attest: Spent
    timestamp: Spent
    receipt_bytes: int


def measure(flow: OperatorFlow, receipt: Receipt) -> Attested:
    """Deploys EAS and measures both, after one that is not counted."""
    registry_abi, registry_code = _artifact("SchemaRegistry")
    eas_abi, eas_code = _artifact("EAS")
    registry = _create(flow, registry_code)
    eas = _create(flow, eas_code + abi_encode(["address"], [registry]))
    nobody = bytes(20)
    flow.send(Call(registry, registry_abi.functions["register"].encode_call([SCHEMA, nobody, False])))
    schema = keccak256(SCHEMA.encode(), nobody, b"\0")
    packed = packed_receipt(receipt)
    data = (receipt.payer, 0, False, bytes(32), packed, 0)
    attest = Call(eas, eas_abi.functions["attest"].encode_call([(schema, data)]))
    flow.send(attest)
    attested, _ = on_l2(flow, attest)
    stamps = [Call(eas, eas_abi.functions["timestamp"].encode_call([keccak256(bytes([n]))])) for n in range(2)]
    flow.send(stamps[0])
    stamped, _ = on_l2(flow, stamps[1])
    return Attested(attested, stamped, len(packed))


def packed_receipt(receipt: Receipt) -> bytes:
    """Every field of a receipt in the fewest whole bytes: kinder to the peer than Solidity's ABI."""
    widths = (
        (receipt.lane, 2), (receipt.seq, 8), (receipt.asset_id, 4), (receipt.input_units, 3), (receipt.output_units, 3),
        (receipt.fee_units, 8), (receipt.started_at, 5), (receipt.duration_ms, 4),
    )  # fmt: skip
    numbers = b"".join(value.to_bytes(width, "big") for value, width in widths)
    hashes = receipt.request_hash + receipt.response_hash + receipt.attribution_hash
    return receipt.operator + receipt.payer + hashes + numbers


def version() -> str:
    """The package's version."""
    return str(_read("package.json")["version"])


def _create(flow: OperatorFlow, code: bytes) -> bytes:
    address = flow.send(Call(b"", code)).contract_address
    assert address is not None
    return address


def _artifact(name: str) -> tuple[Abi, bytes]:
    artifact = _read(f"artifacts/contracts/{name}.sol/{name}.json")
    return parse_abi(name, artifact["abi"]), bytes.fromhex(artifact["bytecode"].removeprefix("0x"))


def _read(path: str) -> Any:
    file = state_folder() / "node_modules" / PACKAGE / path
    if not file.is_file():
        raise ToolMissingError(f"{PACKAGE} is not installed; ./scripts/bench gas installs it.")
    return json.loads(file.read_text())
