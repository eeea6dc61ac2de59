"""The engine as the gateway uses it: batching, cancelling, bounds, and answers that do not depend on company."""

import asyncio
from contextlib import aclosing

import pytest

from ledger.errors import (
    CheckpointError,
    ContextLengthError,
    EngineStoppedError,
    MalformedInputError,
    OverloadedError,
)
from serving.engine.engine import Engine
from serving.engine.request import FinishReason, GenerationRequest, SamplingParameters
from serving.engine.settings import EngineSettings
from tests.factories.engines import on_engine, until

pytestmark = pytest.mark.unit

NAMES = ["shakespeare", "hamilton", "madison", "jay", "austen", "bierce", "publius", "satire"]
PROMPTS = ["The", "It is a truth", "What say you to the people of this state?", "LOVE, n.", "ROMEO:\n"]


@pytest.mark.parametrize("sampling", [{"temperature": 0.0}, {"temperature": 0.9, "top_p": 0.9, "seed": 5}])
def test_answers_in_a_mixed_batch_are_those_given_alone(
    models_path, request_for, reference, answer, token_ids, sampling
):
    requests = [
        request_for(
            PROMPTS[i % len(PROMPTS)],
            reference(NAMES[i % len(NAMES)]) if i % 9 else None,
            max_tokens=8 + 5 * (i % 4),
            ignore_end=True,
            **sampling,
        )
        for i in range(24)
    ]

    async def main(engine):
        alone = [await answer(engine, request) for request in requests]
        together = await asyncio.gather(*(answer(engine, request) for request in requests))
        return alone, together

    settings = EngineSettings(max_batch=6, prefill_chunk_tokens=5)
    alone, together = on_engine(models_path, settings, main)
    assert [token_ids(chunks) for chunks in together] == [token_ids(chunks) for chunks in alone]
    assert len({tuple(token_ids(chunks)) for chunks in alone}) > 12


def test_an_answer_counts_every_token_and_ends_with_a_reason(models_path, request_for, tokenizer, answer, token_ids):
    chunks = on_engine(models_path, None, lambda engine: answer(engine, request_for("The", ignore_end=True)))
    assert [chunk.completion_tokens for chunk in chunks] == list(range(1, 13))
    assert [chunk.finish_reason for chunk in chunks] == [None] * 11 + [FinishReason.LENGTH]
    assert "".join(chunk.text for chunk in chunks) == tokenizer.decode(token_ids(chunks))


def test_an_answer_ends_at_the_end_of_text_token_which_has_no_text(models_path, request_for, tokenizer, answer):
    asked = tokenizer.render_chat([{"role": "user", "content": "What is love?"}])
    requests = [request_for(asked, max_tokens=400, temperature=1.0, seed=seed) for seed in range(8)]
    answers = on_engine(
        models_path, None, lambda engine: asyncio.gather(*(answer(engine, request) for request in requests))
    )
    ended = [chunks for chunks in answers if chunks[-1].finish_reason is FinishReason.STOP]
    assert ended
    for chunks in ended:
        assert chunks[-1].token_ids == (0,)
        assert chunks[-1].completion_tokens == len(chunks)
        assert "<|endoftext|>" not in "".join(chunk.text for chunk in chunks)


def test_an_answer_ends_before_a_stop_string(models_path, request_for, answer, tokenizer, token_ids):
    async def main(engine):
        free = await answer(engine, request_for("The people", max_tokens=30, ignore_end=True))
        text = "".join(chunk.text for chunk in free)
        stop = text[len(text) // 2 :][:3]
        stopped = await answer(engine, request_for("The people", max_tokens=30, ignore_end=True, stop=(stop,)))
        return text, stop, stopped

    text, stop, stopped = on_engine(models_path, None, main)
    assert "".join(chunk.text for chunk in stopped) == text[: text.index(stop)]
    assert stopped[-1].finish_reason is FinishReason.STOP
    assert stop in tokenizer.decode(token_ids(stopped))  # the tokens that spelt it were computed, and count


def test_logprobs_name_the_drawn_token_and_the_likeliest_in_order(models_path, request_for, answer):
    request = request_for("The", logprobs=3, ignore_end=True)
    chunks = on_engine(models_path, None, lambda engine: answer(engine, request))
    for chunk in chunks:
        (entry,) = chunk.logprobs
        assert len(entry.top) == 3
        assert (entry.token, entry.logprob) == (entry.top[0].token, entry.top[0].logprob)  # greedy
        assert entry.top[0].logprob >= entry.top[1].logprob >= entry.top[2].logprob
        assert all(one.logprob <= 0 for one in entry.top)


def test_a_closed_stream_frees_its_row_and_its_adapter_for_the_next(models_path, request_for, reference, answer):
    settings = EngineSettings(max_batch=1, max_waiting=1, adapter_memory_bytes=250_000)

    async def main(engine):
        long = request_for("The", reference("jay"), max_tokens=500, ignore_end=True)
        async with aclosing(engine.generate(long)) as chunks:
            seen = [await anext(chunks) for _ in range(3)]
            assert engine.load().running == 1
        after = await answer(engine, request_for("The", reference("austen"), ignore_end=True))
        await until(lambda: engine.load().running == 0)
        return seen, after, engine.load(), engine.resident_adapters()

    seen, after, load, resident = on_engine(models_path, settings, main)
    assert [chunk.completion_tokens for chunk in seen] == [1, 2, 3]
    assert len(after) == 12
    assert (load.waiting, load.running, load.queued_tokens) == (0, 0, 0)
    assert resident == (reference("austen").content_hash,)


def test_cancelling_the_reading_task_frees_the_row_whether_waiting_or_running(models_path, request_for, answer):
    async def main(engine):
        requests = [request_for("The", max_tokens=500, ignore_end=True) for _ in range(4)]
        tasks = [asyncio.create_task(answer(engine, request)) for request in requests]
        await until(lambda: engine.load().running == 2 and engine.load().waiting == 2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await until(lambda: engine.load().running == 0)
        assert all(task.cancelled() for task in tasks)
        assert engine.load().queued_tokens == 0
        return await answer(engine, request_for("The", ignore_end=True))

    assert len(on_engine(models_path, EngineSettings(max_batch=2), main)) == 12


def test_cancelling_some_of_a_batch_leaves_the_others_as_they_would_be_alone(
    models_path, request_for, reference, answer, token_ids
):
    requests = [request_for(PROMPTS[i % 5], reference(NAMES[i]), max_tokens=40, ignore_end=True) for i in range(8)]

    async def main(engine):
        alone = [token_ids(await answer(engine, request)) for request in requests]
        tasks = [asyncio.create_task(answer(engine, request)) for request in requests]
        await until(lambda: engine.load().running >= 4)
        for task in tasks[::3]:
            task.cancel()
        together = await asyncio.gather(*tasks, return_exceptions=True)
        return alone, together

    alone, together = on_engine(models_path, EngineSettings(max_batch=8, prefill_chunk_tokens=2), main)
    for i, chunks in enumerate(together):
        if i % 3:
            assert token_ids(chunks) == alone[i]


def test_one_request_too_many_is_refused_at_once_and_told_when_to_come_again(models_path, request_for, answer):
    async def main(engine):
        long = request_for("The", max_tokens=500, ignore_end=True)
        tasks = [asyncio.create_task(answer(engine, long)) for _ in range(3)]
        await until(lambda: engine.load().running == 1 and engine.load().waiting == 2)
        with pytest.raises(OverloadedError) as refused:
            await answer(engine, long)
        assert refused.value.retry_after_seconds >= 1.0
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    on_engine(models_path, EngineSettings(max_batch=1, max_waiting=2), main)


@pytest.mark.parametrize(
    ("prompt_ids", "max_tokens", "error"),
    [
        ((5,) * 500, 13, ContextLengthError),
        ((5,) * 512, 1, ContextLengthError),
        ((), 5, MalformedInputError),
        ((2_048,), 5, MalformedInputError),
        ((-1,), 5, MalformedInputError),
    ],
)
def test_a_prompt_that_cannot_be_answered_is_refused(models_path, answer, prompt_ids, max_tokens, error):
    request = GenerationRequest(prompt_ids, SamplingParameters(max_tokens))

    async def main(engine):
        with pytest.raises(error):
            engine.check(request)
        with pytest.raises(error):
            await answer(engine, request)

    on_engine(models_path, None, main)


def test_the_whole_context_can_be_used(models_path, answer):
    request = GenerationRequest((5,) * 500, SamplingParameters(12, temperature=0, ignore_end=True))
    chunks = on_engine(models_path, EngineSettings(prefill_chunk_tokens=64), lambda engine: answer(engine, request))
    assert chunks[-1].completion_tokens == 12


def test_stopping_ends_open_answers_with_a_clear_error_and_it_can_start_again(models_path, request_for, answer):
    async def main():
        engine = Engine(models_path / "base", EngineSettings(max_batch=1))
        with pytest.raises(EngineStoppedError):
            await answer(engine, request_for("The"))
        await engine.start()
        long = request_for("The", max_tokens=500, ignore_end=True)
        tasks = [asyncio.create_task(answer(engine, long)) for _ in range(2)]
        await until(lambda: engine.load().running == 1)
        await engine.stop()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [EngineStoppedError] * 2
        await engine.start()
        assert await answer(engine, request_for("The"))
        await engine.stop()

    asyncio.run(main())


def test_a_fault_in_a_step_is_told_to_its_askers_and_the_engine_goes_on(models_path, request_for, answer, monkeypatch):
    from serving.engine.forward import ForwardPass

    advance = ForwardPass.advance
    calls = iter(range(1_000))

    def faulty(self, *arguments):
        if next(calls) == 2:  # numpy runs out of memory at no step that a test could choose
            raise MemoryError("no room for this step")
        return advance(self, *arguments)

    async def main(engine):
        monkeypatch.setattr(ForwardPass, "advance", faulty)
        with pytest.raises(MemoryError):
            await answer(engine, request_for("The", ignore_end=True))
        return await answer(engine, request_for("The", ignore_end=True))

    assert len(on_engine(models_path, None, main)) == 12


def test_a_folder_that_holds_no_model_is_refused_at_construction(tmp_path):
    with pytest.raises(CheckpointError):
        Engine(tmp_path)
