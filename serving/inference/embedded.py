"""The embedded engine behind the gateway's interface: OpenAI's fields in, OpenAI's deltas out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from ledger.chain.structs import Kind
from ledger.errors import ContextLengthError, OverloadedError
from serving.catalogue.served import PinnedModel
from serving.engine.engine import Engine
from serving.engine.request import AdapterReference, GenerationRequest, SamplingParameters, TokenChunk, TokenLogprob
from serving.errors import InvalidRequestError
from serving.inference.call import Call, Endpoint
from serving.inference.choices import chat_choice, completion_choice
from serving.inference.engine import Delta, EngineState
from serving.inference.sampling import ChatBody, CompletionBody, read_body

DEFAULT_COMPLETION_TOKENS = 16
"""What POST /v1/completions produces when it is not told, as OpenAI has it."""


class EmbeddedEngine:
    """Answers with the numpy engine of this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        tokenizer = engine.tokenizer
        self._longest_token_bytes = max(  # a special token stands for no bytes, but is written out by its name
            len(tokenizer.token_bytes(token) or tokenizer.token_text(token).encode())
            for token in range(tokenizer.vocabulary)
        )

    async def start(self) -> None:
        await self._engine.start()

    async def stop(self) -> None:
        await self._engine.stop()

    @property
    def context_units(self) -> int:
        return self._engine.context_tokens

    def state(self) -> EngineState:
        load = self._engine.load()
        return EngineState(
            running=load.running,
            waiting=load.waiting,
            queued_units=load.queued_tokens,
            units_per_second=load.tokens_per_second,
            resident_adapters=load.resident_adapters,
            adapter_bytes=load.adapter_bytes,
        )

    async def admit(self, call: Call, model: PinnedModel, payer: bytes) -> EmbeddedAdmission:  # noqa: ARG002
        if call.endpoint is Endpoint.EMBEDDING:
            raise InvalidRequestError("The model makes no embeddings.", "model", "unsupported_model")
        if call.endpoint is Endpoint.CHAT:
            chat = read_body(ChatBody, call)
            prompts = [self._encode(self._engine.tokenizer.render_chat(chat.messages))]
            most = chat.max_completion_tokens or chat.max_tokens
            admission = self._admission(call, model, prompts, most, _sampling(chat, chat.top), chat.choices)
        else:
            completion = read_body(CompletionBody, call)
            prompts = [self._encode(p) if isinstance(p, str) else p for p in completion.prompts()]
            most = completion.max_tokens or DEFAULT_COMPLETION_TOKENS
            sampling = _sampling(completion, completion.logprobs)
            admission = self._admission(call, model, prompts, most, sampling, completion.choices)
        self._refuse_overload(len(admission.requests))
        return admission

    def _admission(
        self,
        call: Call,
        model: PinnedModel,
        prompts: Sequence[tuple[int, ...]],
        most: int | None,
        sampling: SamplingParameters,
        choices: int,
    ) -> EmbeddedAdmission:
        local = model.local
        adapter = None
        if local.kind is Kind.ADAPTER:
            assert local.path is not None
            adapter = AdapterReference(local.model_id, local.path, local.content_hash)
        requests = []
        for prompt in prompts:
            left = self.context_units - len(prompt)
            if left < 1:
                raise ContextLengthError(len(prompt), most or 1, self.context_units)
            bounded = replace(sampling, max_tokens=most or left)
            for copy in range(choices):
                seed = None if sampling.seed is None else sampling.seed + copy
                requests.append(GenerationRequest(prompt, replace(bounded, seed=seed), adapter))
                self._engine.check(requests[-1])
        return EmbeddedAdmission(self._engine, call.endpoint, tuple(requests), sum(len(p) for p in prompts))

    def _encode(self, text: str) -> tuple[int, ...]:
        """The text's tokens; a text that can't fit is refused without the time that counting it would take."""
        least = len(text.encode()) // self._longest_token_bytes
        if least >= self.context_units:
            raise ContextLengthError(least, 1, self.context_units)
        return self._engine.tokenizer.encode(text)

    def _refuse_overload(self, requests: int) -> None:
        if requests > self._engine.room:
            state = self.state()
            wait = state.queued_units / max(state.units_per_second, 1.0) / max(1, state.running + state.waiting)
            raise OverloadedError("The engine's queue is full; try again shortly.", max(1.0, wait))


@dataclass(frozen=True, slots=True)
class EmbeddedAdmission:
    """Prompts and sampling, ready to run: one generation a choice."""

    engine: Engine
    endpoint: Endpoint
    requests: tuple[GenerationRequest, ...]
    input_units: int

    @property
    def max_input_units(self) -> int:
        return self.input_units

    @property
    def max_output_units(self) -> int:
        return sum(request.sampling.max_tokens for request in self.requests)

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        """Deltas of all choices as they come."""
        produced = [0] * len(self.requests)
        offsets = [0] * len(self.requests)
        held: list[list[TokenLogprob]] = [[] for _ in self.requests]
        async with aclosing(self._chunks()) as chunks:
            async for index, chunk in chunks:
                produced[index] = chunk.completion_tokens
                held[index] += chunk.logprobs or ()
                if not chunk.text and chunk.finish_reason is None:
                    continue  # part of a character, or of what may become a stop string
                tokens = held[index] if self.requests[index].sampling.logprobs is not None else None
                if self.endpoint is Endpoint.CHAT:
                    choice = chat_choice(index, chunk.text, tokens, chunk.finish_reason)
                else:
                    choice = completion_choice(index, chunk.text, tokens, chunk.finish_reason, offsets[index])
                    offsets[index] += sum(len(token.token) for token in tokens or ())
                held[index] = []
                yield Delta((choice,), sum(produced))

    async def _chunks(self) -> AsyncGenerator[tuple[int, TokenChunk], None]:
        if len(self.requests) == 1:
            async with aclosing(self.engine.generate(self.requests[0])) as chunks:
                async for chunk in chunks:
                    yield 0, chunk
            return
        async with aclosing(_merged([self.engine.generate(request) for request in self.requests])) as merged:
            async for index, chunk in merged:
                yield index, chunk


async def _merged(sources: Sequence[AsyncGenerator[TokenChunk, None]]) -> AsyncGenerator[tuple[int, TokenChunk], None]:
    """Chunks of several generations as they come, each with its place; the first failure ends all."""
    queue: asyncio.Queue[tuple[int, TokenChunk | BaseException | None]] = asyncio.Queue()

    async def read(index: int, source: AsyncGenerator[TokenChunk, None]) -> None:
        try:
            async for chunk in source:
                queue.put_nowait((index, chunk))
            queue.put_nowait((index, None))
        except Exception as error:  # noqa: BLE001  carried over to the reader
            queue.put_nowait((index, error))

    tasks = [asyncio.create_task(read(index, source)) for index, source in enumerate(sources)]
    try:
        running = len(tasks)
        while running:
            index, item = await queue.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                running -= 1
            else:
                yield index, item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _sampling(body: ChatBody | CompletionBody, logprobs: int | None) -> SamplingParameters:
    return SamplingParameters(
        max_tokens=1,
        temperature=1.0 if body.temperature is None else body.temperature,
        top_p=1.0 if body.top_p is None else body.top_p,
        seed=body.seed,
        stop=body.stops,
        logprobs=logprobs,
        ignore_end=bool(body.ignore_eos),
    )
