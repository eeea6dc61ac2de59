"""Many adapters in one process beside one process for each model: tokens a CPU-second, first tokens, memory, savings."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring.report import Options, Row, finish, options
from benchmarks.tenancy.made_adapters import MadeAdapter, make_adapters
from benchmarks.tenancy.merged_model import BASE, write_merged
from benchmarks.tenancy.modelling import SeparateModel, adapters_for, modelled_on, saved
from benchmarks.tenancy.processes import AT_ONCE, Separate, one_process_each, rates_by_batch, running
from benchmarks.tenancy.traffic import ANSWER_FACTOR, PROMPT_FACTOR, Ask, traffic
from benchmarks.tenancy.worker import BESIDE, PROBE_TOKENS
from serving.engine.files import read_folder
from serving.engine.tokenizer import Tokenizer

COUNTS = (1, 10, 100, 1_000)
MEASURED_APART = (1, 10)
SPARE = 64
"""Adapters beyond the count, to be loaded cold while the others are in memory."""
ROOM_FOR = 40
"""Adapters that the last row's memory holds, of the largest count."""
ADAPTER_BYTES = 241_664
REQUESTS, QUICK_REQUESTS = 1_000, 80
PROBES, QUICK_PROBES = 400, 100
BATCHES, QUICK_BATCHES = (1, 2, 4, 8, 16, 32), (1, 4, 32)
CLAIMED = 0.9999
COMPARED = 24
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Shared:
    """One process over so many adapters, as it was measured; bytes, but for what says otherwise."""

    adapters: int
    loading: dict[str, Any]
    saturated: dict[str, Any]
    memory: dict[str, Any]
    first: dict[str, Any]
    same: int
    base_bytes: int

    @property
    def rate(self) -> float:
        """Answer tokens a CPU-second."""
        return float(self.saturated["tokens"] / self.saturated["cpu"])

    @property
    def resident(self) -> float:
        return float(self.memory["pss"])

    @property
    def weights(self) -> int:
        return self.base_bytes + int(self.memory["adapters"])


def main() -> None:
    asked = options(__doc__ or "")
    with tempfile.TemporaryDirectory(prefix="tributary-bench-") as name:
        folder = Path(name)
        (folder / "adapters").mkdir()
        made = make_adapters(folder / "adapters", max(COUNTS) + SPARE)
        asks = {count: requests(asked, count) for count in COUNTS}
        shared = {count: one_process(folder / "adapters", count, asks[count], asked) for count in COUNTS}
        tight = in_little_memory(folder / "adapters", asks[max(COUNTS)])
        apart, model = separately(folder, made, asks, asked)
    rows = [row for count in COUNTS for row in of_one_process(shared[count])]
    rows += [small_memory(tight)]
    rows += [row for count in COUNTS for row in of_many(shared[count], apart.get(count), model)]
    rows.append(limit(shared, model))
    finish("adapters", rows, asked, notes(asked))


def requests(asked: Options, count: int) -> list[Ask]:
    tokenizer = Tokenizer(read_folder(BASE, 1 << 30))
    return traffic(tokenizer, count, QUICK_REQUESTS if asked.quick else REQUESTS)


def one_process(adapters: Path, count: int, asks: Sequence[Ask], asked: Options) -> Shared:
    """Everything that is measured of one process over so many adapters; all of them are in memory."""
    own = [asdict(ask) for ask in asks]
    with running(BASE, adapters, (count + SPARE // 8) * ADAPTER_BYTES) as process:
        loading = process.ask("load", count=count)
        process.ask("saturate", asks=own[:AT_ONCE], at_once=AT_ONCE)
        saturated, memory = process.ask("saturate", asks=own, at_once=AT_ONCE), process.ask("memory")
        same = process.ask("same", asks=own[:COMPARED])["same"]
        first = process.ask("first_tokens", asks=own, probes=QUICK_PROBES if asked.quick else PROBES, warm=count)
        return Shared(count, loading, saturated, memory, first, same, process.base_bytes)


def in_little_memory(adapters: Path, asks: Sequence[Ask]) -> dict[str, Any]:
    """The largest count again, with room for few; the second of two runs, so that the memory is full."""
    own = [asdict(ask) for ask in asks]
    with running(BASE, adapters, ROOM_FOR * ADAPTER_BYTES) as process:
        process.ask("saturate", asks=own, at_once=AT_ONCE)
        return process.ask("saturate", asks=own[::-1], at_once=AT_ONCE)


def separately(
    folder: Path, made: Sequence[MadeAdapter], asks: dict[int, list[Ask]], asked: Options
) -> tuple[dict[int, Separate], SeparateModel]:
    """One process a model: measured where it can be, and the model for the other counts."""
    most = max(MEASURED_APART)
    models = [write_merged(Path(one.path), folder / f"model-{n}") for n, one in enumerate(made[:most])]
    apart = {count: one_process_each(models[:count], asks[count]) for count in MEASURED_APART}
    rates = rates_by_batch(models[0], asks[1], QUICK_BATCHES if asked.quick else BATCHES)
    return apart, modelled_on(apart[most], most, rates)


def of_one_process(shared: Shared) -> list[Row]:
    name, saturated, first = named(shared.adapters), shared.saturated, shared.first
    both = (saturated["tokens"] + saturated["prompt_tokens"]) / saturated["cpu"]
    rate = {"prompt tokens counted too": round(both), "a second": round(saturated["tokens"] / saturated["seconds"])}
    enough = shared.same >= COMPARED - 2
    apart = {"weights": round(shared.weights / MIB, 1), "process": round((shared.resident - shared.weights) / MIB, 1)}
    cold = {
        "MiB read from storage a load": round(first["read"] / MIB / first["probes"], 2),
        "CPU ms of a first use": round(1000 * shared.loading["cpu"] / shared.adapters, 2),
    }
    return [
        Row(f"{name}: answer tokens", round(shared.rate), "tokens/CPU-s", beside=rate),
        Row(f"{name}: answers as they are alone", shared.same, f"of {COMPARED}", f"≥ {COMPARED - 2}", enough),
        Row(f"{name}: first token, warm, p50", round(first["warm"]["p50"], 1), "ms"),
        Row(f"{name}: first token, warm, p99", round(first["warm"]["p99"], 1), "ms"),
        Row(f"{name}: first token, cold, p50", round(first["cold"]["p50"], 1), "ms", beside=cold),
        Row(f"{name}: first token, cold, p99", round(first["cold"]["p99"], 1), "ms"),
        Row(f"{name}: resident memory", round(shared.resident / MIB, 1), "MiB", beside=apart),
    ]


def named(count: int) -> str:
    return f"{count:,} adapter{'s' if count > 1 else ''}"


def small_memory(tight: dict[str, Any]) -> Row:
    """Adapters loaded and evicted all the time."""
    name = f"{max(COUNTS):,} adapters, memory for {ROOM_FOR}: answer tokens"
    loaded = {"% of requests that load": round(100 * tight["loaded"] / tight["requests"], 1)}
    return Row(name, round(tight["tokens"] / tight["cpu"]), "tokens/CPU-s", beside=loaded)


def of_many(shared: Shared, measured: Separate | None, model: SeparateModel) -> list[Row]:
    """One process a model beside ours: what it takes, and what is saved."""
    count = shared.adapters
    how = "modelled" if measured is None else "measured"
    name, modelled = named(count), {"rate": model.rate_of(count), "bytes": model.bytes_of(count)}
    rate = measured.tokens / measured.cpu if measured else modelled["rate"]
    size = measured.pss if measured else modelled["bytes"]
    beside = {"by the model": round(modelled["rate"])}, {"by the model": round(modelled["bytes"] / MIB, 1)}
    return [
        Row(f"{name}, a process each: answer tokens, {how}", round(rate), "tokens/CPU-s", beside=beside[0]),
        Row(f"{name}, a process each: resident memory, {how}", round(size / MIB, 1), "MiB", beside=beside[1]),
        Row(
            f"{name}: memory saved, {how}", round(saved(shared.resident, size), 3), "%",
            beside={"by counting adapters": round(100 * (1 - 1 / count), 3)},
        ),
        Row(f"{name}: CPU saved, {how}", round(saved(rate, shared.rate), 1), "%"),
    ]  # fmt: skip


def limit(shared: dict[int, Shared], model: SeparateModel) -> Row:
    """The share of memory that no number of adapters exceeds, and where the field's figure is reached."""
    least, most = shared[min(COUNTS)], shared[max(COUNTS)]
    each = (most.resident - least.resident) / (most.adapters - least.adapters)
    fixed = least.resident - each
    reached = {
        f"{100 * share:g} % at": adapters_for(share, fixed, each, model.own_bytes) or "no count"
        for share in (0.9, 0.99, 0.999, CLAIMED)
    }
    counting = {f"{100 * CLAIMED:g} % by counting adapters at": round(1 / (1 - CLAIMED))}
    beside = {"MiB an adapter": round(each / MIB, 3), "MiB a process": round(model.own_bytes / MIB, 1)}
    return Row(
        "memory saved by ever more adapters, modelled", round(saved(each, model.own_bytes), 3), "%",
        beside={**reached, **counting, **beside},
    )  # fmt: skip


def notes(asked: Options) -> tuple[str, ...]:
    return (
        "Adapters: the shipped ones, every weight moved by a seeded draw. Which one is wanted: Zipf, exponent 1. Lengths: the",
        f"Azure trace's, prompts divided by {PROMPT_FACTOR}, answers by {ANSWER_FACTOR}. {AT_ONCE} answers under way in all.",
        "Resident: proportional set size; process = interpreter, libraries, caches and buffers. Cold: neither in memory nor in the",
        f"page cache. First tokens: {PROBE_TOKENS} prompt tokens, {BESIDE} answers under way beside.",
        "A process each: base and adapter merged, so without the cost of adapters; its share of the answers under way, at least one.",
        *(["Quick: fewer requests and probes, fewer sizes of batch in the model."] if asked.quick else []),
    )


if __name__ == "__main__":
    main()
