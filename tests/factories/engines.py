"""The embedded engine over the shipped base, for as long as a test needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from serving.engine.engine import Engine
from serving.engine.settings import EngineSettings

T = TypeVar("T")


def on_engine(models_path: Path, settings: EngineSettings | None, main: Callable[[Engine], Awaitable[T]]) -> T:
    """Runs `main(engine)` on a started engine."""

    async def run() -> T:
        async with Engine(models_path / "base", settings) as engine:
            return await asyncio.wait_for(main(engine), 120)

    return asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    """Returns when the condition holds."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the worker thread's state has no event to wait for
            await asyncio.sleep(0.001)
