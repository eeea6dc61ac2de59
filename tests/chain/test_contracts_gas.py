"""Whole-transaction gas of what moves money: within its bounds, and within one per cent of the committed snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.gas import measure_operations
from benchmarks.measuring.report import Row
from benchmarks.onchain.world import World, world
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

SNAPSHOT = Path(__file__).resolve().parents[2] / "benchmarks" / "snapshots" / "gas.json"
TOLERANCE_PERCENT = 1


@pytest.fixture(scope="module")
def stage(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(devnet, tmp_path_factory.mktemp("deployments")) as stage:
        yield stage


@pytest.fixture(scope="module")
def rows(stage: World) -> list[Row]:
    return measure_operations(stage).rows()


def committed() -> dict[str, Row]:
    return {row["name"]: Row(**row) for row in json.loads(SNAPSHOT.read_text())}


def test_every_operation_keeps_to_its_gas(rows: list[Row]) -> None:
    for row in rows:
        print(f"{row.name}: {row.value} gas, {row.must}")
    assert [(row.name, row.value, row.must) for row in rows if not row.ok] == []
    assert len(rows) == 9


def test_every_operation_costs_what_the_snapshot_says(rows: list[Row]) -> None:
    kept = committed()
    off = {
        row.name: (row.value, kept[row.name].value)
        for row in rows
        if abs(row.value - kept[row.name].value) * 100 > kept[row.name].value * TOLERANCE_PERCENT
    }
    assert off == {}, "renew it: ./scripts/bench gas --json benchmarks/snapshots/gas.json"


def test_the_snapshot_reached_every_bound_and_names_its_peers() -> None:
    kept = committed()
    assert [name for name, row in kept.items() if row.ok is False] == []
    assert sum(row.ok is True for row in kept.values()) == 11
    assert "EAS attest of an equal receipt" in kept
    assert "EAS timestamp of a root of any number" in kept
