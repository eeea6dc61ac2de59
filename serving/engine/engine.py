"""The engine as the gateway sees it: requests in, token chunks out, on an asyncio loop."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ledger.errors import CheckpointError, ContextLengthError, EngineStoppedError, MalformedInputError, OverloadedError
from ledger.protocol.content import ContentFile
from serving.engine.adapters import AdapterStore, Lease, VerifyAdapter, verify_content_hash
from serving.engine.checkpoint import read_checkpoint
from serving.engine.files import read_folder
from serving.engine.forward import ForwardPass
from serving.engine.generation import Generation, Outcome
from serving.engine.request import GenerationRequest, TokenChunk
from serving.engine.rows import Rows
from serving.engine.scheduler import Outcomes, Scheduler
from serving.engine.settings import EngineSettings
from serving.engine.tokenizer import Tokenizer

MAX_BASE_BYTES = 8 << 30


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """How busy the engine is.

    Attributes:
        waiting: admitted requests without a row, those whose adapter is being loaded included.
        running: answers being computed.
        queued_tokens: most tokens that all of these may still cost.
        tokens_per_second: recent speed, prompt tokens included; 0 before the first step.
        resident_adapters: adapters in memory.
        adapter_bytes: memory that they take.
    """

    waiting: int
    running: int
    queued_tokens: int
    tokens_per_second: float
    resident_adapters: int
    adapter_bytes: int


class Engine:
    """One base model with its adapters. Start it, generate with it and stop it on one event loop."""

    def __init__(
        self,
        base_path: Path,
        settings: EngineSettings | None = None,
        verify: VerifyAdapter = verify_content_hash,
    ) -> None:
        """Reads the base's folder: its digests, its tokenizer, its weights.

        Raises:
            CheckpointError: the folder does not hold a model that the engine computes.
        """
        self._settings = settings or EngineSettings()
        folder = read_folder(base_path, MAX_BASE_BYTES)
        self.files: tuple[ContentFile, ...] = folder.listing()
        self.tokenizer = Tokenizer(folder)
        self._weights = read_checkpoint(folder)
        shape = self._weights.shape
        if self.tokenizer.vocabulary > shape.vocabulary:
            raise CheckpointError(f"The tokenizer in {base_path} knows more tokens than the model.")
        self.context_tokens = min(self._settings.context_tokens or shape.context_tokens, shape.context_tokens)
        self._verify = verify
        self._open: dict[Generation, Lease | None] = {}
        self._adapters: AdapterStore | None = None
        self._scheduler: Scheduler | None = None

    async def start(self) -> None:
        """Starts the worker; `generate` may be called from here on."""
        shape, settings = self._weights.shape, self._settings
        rows = Rows(shape, settings.max_batch, self.context_tokens, settings.max_lora_rank)
        forward = ForwardPass(self._weights, rows, self.context_tokens)
        self._adapters = AdapterStore(shape, settings, self._verify)
        self._scheduler = Scheduler(forward, rows, settings, _Courier(asyncio.get_running_loop(), self._take))
        self._scheduler.start()

    async def stop(self) -> None:
        """Ends the worker after its current step; unfinished requests raise EngineStoppedError."""
        scheduler, adapters = self._scheduler, self._adapters
        self._scheduler = self._adapters = None
        if scheduler is not None:
            await asyncio.to_thread(scheduler.stop)
        if adapters is not None:
            await adapters.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def check(self, request: GenerationRequest) -> None:
        """Accepts a request that the engine can answer.

        Raises:
            ContextLengthError: prompt and max_tokens do not fit the context.
            MalformedInputError: the prompt is empty or holds ids that the model does not know.
        """
        prompt, most = request.prompt_ids, request.sampling.max_tokens
        if len(prompt) + most > self.context_tokens:
            raise ContextLengthError(len(prompt), most, self.context_tokens)
        if not prompt or min(prompt) < 0 or max(prompt) >= self.tokenizer.vocabulary:
            raise MalformedInputError("a prompt is one or more token ids of the model's vocabulary")

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[TokenChunk, None]:
        """The answer, one chunk a token, the last one with its finish reason.

        Closing the iterator, or cancelling the task that reads it, frees the request's place. Place and adapter are
        free as well once the answer is computed, however slowly it is read.

        Raises:
            ContextLengthError, MalformedInputError: as `check`.
            OverloadedError: too many requests wait; says when to come again. Before the first chunk only.
            AdapterMismatchError, CheckpointError: the adapter is not served. Before the first chunk only.
            EngineStoppedError: the engine does not run, or stopped before the answer was whole.
        """
        if self._scheduler is None or self._adapters is None:
            raise EngineStoppedError
        self.check(request)
        self._refuse_overload()
        outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        generation = Generation(request, self.tokenizer, self._weights.shape.end_ids, outcomes.put_nowait)
        scheduler = self._scheduler
        self._open[generation] = None
        try:
            if request.adapter is not None:
                lease = self._open[generation] = await self._adapters.acquire(request.adapter)
                generation.adapter = lease.weights
            scheduler.submit(generation)
            reason = None
            while reason is None:
                chunk = _raised(await outcomes.get())
                reason = chunk.finish_reason
                yield chunk
        finally:
            scheduler.cancel(generation)
            self._close(generation)

    def load(self) -> EngineLoad:
        """How busy the engine is now."""
        running = self._scheduler.running if self._scheduler else 0
        return EngineLoad(
            waiting=max(0, len(self._open) - running),
            running=running,
            queued_tokens=sum(generation.outstanding_tokens for generation in self._open),
            tokens_per_second=self._scheduler.tokens_per_second if self._scheduler else 0.0,
            resident_adapters=len(self.resident_adapters()),
            adapter_bytes=self._adapters.resident_bytes if self._adapters else 0,
        )

    def resident_adapters(self) -> tuple[bytes, ...]:
        """Content hashes of the adapters in memory, the least recently used first."""
        return self._adapters.resident if self._adapters else ()

    @property
    def weight_bytes(self) -> int:
        """Memory that the base's weights take, however many adapters stand on them."""
        return self._weights.size_bytes

    @property
    def room(self) -> int:
        """Requests that would be taken on now before one is refused."""
        return max(0, self._settings.max_batch + self._settings.max_waiting - len(self._open))

    def _refuse_overload(self) -> None:
        if self.room:
            return
        load = self.load()
        until_one_ends = load.queued_tokens / max(load.tokens_per_second, 1.0) / len(self._open)
        raise OverloadedError("The engine's queue is full; try again shortly.", max(1.0, until_one_ends))

    def _take(self, outcomes: Outcomes) -> None:
        """Hands a step's outcomes to their askers, on the event loop."""
        for generation, outcome in outcomes:
            if isinstance(outcome, BaseException) or outcome.finish_reason is not None:
                self._close(generation)
            generation.deliver(outcome)

    def _close(self, generation: Generation) -> None:
        lease = self._open.pop(generation, None)
        if lease is not None:
            lease.release()


class _Courier:
    """Carries outcomes from the worker thread to the event loop, one hop a step."""

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[Outcomes], None]) -> None:
        self._loop = loop
        self._take = take

    def __call__(self, outcomes: Outcomes) -> None:
        try:
            self._loop.call_soon_threadsafe(self._take, outcomes)
        except RuntimeError:  # the loop is closed: nobody listens any more
            for generation, _ in outcomes:
                generation.cancelled = True


def _raised(outcome: Outcome) -> TokenChunk:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
