"""What everybody is owed: seconds and memory at 1e5 and 1e6 payees, gas per payee, this machine's cores beside Spark."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring.engines import Engines, compare
from benchmarks.measuring.owed import BATCHES, RECEIPTS_A_BATCH, fill
from benchmarks.measuring.paying import CLAIMS, gas_per_payee
from benchmarks.measuring.progress import progress
from benchmarks.measuring.report import Row, finish, options
from tributary.database import migrate
from tributary.postgres import PostgresServer

SIZES, QUICK_SIZES = (100_000, 1_000_000), (100_000,)
ENGINE_BATCHES, QUICK_ENGINE_BATCHES = (8, 6), (2, 4)
"""(distinct full batches, how often each is committed)."""
STEPS = {
    "compute": "compute: one SQL pass over per-batch sums",
    "tree_and_file": "tree, root and distribution file",
    "proofs": "all proofs",
    "store": "store entitlements, tree and file",
    "choose": "choose and deal out the claims to push",
    "attester": "an attester: recompute, by the protocol's rule, and compare",
}


def main() -> None:
    asked = options(__doc__ or "")
    sizes = QUICK_SIZES if asked.quick else SIZES
    with tempfile.TemporaryDirectory(prefix="tributary-bench-") as folder:
        rows = [row for payees in sizes for row in settling(Path(folder), payees)]
        rows += gas(sizes[-1])
        progress("entitlements from the archive, by every engine")
        engines = compare(Path(folder) / "archive", *(QUICK_ENGINE_BATCHES if asked.quick else ENGINE_BATCHES))
    finish("settlement", [*rows, *engine_rows(engines)], asked, notes(engines))


def settling(folder: Path, payees: int) -> list[Row]:
    """One settlement of an index that owes so many payees, in a process of its own."""
    progress(f"an index that owes {payees:,} payees")
    with PostgresServer(folder / f"data_{payees}") as server:
        url = server.ensure_database("benchmark")
        migrate(url)
        fill(url, payees)
        command = [sys.executable, "-m", "benchmarks.measuring.owed", url, str(payees)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures = json.loads(done.stdout)
    rows = [
        Row(f"{payees:,} payees: {name}", round(figures[step], 3), "s", beside=beside(step, figures, payees))
        for step, name in STEPS.items()
    ]
    return [*rows, Row(f"{payees:,} payees: peak memory of settlement", round(figures["peak_mib"]), "MiB")]


def beside(step: str, figures: dict[str, float], payees: int) -> dict[str, object]:
    per_payee = {
        "µs a payee": round(figures[step] / payees * 1e6, 2), "s of CPU here": round(figures[f"{step}_cpu"], 2),
    }  # fmt: skip
    match step:
        case "tree_and_file":
            return per_payee | {"file MB": round(figures["file_bytes"] / 1e6, 1)}
        case "proofs":
            return per_payee | {"hashes a proof": round(figures["proof_nodes"] / payees, 1)}
        case _:
            return dict(per_payee)


def gas(payees: int) -> list[Row]:
    """Gas of a payee's part of claimMany, in a tree of so many."""
    progress(f"a devnet, and claims in a tree of {payees:,} payees")
    figures = gas_per_payee(payees)
    tree = {"payees in the tree": payees}
    return [
        Row(
            f"gas of a payee in claimMany over {CLAIMS}, never paid before", round(figures["first"]), "gas", beside=tree
        ),
        Row(f"gas of a payee in claimMany over {CLAIMS}, paid before", round(figures["later"]), "gas", beside=tree),
    ]


def engine_rows(engines: Engines) -> list[Row]:
    """Receipts a second of each engine, from archived blobs to entitlements."""
    alone = next(iter(engines.seconds.values()))
    return [
        Row(
            f"entitlements from the archive: {name}", round(engines.receipts / seconds), "receipts/s",
            beside={"s": round(seconds, 2), "times 1 process": round(alone / seconds, 2)}
            | ({"s for no batches": round(engines.starting_spark or 0, 2)} if name.startswith("spark") else {}),
        )
        for name, seconds in engines.seconds.items()
    ]  # fmt: skip


def notes(engines: Engines) -> tuple[str, ...]:
    return (
        "CPU is this process's own; PostgreSQL computes beside it.",
        f"The index holds {BATCHES:,} batches of {RECEIPTS_A_BATCH:,} receipts; settlement reads their sums alone.",
        f"Engines: {engines.batches} full batches, {engines.receipts:,} receipts, every blob checked by KZG; starting"
        " the processes, or Spark, is counted. Their results were equal."
        + (f" {engines.lacking}" * bool(engines.lacking)),
    )


if __name__ == "__main__":
    main()
