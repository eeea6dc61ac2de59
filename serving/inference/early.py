"""An answer that begins to be made while its intent is still on the way to the disk.

The intent has to be durable before the first byte leaves, not before the engine thinks: with this a commit costs a client
no time as long as the engine takes longer than the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from serving.inference.engine import Admission, Step


@dataclass(slots=True)
class EarlyAdmission:
    """An admitted call that the engine is asked for at once; what comes first is held until somebody takes it.

    Whoever makes one either reads `deltas` to its end, closes them, or calls `withdraw`.
    """

    admission: Admission
    _source: AsyncGenerator[Step, None] = field(init=False)
    _first: asyncio.Task[Step] = field(init=False)

    def __post_init__(self) -> None:
        self._source = self.admission.deltas()
        self._first = asyncio.ensure_future(_next(self._source))

    @property
    def input_units(self) -> int:
        return self.admission.input_units

    @property
    def max_input_units(self) -> int:
        return self.admission.max_input_units

    @property
    def max_output_units(self) -> int:
        return self.admission.max_output_units

    async def deltas(self) -> AsyncGenerator[Step, None]:
        """The answer."""
        try:
            try:
                yield await self._first
            except StopAsyncIteration:
                return
            async for step in self._source:
                yield step
        finally:
            await self.withdraw()

    async def withdraw(self) -> None:
        """Ends the answer wherever it is; nothing if it is at its end."""
        if not self._first.done():
            self._first.cancel()
            await asyncio.wait((self._first,))
        if not self._first.cancelled():
            self._first.exception()  # whoever did not wait for it does not want to know
        await self._source.aclose()


async def _next(source: AsyncGenerator[Step, None]) -> Step:
    return await anext(source)
