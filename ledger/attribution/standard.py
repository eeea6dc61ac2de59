"""The method that ships: its constants, its tables, and the common texts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from ledger.protocol.attribution import Method, Parameters

TABLES: Final = Path(__file__).parent / "tables"
BACKGROUND: Final = TABLES / "background"
"""Folder of the common texts: they stand before every registered dataset, and nobody earns by them."""

PARAMETERS: Final = Parameters(
    window_millibits=56_000,
    window_units=32,
    window_bytes=4_096,
    claim_millibits=72_000,
    unknown_millibits_per_character=3_500,
    most_millibits=16_000,
    fold_hash=bytes.fromhex("3f3fac3b1ebaa0988737352b830eb9ab5769052b3ea94000aefbd76b85618d7f"),
    surprisal_hash=bytes.fromhex("d4fd38e47065904eec32d7d85c0a51fa9b4e8dd866fd1c091f1fe8fe0c6adcaf"),
    background=bytes.fromhex("ba73b60a2371a465a654b83cf53b001ca695540e03115505c61422a807acd213"),
)
"""Version 1. A test holds the hashes to the files, and docs/spec/attribution.md to the values."""


@cache
def standard_method() -> Method:
    """The shipped method with its tables read."""
    return Method.load(PARAMETERS, (TABLES / "fold.txt").read_bytes(), (TABLES / "surprisal.txt").read_bytes())
