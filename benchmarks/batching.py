"""Receipts a second from the outbox to a committed batch on the devnet, KZG included, and bytes of blobs a receipt."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.measuring.report import Options, Row, finish, options
from benchmarks.onchain.world import World, world
from benchmarks.posting.bare_kzg import BareKzg
from benchmarks.posting.full_outbox import FULL, FULL_WITH_SETS, FullOutbox
from benchmarks.posting.running_batcher import DATA, Run, batched
from tributary.database import migrate
from tributary.devnet import Devnet
from tributary.postgres import PostgresServer

LEAST_RATE = 5_000
BATCHES, QUICK_BATCHES = (24, 6), (8, 1)
"""Full batches without sets, and with."""
BLOCK_SECONDS = 0.5


def main() -> None:
    asked = options(__doc__ or "")
    plain_batches, set_batches = QUICK_BATCHES if asked.quick else BATCHES
    with (
        tempfile.TemporaryDirectory(prefix="tributary-batching-") as folder,
        PostgresServer(Path(folder) / DATA) as server,
        Devnet.start() as devnet,
        world(devnet, Path(folder)) as stage,
        BareKzg() as bare,
    ):
        url = server.ensure_database("benchmark")
        migrate(url)
        outbox = FullOutbox(stage, url)
        before = bare.receipts_a_second()
        plain = measured(stage, outbox, Path(folder), plain_batches, with_sets=False)
        with_sets = measured(stage, outbox, Path(folder), set_batches, with_sets=True)
        limit = (before + bare.receipts_a_second()) / 2
    finish("batching", rows(plain, with_sets, limit), asked, notes(asked, plain))


def measured(stage: World, outbox: FullOutbox, folder: Path, batches: int, *, with_sets: bool) -> Run:
    """So many full batches from a full outbox, by `tributary batch` as a process."""
    outbox.fill(batches, with_sets=with_sets)
    return batched(stage, outbox, folder, BLOCK_SECONDS)


def rows(plain: Run, with_sets: Run, limit: float) -> list[Row]:
    rate = plain.sustained_rate
    bare = f"bare ckzg on {os.cpu_count()} cores"
    beside = {
        bare: round(limit), "share": round(rate / limit, 3), "from a standing start": round(plain.receipts / plain.seconds),
    }  # fmt: skip
    cpu = {name: round(1000 * seconds / plain.batches) for name, seconds in plain.cpu_seconds.items()}
    waits = {"without a batcher": round(plain.idle_insert_ms, 2), "inserts": plain.inserts}
    return [
        Row("outbox to committed batch, sustained", round(rate), "receipts/s", f"≥ {LEAST_RATE:,}", rate >= LEAST_RATE, beside),
        Row("… from a standing start, with sets", round(with_sets.receipts / with_sets.seconds), "receipts/s"),
        Row("processor time of a full batch, all programs", sum(cpu.values()), "ms", beside=cpu),
        Row("blob bytes a receipt, no sets", round(plain.blob_bytes / plain.receipts, 1), "bytes",
            beside=per_receipt(plain)),
        Row("blob bytes a receipt, a distinct set of 4 entries each", round(with_sets.blob_bytes / with_sets.receipts, 1),
            "bytes", beside=per_receipt(with_sets)),
        Row("a gateway's durable insert meanwhile, p99", round(plain.insert_ms, 2), "ms", beside=waits),
    ]  # fmt: skip


def per_receipt(run: Run) -> dict[str, object]:
    """What else a receipt takes: of an Alt-DA layer, which is not given the zeros at the end, and of the L2."""
    return {
        "behind an Alt-DA server": round(run.payload_bytes / run.receipts, 1),
        "L2 calldata": round(run.commit_bytes / run.receipts, 3),
        "receipts a batch": run.receipts // run.batches,
    }


def notes(asked: Options, plain: Run) -> tuple[str, ...]:
    load = (
        f"{'Quick run: ' if asked.quick else ''}{plain.batches} full batches of {FULL:,} receipts, then batches of"
        f" {FULL_WITH_SETS:,} with sets; PostgreSQL has fsync on. Batcher, {plain.workers} workers, PostgreSQL, both chains"
        " and this program share the cores."
    )
    clock = (
        f"Sustained: the {plain.sustained_batches} batches that were committed after the first commit and before the last"
        " selection, while all places under way were taken at both ends; from a standing start: from the first selection to"
        f" the last commit. Both by the database's clock. Sidecars are {plain.sidecar}. Blocks come every {BLOCK_SECONDS} s on both chains; an Ethereum slot takes 12 s, whatever the"
        " batcher does."
    )
    return load, clock


if __name__ == "__main__":
    main()
