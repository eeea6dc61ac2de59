"""What readers wait for: every reading endpoint at 1e7 receipts and 1e4 contributors, at 100 requests a second."""

import tempfile
from pathlib import Path

from benchmarks.measuring.progress import progress
from benchmarks.measuring.report import Row, finish, options
from benchmarks.reading.driver import Served, drive, serving
from benchmarks.reading.ledger import CONTRIBUTORS, FULL_RECEIPTS, QUICK_RECEIPTS, fill
from benchmarks.reading.pages import first_paint
from benchmarks.reading.paths import PATHS, PROOFS, Endpoint
from tributary.database import migrate
from tributary.postgres import PostgresServer

RATE = 100
P99_MS, MONTH_MS, PAINT_MS = 50, 20, 500


def main() -> None:
    asked = options(__doc__ or "")
    receipts = QUICK_RECEIPTS if asked.quick else FULL_RECEIPTS
    seconds = 1 if asked.quick else 10
    with tempfile.TemporaryDirectory(prefix="tributary-bench-") as folder:
        rows = measured(Path(folder), receipts, seconds)
    finish(
        "api", rows, asked, (f"{receipts:,} receipts, {CONTRIBUTORS:,} contributors; {RATE} requests/s an endpoint",)
    )


def measured(folder: Path, receipts: int, seconds: int) -> list[Row]:
    """Every row, from an index of its own."""
    with PostgresServer(folder / "data") as server:
        url = server.ensure_database("benchmark")
        migrate(url)
        progress(f"filling an index with {receipts:,} receipts and {CONTRIBUTORS:,} contributors")
        known = fill(url, folder / "archive", receipts)
        with serving(url, folder) as served:
            rows = [endpoint(served, path, known, seconds) for path in PATHS]
            progress("proofs, documents and the first paint")
            rows += [once(served, path, known) for path in PROOFS]
            return [*rows, *first_paint(served, known, PAINT_MS)]


def endpoint(served: Served, path: Endpoint, known: dict[str, list[str]], seconds: int) -> Row:
    """p99 of one endpoint under steady load."""
    progress(path.template)
    taken = drive(served, path.addresses(known), RATE, seconds)
    is_month = path.is_month
    value = taken.p50 if is_month else taken.p99
    limit = MONTH_MS if is_month else P99_MS
    name = f"{path.template}: {'p50' if is_month else 'p99'}"
    beside = {"p50 ms": round(taken.p50, 1), "p99 ms": round(taken.p99, 1), "most ms": round(taken.most, 1)}
    return Row(name, round(value, 2), "ms", f"≤ {limit}", value <= limit, beside | {"answers": taken.count})


def once(served: Served, path: Endpoint, known: dict[str, list[str]]) -> Row:
    """What is computed once and kept: the first answer, and the same again."""
    first, again = served.time(path.addresses(known)[0]), served.time(path.addresses(known)[0])
    return Row(f"{path.template}: first time", round(first, 1), "ms", beside={"kept, ms": round(again, 1)})


if __name__ == "__main__":
    main()
