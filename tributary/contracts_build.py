"""The contracts, compiled: ABIs and bytecode from contracts/src with the locked compiler.

One settings file, contracts/foundry.toml, serves this and forge. What was compiled is kept in the state folder under a
key made of sources, settings and compiler, so a second run reads it back. `python -m tributary.contracts_build` writes
contracts/abi: an ABI per contract, and the digests of the bytecode that a test compares.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import solcx
from solcx.exceptions import SolcError

from ledger.config import CHECKOUT, state_folder
from ledger.errors import PermanentError, TributaryError

CONTRACTS = CHECKOUT / "contracts"
ABI_FOLDER = CONTRACTS / "abi"
DIGESTS_FILE = ABI_FOLDER / "digests.json"
NAMES = (
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
"""The contracts that are deployed, the token only on a devnet."""

_IMPORT = re.compile(r"""\bimport\b[^"';]*["']([^"']+)["']\s*;""")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract.

    Attributes:
        abi: plain ABI entries.
        bytecode: creation code, without constructor arguments.
        runtime_bytecode: code as deployed, immutables zero.
    """

    abi: list[dict[str, Any]]
    bytecode: bytes
    runtime_bytecode: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the creation code, hex."""
        return hashlib.sha256(self.bytecode).hexdigest()


def artifacts(*, cached: bool = True) -> dict[str, Artifact]:
    """Every contract of NAMES, compiled now or read back if nothing has changed since.

    Raises:
        PermanentError: the compiler is not installed, or refuses the sources; the sentence has its first error.
    """
    request = compiler_request()
    key = _cache_key(request)
    kept = state_folder() / "artifacts" / f"{key}.json"
    if cached and kept.is_file():
        return {name: _from_json(entry) for name, entry in json.loads(kept.read_text()).items()}
    compiled = _compile(request)
    _keep(kept, {name: _to_json(artifact) for name, artifact in compiled.items()})
    return compiled


def compiler_request() -> dict[str, Any]:
    """Standard-JSON input: all sources with what they import, and the settings of foundry.toml."""
    profile = tomllib.loads((CONTRACTS / "foundry.toml").read_text())["profile"]["default"]
    return {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in sorted(_sources().items())},
        "settings": {
            "optimizer": {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]},
            "viaIR": profile["via_ir"],
            "evmVersion": profile["evm_version"],
            "metadata": {"bytecodeHash": profile["bytecode_hash"], "appendCBOR": profile["cbor_metadata"]},
            "outputSelection": {
                f"contracts/src/{name}.sol": {name: ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}
                for name in NAMES
            },
        },
    }


def write_abis() -> None:
    """Compiles afresh and writes contracts/abi."""
    compiled = artifacts(cached=False)
    ABI_FOLDER.mkdir(exist_ok=True)
    for name, artifact in compiled.items():
        (ABI_FOLDER / f"{name}.json").write_text(abi_text(artifact))
    DIGESTS_FILE.write_text(digests_text(compiled))


def abi_text(artifact: Artifact) -> str:
    """An ABI as it is committed."""
    return json.dumps(artifact.abi, indent=1) + "\n"


def digests_text(compiled: dict[str, Artifact]) -> str:
    """The bytecode's digests as they are committed."""
    return json.dumps({name: compiled[name].digest for name in NAMES}, indent=1) + "\n"


def _sources() -> dict[str, str]:
    found: dict[str, str] = {}
    waiting = [f"contracts/src/{name}.sol" for name in NAMES]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = _source_file(path).read_text()
        waiting += [_resolve(path, name) for name in _IMPORT.findall(found[path])]
    return found


def _resolve(importer: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), name)) if name.startswith(".") else name


def _source_file(path: str) -> Path:
    file = state_folder() / "node_modules" / path if path.startswith("@") else CHECKOUT / path
    if not file.is_file():
        raise PermanentError(f"The Solidity source {path} is missing; run ./scripts/demo or ./scripts/test once.")
    return file


def _compile(request: dict[str, Any]) -> dict[str, Artifact]:
    try:
        output = solcx.compile_standard(request, solc_binary=CHECKOUT / "scripts" / "solc")
    except (SolcError, OSError) as error:
        lines = str(error).strip().splitlines() or ["no answer"]
        raise PermanentError(f"The Solidity compiler failed: {lines[0]}") from error
    return {name: _artifact(output["contracts"][f"contracts/src/{name}.sol"][name]) for name in NAMES}


def _artifact(entry: dict[str, Any]) -> Artifact:
    evm = entry["evm"]
    return Artifact(
        abi=entry["abi"],
        bytecode=bytes.fromhex(evm["bytecode"]["object"]),
        runtime_bytecode=bytes.fromhex(evm["deployedBytecode"]["object"]),
    )


def _cache_key(request: dict[str, Any]) -> str:
    package = json.loads((state_folder() / "node_modules" / "solc" / "package.json").read_text())
    material = json.dumps([package["version"], request], sort_keys=True)
    return hashlib.sha256(material.encode()).hexdigest()


def _to_json(artifact: Artifact) -> dict[str, Any]:
    return {"abi": artifact.abi, "bytecode": artifact.bytecode.hex(), "runtime": artifact.runtime_bytecode.hex()}


def _from_json(entry: dict[str, Any]) -> Artifact:
    return Artifact(entry["abi"], bytes.fromhex(entry["bytecode"]), bytes.fromhex(entry["runtime"]))


def _keep(path: Path, content: dict[str, Any]) -> None:
    """Writes whole or not at all: several runs may compile at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file)
    Path(name).replace(path)


if __name__ == "__main__":
    try:
        write_abis()
    except TributaryError as problem:
        sys.exit(str(problem))
