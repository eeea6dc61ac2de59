"""What the gateway adds to a model server: time to first token and last byte, CPU, requests a second, all receipted."""

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvloop

from benchmarks.measuring.report import Row, finish, options
from benchmarks.traffic import durability
from benchmarks.traffic.client import Target, Timed, checked, closed_loop, connect, request_bytes
from benchmarks.traffic.processes import Running, ready
from benchmarks.traffic.rival import litellm, spend_rows
from benchmarks.traffic.stand import Stand, receipts, stand, upstream
from tributary.database import migrate
from tributary.postgres import PostgresServer

STREAMS = (1, 16, 64)
TOKENS, FIRST_TOKEN_MS, TOKENS_PER_SECOND = 16, 50, 100
"""An answer of the paced upstream takes 50 + 15 times 10 ms."""
ANSWER_SECONDS = (FIRST_TOKEN_MS + 1000 * (TOKENS - 1) / TOKENS_PER_SECOND) / 1000
BUSY = 64
"""Connections that ask as fast as they are answered."""
ADDED_MS, CPU_MS, RATE = 3.0, 1.5, 500


@dataclass(frozen=True)
class Effort:
    """How long is measured."""

    rounds: int
    each: int
    """Requests of one worker in one turn."""
    busy_seconds: float
    idle_seconds: float
    rival_rounds: int
    """A rival that takes half a minute for what takes us one second is not asked as often."""


FULL, QUICK = (
    Effort(rounds=6, each=5, busy_seconds=10.0, idle_seconds=31.0, rival_rounds=6),
    Effort(rounds=3, each=2, busy_seconds=2.0, idle_seconds=3.0, rival_rounds=1),
)


@dataclass
class Contender:
    """A proxy that is measured."""

    target: Target
    process: Running
    idle_share: float = 0.0
    """Part of a core that it takes when nobody asks."""

    def used_ms(self, before: float, began: float) -> float:
        """CPU since then that requests took: what it takes when idle is left out, and stands in a row of its own."""
        idle = self.idle_share * (time.perf_counter() - began)
        return 1000 * max(0.0, self.process.cpu_seconds() - before - idle)


def main() -> None:
    asked = options(__doc__ or "")
    effort = QUICK if asked.quick else FULL
    with tempfile.TemporaryDirectory(prefix="tributary-bench-") as folder, contextlib.ExitStack() as stack:
        scratch = Path(folder)
        server = stack.enter_context(PostgresServer(scratch / "data"))
        ours_url, rival_url = server.ensure_database("gateway"), server.ensure_database("litellm")
        migrate(ours_url)
        pace = {"first_token_ms": FIRST_TOKEN_MS, "tokens_per_second": TOKENS_PER_SECOND}
        paced = stack.enter_context(upstream(scratch, "paced", **pace))
        starting = stack.enter_context(litellm(paced, rival_url, scratch, may_install=not asked.quick))
        here = stack.enter_context(stand(scratch, ours_url, paced))
        rival = None if starting is None else Contender(starting[0], ready(starting[1]))
        rows, notes = measured(here, rival, rival_url, effort)
        finish("serving", rows, asked, notes)


def measured(here: Stand, rival: Contender | None, rival_url: str, effort: Effort) -> tuple[list[Row], tuple[str, ...]]:
    """Every row; whatever is compared takes turns within the same minutes."""
    ours = Contender(here.ours, here.gateway)
    contenders = [ours] if rival is None else [ours, rival]
    rows = [Row("a durable commit alone", round(durability.commit_ms(here.database_url), 2), "ms")]
    for contender in contenders:  # warm: connections, caches, compiled statements
        turn(contender.target, 8, 8, stream=True)
        turn(contender.target, 8, 8, stream=False)
    rows.append(idle(contenders, effort.idle_seconds))
    for streams in STREAMS:
        print(f"{streams} streams at once …", file=sys.stderr)
        rows += added(here, contenders, streams, effort)
    set_pace(here, first_token_ms=0, tokens_per_second=0)
    for stream in (False, True):
        print(f"as fast as it goes, {'streamed' if stream else 'whole'} …", file=sys.stderr)
        rows += sustained(contenders, effort, stream=stream)
    return [*rows, all_receipted(here)], notes(here, rival, rival_url)


def turn(target: Target, streams: int, each: int, *, stream: bool, step: float = 0.0) -> list[list[Timed]]:
    """One turn of a closed loop, in a loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(closed_loop(target, streams, each, tokens=TOKENS, stream=stream, step=step))


def added(here: Stand, contenders: list[Contender], streams: int, effort: Effort) -> list[Row]:
    """Each answer's times less those of its counterpart straight from the upstream, and the CPU of a request."""
    first: dict[str, list[float]] = {c.target.name: [] for c in contenders}
    last: dict[str, list[float]] = {c.target.name: [] for c in contenders}
    cpu: dict[str, list[float]] = {c.target.name: [] for c in contenders}
    each = effort.each * (3 if streams == 1 else 1)
    step = ANSWER_SECONDS / streams
    for number in range(effort.rounds):
        bare = flat(turn(here.direct, streams, each, stream=True, step=step))
        for contender in contenders if number < effort.rival_rounds else contenders[:1]:
            before, began = contender.process.cpu_seconds(), time.perf_counter()
            taken = flat(turn(contender.target, streams, each, stream=True, step=step))
            name = contender.target.name
            cpu[name].append(contender.used_ms(before, began) / len(taken))
            first[name] += [1000 * (a.first_token - b.first_token) for a, b in zip(taken, bare, strict=True)]
            last[name] += [1000 * (a.last_byte - b.last_byte) for a, b in zip(taken, bare, strict=True)]
    must = ADDED_MS if streams <= 16 else None
    # The median of turns: what the gateway does by the clock (reading the catalogue, say) falls into few of them.
    used = {name: statistics.median(turns) for name, turns in cpu.items()}
    return [
        difference(f"added to first token, {streams} streams", first, must),
        difference(f"added to last byte, {streams} streams", last, must),
        least(f"CPU of a request, {streams} streams of {TOKENS} tokens", used, CPU_MS if streams > 1 else None),
    ]


def idle(contenders: list[Contender], seconds: float) -> Row:
    """CPU of a second in which nobody asks: the gateway looks at the chain, its database and its upstreams."""
    before = [contender.process.cpu_seconds() for contender in contenders]
    time.sleep(seconds)
    for contender, cpu in zip(contenders, before, strict=True):
        contender.idle_share = (contender.process.cpu_seconds() - cpu) / seconds
    used = {contender.target.name: 1000 * contender.idle_share for contender in contenders}
    return least("CPU of an idle second", used, None)


def flat(workers: list[list[Timed]]) -> list[Timed]:
    return [timed for worker in workers for timed in worker]


def difference(name: str, taken: dict[str, list[float]], must: float | None) -> Row:
    """Median of the paired differences, with the 99th percentile, the rival's beside it."""
    mine, *others = taken
    value = statistics.median(taken[mine])
    beside: dict[str, object] = {"p99": round(percentile(taken[mine], 0.99), 2), "pairs": len(taken[mine])}
    for other in others:
        beside |= {
            other: round(statistics.median(taken[other]), 2),
            f"{other} p99": round(percentile(taken[other], 0.99), 2),
        }
    bound = None if must is None else f"≤ {must:g}"
    return Row(name, round(value, 2), "ms", bound, None if must is None else value <= must, beside)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def least(name: str, used: dict[str, float], must: float | None) -> Row:
    mine, *others = used
    beside = {other: round(used[other], 2) for other in others}
    bound = None if must is None else f"≤ {must:g}"
    return Row(name, round(used[mine], 2), "ms", bound, None if must is None else used[mine] <= must, beside)


def set_pace(here: Stand, **pace: float) -> None:
    httpx.post(f"{here.upstream.url}/control", json=pace, trust_env=False).raise_for_status()


def sustained(contenders: list[Contender], effort: Effort, *, stream: bool) -> list[Row]:
    """Answers a second with every connection busy, and the CPU that one took; the rival's turn lies between two of ours."""
    rates: dict[str, list[float]] = {c.target.name: [] for c in contenders}
    cpu: dict[str, list[float]] = {c.target.name: [] for c in contenders}
    for contender in (*contenders, contenders[0]):
        name = contender.target.name
        before, began = contender.process.cpu_seconds(), time.perf_counter()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            count = runner.run(busy(contender.target, effort.busy_seconds, stream=stream))
        rates[name].append(count / (time.perf_counter() - began))
        cpu[name].append(contender.used_ms(before, began) / count)
    mine, *others = rates
    value = statistics.mean(rates[mine])
    kind = f"streamed, {TOKENS} events" if stream else "whole"
    must = None if stream else f"≥ {RATE}"
    beside = {other: round(rates[other][0]) for other in others}
    rate = Row(f"answers a second, {kind}", round(value), "requests/s", must, None if stream else value >= RATE, beside)
    return [rate, least(f"CPU of a request, {kind}", {n: statistics.mean(each) for n, each in cpu.items()}, CPU_MS)]


async def busy(target: Target, seconds: float, *, stream: bool) -> int:
    """Answers that came in the time, over so many connections that ask again at once."""
    until = time.perf_counter() + seconds

    async def work(number: int) -> int:
        connection, count = await connect(target), 0
        request = request_bytes(target, number, tokens=TOKENS, stream=stream)
        while time.perf_counter() < until:
            checked(await connection.ask(request), target)
            count += 1
        connection.close()
        return count

    return sum(await asyncio.gather(*(work(number) for number in range(BUSY))))


def all_receipted(here: Stand) -> Row:
    """Every answer of this run has its receipt, in a lane without a gap, and nothing is open."""
    found = receipts(here.database_url)
    beside = {"receipts": found.issued, "paid": found.paid, "next seq": found.next_seq, "open": found.intents}
    missing = abs(found.next_seq - found.issued) + found.intents + found.issued - found.paid
    return Row("answers without a durable receipt", missing, "requests", "0", missing == 0, beside)


def notes(here: Stand, rival: Contender | None, rival_url: str) -> tuple[str, ...]:
    durable = ", ".join(f"{name} {value}" for name, value in durability.settings(here.database_url).items())
    said = [
        (
            f"Client, upstream, gateway, PostgreSQL ({durable}, synchronous_commit on) and devnet share the cores. Times include "
            "the intent's and the receipt's durable commits and the receipt's signature."
        )
    ]
    if rival is None:
        said.append("LiteLLM's proxy is not installed here, so nothing stands beside.")
    else:
        said.append(
            f"LiteLLM's proxy has one worker and logged {spend_rows(rival_url):,} answers, each after it was sent, one "
            "INSERT each through its callback interface (its own table needs Prisma's engine, which no registry has); it "
            "holds no budgets, looks up no keys and signs nothing here."
        )
    return tuple(said)


if __name__ == "__main__":
    main()
