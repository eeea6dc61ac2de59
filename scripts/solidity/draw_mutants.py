"""Draws mutants of the contracts with slither-mutate's own mutators, in an order that the seed decides.

`draw_mutants.py SEED` prints one JSON object a line: {"mutator", "file", "line", "start", "end", "old", "new"}, bytes counted
in UTF-8. All that the mutators know to make is there; whoever runs them takes the first ones that compile. Slither reads some
sets in another order each time, which makes or drops a few of the thousands: so each has its own place by the seed, not by the others.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import sys
from pathlib import Path
from typing import Any

from slither.tools.mutator.mutators import all_mutators
from slither.tools.mutator.mutators.abstract_mutator import AbstractMutator
from sources import CHECKOUT, read_contracts

FOR_DEVELOPMENT = {"TestToken.sol"}


def main() -> None:
    for mutant in sorted(all_mutants(), key=lambda mutant: place(sys.argv[1], mutant)):
        print(json.dumps(mutant))


def place(seed: str, mutant: dict[str, Any]) -> bytes:
    return hashlib.sha256(f"{seed} {json.dumps(mutant, sort_keys=True)}".encode()).digest()


def all_mutants() -> list[dict[str, Any]]:
    logging.disable()
    (unit,) = read_contracts().compilation_units
    found: dict[str, dict[str, Any]] = {}
    for contract in unit.contracts:
        file = Path(contract.source_mapping.filename.absolute)
        if CHECKOUT / "contracts" / "src" not in file.parents or file.name in FOR_DEVELOPMENT:
            continue
        for kind in kinds():
            mutator = kind(unit, 0, "", "", contract, None, False, Path(), [])
            try:
                # Its public method also runs the tests, one mutator after another instead of in the seed's order.
                patches = mutator._mutate().get("patches", {})  # noqa: SLF001
            except Exception as error:  # noqa: BLE001 -- the tool's mutators fail on what they do not know
                print(f"{kind.NAME} can not read {contract.name}: {error}", file=sys.stderr)
                continue
            for patch in (p for every in patches.values() for p in every):
                mutant = described(kind.NAME, file, patch)
                found[json.dumps(mutant, sort_keys=True)] = mutant
    return list(found.values())


def kinds() -> list[type[AbstractMutator]]:
    every = [getattr(all_mutators, name) for name in sorted(dir(all_mutators))]
    return [kind for kind in every if inspect.isclass(kind) and issubclass(kind, AbstractMutator)]


def described(mutator: str, file: Path, patch: dict[str, Any]) -> dict[str, Any]:
    return {
        "mutator": mutator,
        "file": str(file.relative_to(CHECKOUT)),
        "line": patch["line_number"],
        "start": patch["start"],
        "end": patch["end"],
        "old": patch["old_string"],
        "new": patch["new_string"],
    }


if __name__ == "__main__":
    main()
