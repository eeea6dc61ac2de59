"""An engine in a process of its own, so that its memory and its CPU time are its own.

    python -m benchmarks.tenancy.worker BASE [ADAPTERS MEMORY_BYTES]

reads one JSON object a line, does what it says and answers with one line; it ends with its input. ADAPTERS is what
`made_adapters` wrote; without it the base answers alone.
"""

import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil

from benchmarks.tenancy.made_adapters import MadeAdapter, read_made
from benchmarks.tenancy.traffic import Ask
from serving.engine.engine import Engine
from serving.engine.request import AdapterReference, GenerationRequest, SamplingParameters
from serving.engine.settings import EngineSettings

TEMPERATURE, TOP_P = 0.7, 0.95
BESIDE = 8
"""Answers under way while the time to a first token is measured."""
PROBE_TOKENS = 64


class Worker:
    """One engine, and what can be asked of it."""

    def __init__(self, engine: Engine, adapters: Sequence[MadeAdapter]) -> None:
        self._engine = engine
        self._adapters = [adapter.pin() for adapter in adapters]

    async def load(self, count: int) -> dict[str, Any]:
        """Asks for each of the first adapters once: CPU seconds and seconds of all."""
        asks = [Ask(number, [5], 1, 0) for number in range(count)]
        return await self._timed(self._all(asks, EngineSettings().max_batch), count)

    async def saturate(self, asks: list[dict[str, Any]], at_once: int) -> dict[str, Any]:
        """Answers all, so many at any time: CPU seconds, seconds, tokens, and how many adapters had to be loaded."""
        requests = [Ask(**ask) for ask in asks]
        return await self._timed(self._all(requests, at_once), len(requests))

    async def same(self, asks: list[dict[str, Any]]) -> dict[str, Any]:
        """How many answers, all computed at once, are to the token what they are alone."""
        requests = [Ask(**ask) for ask in asks]
        alone = [await self._answer(ask) for ask in requests]
        together = await asyncio.gather(*(self._answer(ask) for ask in requests))
        return {"same": sum(one == other for one, other in zip(alone, together, strict=True))}

    async def first_tokens(self, asks: list[dict[str, Any]], probes: int, warm: int) -> dict[str, Any]:
        """Milliseconds to the first token, by turns of an adapter in memory and of one that is not, under traffic.

        An adapter in memory is drawn among the first `warm` as traffic draws them; the files of the other are not in
        the page cache either, where the system lets go of them.
        """
        company = [asyncio.create_task(self._keep_on(cycle(asks[n::BESIDE]))) for n in range(BESIDE)]
        await asyncio.sleep(0.2)
        drawing, times = random.Random(1), {"warm": [], "cold": []}
        before = _bytes_read()
        for number in range(2 * probes):
            kind = ("warm", "cold")[number % 2]
            adapter = self._pick(drawing, asks, resident=kind == "warm", among=warm)
            prompt = drawing.choices(range(3, 2_000), k=PROBE_TOKENS)
            times[kind].append(1000 * await self._first_token(Ask(adapter, prompt, 1, number)))
        for task in company:
            task.cancel()
        await asyncio.gather(*company, return_exceptions=True)
        return {kind: _quantiles(values) for kind, values in times.items()} | {
            "read": _bytes_read() - before,
            "probes": probes,
        }

    async def memory(self) -> dict[str, Any]:
        """Bytes: resident, its share of them, its own alone; the weights of adapters."""
        whole = psutil.Process().memory_full_info()
        load = self._engine.load()
        return {
            "rss": whole.rss, "pss": getattr(whole, "pss", whole.rss), "uss": whole.uss,
            "adapters": load.adapter_bytes, "resident_adapters": load.resident_adapters,
        }  # fmt: skip

    async def _timed(self, work: Awaitable[tuple[int, int, int]], requests: int) -> dict[str, Any]:
        cpu, began = time.process_time(), time.perf_counter()
        tokens, prompt_tokens, loaded = await work
        return {
            "cpu": time.process_time() - cpu, "seconds": time.perf_counter() - began, "tokens": tokens,
            "prompt_tokens": prompt_tokens, "loaded": loaded, "requests": requests,
        }  # fmt: skip

    async def _all(self, asks: Sequence[Ask], at_once: int) -> tuple[int, int, int]:
        """(answer tokens, prompt tokens, requests whose adapter was not in memory)."""
        remaining, tokens, loaded = iter(asks), 0, 0

        async def one_after_another() -> None:
            nonlocal tokens, loaded
            for ask in remaining:
                loaded += bool(self._adapters) and not self._resident(ask.adapter)
                answer = await self._answer(ask)
                tokens += len(answer)

        await asyncio.gather(*(one_after_another() for _ in range(at_once)))
        return tokens, sum(len(ask.prompt_ids) for ask in asks), loaded

    async def _keep_on(self, asks: Iterator[dict[str, Any]]) -> None:
        for ask in asks:
            await self._answer(Ask(**ask))

    async def _answer(self, ask: Ask) -> list[int]:
        async with aclosing(self._engine.generate(self._request(ask))) as chunks:
            return [token async for chunk in chunks for token in chunk.token_ids]

    async def _first_token(self, ask: Ask) -> float:
        request = self._request(ask)
        if request.adapter is not None and not self._resident(ask.adapter):
            _leave_page_cache(request.adapter.path)
        began = time.perf_counter()
        async with aclosing(self._engine.generate(request)) as chunks:
            await anext(chunks)
            return time.perf_counter() - began

    def _request(self, ask: Ask) -> GenerationRequest:
        sampling = SamplingParameters(ask.tokens, TEMPERATURE, TOP_P, ask.seed, ignore_end=True)
        return GenerationRequest(tuple(ask.prompt_ids), sampling, self._adapter(ask.adapter))

    def _adapter(self, number: int) -> AdapterReference | None:
        return self._adapters[number] if self._adapters else None

    def _resident(self, number: int) -> bool:
        return self._adapters[number].content_hash in self._engine.resident_adapters()

    def _pick(self, drawing: random.Random, asks: list[dict[str, Any]], *, resident: bool, among: int) -> int:
        if resident:
            wanted = [ask["adapter"] for ask in drawing.sample(asks, len(asks)) if ask["adapter"] < among]
        else:
            wanted = drawing.sample(range(len(self._adapters)), len(self._adapters))
        return next(number for number in wanted if self._resident(number) == resident)


def _leave_page_cache(folder: Path) -> None:
    """Asks the system to forget the folder's files, so that they are read from the disk."""
    for file in folder.iterdir():
        with file.open("rb") as opened:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _bytes_read() -> int:
    """Bytes that this process had read from storage, beneath the page cache; 0 where the system does not say."""
    file = Path("/proc/self/io")
    lines = dict(line.split(": ") for line in file.read_text().splitlines()) if file.is_file() else {}
    return int(lines.get("read_bytes", 0))


def _quantiles(milliseconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return {"p50": cuts[49], "p99": cuts[98]}


async def _serve(base: Path, adapters: Sequence[MadeAdapter], memory_bytes: int) -> None:
    settings = EngineSettings(adapter_memory_bytes=memory_bytes)
    async with Engine(base, settings) as engine:
        worker = Worker(engine, adapters)
        tasks: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
            "load": worker.load, "saturate": worker.saturate, "same": worker.same,
            "first_tokens": worker.first_tokens, "memory": worker.memory,
        }  # fmt: skip
        print(json.dumps({"base": engine.weight_bytes}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            words = json.loads(line)
            print(json.dumps(await tasks[words.pop("do")](**words)), flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    made = read_made(Path(given[1])) if len(given) > 1 else []
    asyncio.run(_serve(Path(given[0]), made, int(given[2]) if made else EngineSettings().adapter_memory_bytes))
