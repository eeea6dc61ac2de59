"""The contracts as Slither reads them: compiled to syntax trees alone by the locked compiler, which takes seconds."""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
from pathlib import Path
from typing import Any

from crytic_compile import CryticCompile
from crytic_compile.compilation_unit import CompilationUnit
from crytic_compile.compiler.compiler import CompilerVersion
from crytic_compile.platform.solc_standard_json import SolcStandardJson, parse_standard_json_output
from slither import Slither

CHECKOUT = Path(__file__).resolve().parents[2]
STATE = Path(os.environ.get("TRIBUTARY_STATE_DIR") or CHECKOUT / ".tributary")
PACKAGES = "@openzeppelin/"
IMPORT = re.compile(r"""\bimport\b[^"';]*["']([^"']+)["']\s*;""")


def read_contracts() -> Slither:
    """Everything below contracts/src and what it imports. Paths are as in the checkout."""
    os.chdir(CHECKOUT)
    return Slither(CryticCompile(SyntaxTrees(_request())), filter_paths=["node_modules"])


class SyntaxTrees(SolcStandardJson):
    """A standard-JSON input whose contracts are given empty bytecode: Slither has no use for it."""

    def compile(self, crytic_compile: CryticCompile, **_: Any) -> None:
        """Fill a compilation unit with the syntax trees."""
        unit = CompilationUnit(crytic_compile, "contracts")
        solc = str(CHECKOUT / "scripts" / "solc")
        version = subprocess.run([solc, "--version"], capture_output=True, text=True, check=True).stdout
        number = version.partition("Version: ")[2].partition("+")[0].strip()
        unit.compiler_version = CompilerVersion("solc", number, optimized=True, via_ir=True)
        asked = json.dumps(self.to_dict())
        done = subprocess.run([solc, "--standard-json"], input=asked, capture_output=True, text=True, check=True)
        output = json.loads(done.stdout)
        errors = [e["formattedMessage"] for e in output.get("errors", []) if e["severity"] == "error"]
        if errors:
            raise SystemExit(errors[0])
        nothing = {"object": "", "sourceMap": ""}
        for contracts in output["contracts"].values():
            for contract in contracts.values():
                contract["evm"] = {"bytecode": nothing, "deployedBytecode": nothing}
        parse_standard_json_output(output, unit)


def _request() -> dict[str, Any]:
    modules = os.path.relpath(STATE / "node_modules", CHECKOUT) + "/"
    found: dict[str, dict[str, str]] = {}
    waiting = [str(path.relative_to(CHECKOUT)) for path in sorted((CHECKOUT / "contracts" / "src").rglob("*.sol"))]
    while waiting:
        path = waiting.pop()
        if path not in found:
            text = (CHECKOUT / path).read_text()
            found[path] = {"content": text}
            waiting += [_resolve(path, name, modules) for name in IMPORT.findall(text)]
    return {
        "language": "Solidity",
        "sources": found,
        "settings": {
            "remappings": [f"{PACKAGES}={modules}{PACKAGES}"],
            "evmVersion": "cancun",
            "optimizer": {"enabled": False},
            "outputSelection": {"*": {"*": ["abi"], "": ["ast"]}},
        },
    }


def _resolve(importer: str, name: str, modules: str) -> str:
    return (
        posixpath.normpath(posixpath.join(posixpath.dirname(importer), name))
        if name.startswith(".")
        else modules + name
    )
