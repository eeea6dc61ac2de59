"""An answer that begins while its intent is written: nothing of it is lost, and nothing of it goes on unwanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from ledger.errors import EngineStoppedError
from serving.inference.early import EarlyAdmission
from serving.inference.engine import Delta

pytestmark = pytest.mark.unit


class Source:
    """An engine's admission that says what became of it."""

    input_units, max_input_units, max_output_units = 3, 4, 5

    def __init__(self, pieces: int, *, fails: bool = False, hangs: bool = False) -> None:
        self.pieces, self.fails, self.hangs = pieces, fails, hangs
        self.asked = self.ended = False

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        self.asked = True
        try:
            if self.hangs:
                await asyncio.Event().wait()
            for n in range(self.pieces):
                yield Delta((), n + 1)
            if self.fails:
                raise EngineStoppedError("the engine stopped")
        finally:
            self.ended = True


async def read(early: EarlyAdmission) -> list[int]:
    return [delta.output_units async for delta in early.deltas()]


@pytest.mark.parametrize("pieces", [0, 1, 5])
def test_it_is_asked_at_once_and_read_to_its_end(pieces: int) -> None:
    async def scenario() -> None:
        source = Source(pieces)
        early = EarlyAdmission(source)
        await asyncio.sleep(0)
        assert source.asked
        assert (early.input_units, early.max_input_units, early.max_output_units) == (3, 4, 5)
        assert await read(early) == list(range(1, pieces + 1))
        assert source.ended
        await early.withdraw()

    asyncio.run(scenario())


@pytest.mark.parametrize("pieces", [0, 2])
def test_a_failure_comes_where_it_happened(pieces: int) -> None:
    async def scenario() -> None:
        early = EarlyAdmission(Source(pieces, fails=True))
        with pytest.raises(EngineStoppedError):
            await read(early)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "source", [Source(3), Source(0, fails=True), Source(0, hangs=True)], ids=["answers", "fails", "hangs"]
)
def test_what_is_withdrawn_ends(source: Source) -> None:
    async def scenario() -> None:
        early = EarlyAdmission(source)
        await asyncio.sleep(0.01)
        await early.withdraw()
        await early.withdraw()
        assert source.ended

    asyncio.run(scenario())


def test_a_reader_that_leaves_ends_it() -> None:
    async def scenario() -> None:
        source = Source(0, hangs=True)
        reading = asyncio.create_task(read(EarlyAdmission(source)))
        await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert reading.cancelled()
        assert source.ended

    asyncio.run(scenario())
