"""The `openai` engine: answers of other servers behind the gateway's interface."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import UnknownModelError
from serving.catalogue.served import PinnedModel
from serving.inference.call import Call
from serving.inference.engine import EngineState, Step
from serving.upstream.attempt import Attempt
from serving.upstream.bounds import Bounds, bounds_of
from serving.upstream.models import UpstreamModel
from serving.upstream.node import Node
from serving.upstream.pool import Pool, Work
from serving.upstream.roster import Roster
from serving.upstream.settings import UpstreamsFile


class UpstreamEngine:
    """Asks a pool of OpenAI-compatible servers."""

    def __init__(self, path: Path, file: UpstreamsFile, models: Sequence[UpstreamModel]) -> None:
        """Take the file, what it says, and what of that is served; its nodes may change while the engine runs."""
        self._models = {model.local.model_id: model for model in models}
        self.pool = Pool([Node(one, file.pool) for one in file.node], file.pool)
        self._roster = Roster(path, self.pool)

    async def start(self) -> None:
        await self._roster.start()

    async def stop(self) -> None:
        await self._roster.stop()

    @property
    def context_units(self) -> int:
        return max(model.context_tokens for model in self._models.values())

    def state(self) -> EngineState:
        pool = self.pool
        return EngineState(
            running=pool.running,
            waiting=pool.waiting,
            queued_units=pool.waiting_units,
            units_per_second=pool.speed.units_per_second,
            resident_adapters=sum(len(node.shelf) for node in pool.nodes),
            adapter_bytes=0,
            nodes=tuple(node.state() for node in pool.nodes),
        )

    async def admit(self, call: Call, model: PinnedModel, payer: bytes) -> UpstreamAdmission:
        known = self._models.get(model.local.model_id)
        if known is None:
            raise UnknownModelError(f"The model `{call.model}` is not served here.")
        bounds = bounds_of(call, known)
        work = Work(known, payer, bounds.prompt_units + self.pool.speed.answer_units(bounds.most_output))
        self.pool.refuse_overload(work)
        return UpstreamAdmission(self.pool, call, bounds, work)


@dataclass(frozen=True, slots=True)
class UpstreamAdmission:
    """A call with its bounds, ready to be asked."""

    pool: Pool
    call: Call
    bounds: Bounds
    work: Work

    @property
    def input_units(self) -> int:
        return self.bounds.least_input

    @property
    def max_input_units(self) -> int:
        return self.bounds.most_input

    @property
    def max_output_units(self) -> int:
        return self.bounds.most_output

    def deltas(self) -> AsyncGenerator[Step, None]:
        """The answer of the first node that begins one."""
        return Attempt(self.pool, self.call, self.bounds, self.work).deltas()
