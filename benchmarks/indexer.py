"""From RPC and beacon addresses to verified rows: receipts and plain events a second, memory and catch-up time by size."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.indexing.bare_limit import BareLimit
from benchmarks.indexing.catching_up import CaughtUp, catch_up
from benchmarks.indexing.event_log import EVENTS_A_BLOCK, event_log
from benchmarks.indexing.plain_events import PlainEvents
from benchmarks.indexing.real_chains import real_chains
from benchmarks.measuring.progress import progress
from benchmarks.measuring.report import Options, Row, finish, options
from benchmarks.measuring.timing import interleaved
from indexer.collecting import rare_collections
from tributary.database import migrate
from tributary.postgres import PostgresServer

RECEIPTS_A_SECOND = 25_000
LEAST_SHARE = 0.5
MOST_MEMORY_MIB = 500
MIB = 2**20
SIZES, QUICK_SIZES = (100_000, 1_000_000, 10_000_000), (100_000,)
EVENTS, QUICK_EVENTS = 200_000, 100_000
REAL_BATCHES, QUICK_REAL_BATCHES = 9, 3
BARE_BATCHES = 4
LEAST_JUDGED = 500_000
NOTES = (
    "devnet: real anvils and real blobs; medians.",
    (
        "made chains: a server with the JSON-RPC and beacon API of real ones that makes valid batches in memory; timed is the"
        " whole process, its start included."
    ),
    (
        "bare ckzg + COPY: commitments to the blobs on all processors while the same rows are copied; nothing is read,"
        " decoded, judged or archived. PostgreSQL has fsync on; its memory is not counted."
    ),
    "bare getLogs + COPY: fetches ahead, keeps six fields of a log in a table of its own; no headers, no checks.",
)


def main() -> None:
    asked = options(__doc__ or "")
    rounds = 1 if asked.quick else 3
    with rare_collections():
        rows = [*receipts(asked, rounds), *plain_events(asked, 2 if asked.quick else 5)]
    finish("indexer", rows, asked, notes(asked))


def notes(asked: Options) -> tuple[str, ...]:
    return (*NOTES, *(["Quick: smaller sizes, one round."] if asked.quick else []))


def receipts(asked: Options, rounds: int) -> list[Row]:
    """Receipts end to end, on a devnet and on made chains of growing length."""
    progress("posting full batches to a devnet")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tributary-bench-")))
        limit = stack.enter_context(BareLimit(folder, BARE_BATCHES))
        chains = stack.enter_context(
            real_chains(QUICK_REAL_BATCHES if asked.quick else REAL_BATCHES, database(stack, folder))
        )
        progress("indexing them, beside bare ckzg + COPY")
        seconds = interleaved(rounds, {"ours": chains.index, "bare": limit.run})
        bare = limit.receipts / seconds["bare"]
    rate = chains.receipts / seconds["ours"]
    real = rated(f"receipts, devnet, {chains.receipts:,}", rate, bare)
    runs = [catch_up(size) for size in (QUICK_SIZES if asked.quick else SIZES)]
    return [real, *(row for run in runs for row in (made(run, bare), catching_up(run))), memory(runs)]


def database(stack: ExitStack, folder: Path) -> str:
    server = stack.enter_context(PostgresServer(folder / "indexed"))
    url = server.create_database("indexed")
    migrate(url)
    return url


def rated(name: str, rate: float, bare: float, *, judged: bool = True) -> Row:
    beside = {"share": round(rate / bare, 3), "bare ckzg + COPY": round(bare)}
    must, ok = (f"≥ {RECEIPTS_A_SECOND:,}", rate >= RECEIPTS_A_SECOND) if judged else (None, None)
    return Row(name, round(rate), "receipts/s", must, ok, beside)


def made(run: CaughtUp, bare: float) -> Row:
    """Judged where the start of the process is no longer most of the time."""
    judged = run.receipts >= LEAST_JUDGED
    return rated(f"receipts, made chains, {run.receipts:,}", run.rate, bare, judged=judged)


def catching_up(run: CaughtUp) -> Row:
    resident = {"peak resident MiB": round(run.peak_bytes / MIB)}
    return Row(f"catch-up, made chains, {run.receipts:,}", round(run.seconds, 1), "s", beside=resident)


def memory(runs: list[CaughtUp]) -> Row:
    """The largest resident memory of any size, beside that of the smallest and the largest chain."""
    peak = max(run.peak_bytes for run in runs) / MIB
    beside = {f"{run.receipts:,}": round(run.peak_bytes / MIB) for run in runs}
    must = f"≤ {MOST_MEMORY_MIB} at every size"
    return Row("resident memory", round(peak), "MiB", must, peak <= MOST_MEMORY_MIB, beside)


def plain_events(asked: Options, rounds: int) -> list[Row]:
    """An ordinary event log, by the engine and by a bare loop."""
    progress("logging ordinary events on an anvil")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tributary-bench-")))
        log = stack.enter_context(event_log(QUICK_EVENTS if asked.quick else EVENTS, folder))
        contenders = PlainEvents(log, database(stack, folder))
        progress("indexing it, beside a bare getLogs + COPY loop")
        seconds = interleaved(rounds, {"ours": contenders.engine, "bare": contenders.bare})
    rate, bare = log.events / seconds["ours"], log.events / seconds["bare"]
    beside = {"share": round(rate / bare, 3), "bare getLogs + COPY": round(bare), "events a block": EVENTS_A_BLOCK}
    must = f"share ≥ {LEAST_SHARE}"
    return [Row(f"plain events, {log.events:,}", round(rate), "events/s", must, rate / bare >= LEAST_SHARE, beside)]


if __name__ == "__main__":
    main()
