"""Adapters of different owners in one engine: none of them slows, changes or stands in for another one."""

import asyncio
import gc
import shutil
import threading
import weakref
from contextlib import aclosing

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ledger.errors import AdapterMismatchError, CheckpointError
from serving.engine.engine import Engine
from serving.engine.request import FinishReason
from serving.engine.settings import EngineSettings
from tests.factories.engines import on_engine, until

pytestmark = pytest.mark.unit

NAMES = ["shakespeare", "hamilton", "madison", "jay", "austen", "bierce", "publius", "satire"]
PROMPTS = ["The", "It is a truth", "What say you to the people of this state?", "LOVE, n.", "ROMEO:\n"]


def test_more_adapters_than_the_memory_holds_are_served_one_after_another(
    models_path, request_for, reference, answer, token_ids
):
    requests = [request_for("The", reference(name), ignore_end=True) for name in NAMES * 2]

    async def main(engine):
        chunks = await asyncio.gather(*(answer(engine, request) for request in requests))
        return [token_ids(one) for one in chunks], engine.load()

    roomy, _ = on_engine(models_path, None, main)
    tight, load = on_engine(models_path, EngineSettings(adapter_memory_bytes=500_000), main)
    assert tight == roomy
    assert load.resident_adapters <= 2
    assert load.adapter_bytes <= 500_000


def test_a_load_does_not_hold_up_answers_under_way(models_path, request_for, reference, answer):
    """Other answers go on, token by token, while an adapter is held in its loader thread."""
    opened = threading.Event()

    def slow(pinned, files):
        assert opened.wait(60)

    async def main():
        async with Engine(models_path / "base", verify=slow) as engine:
            waiting = asyncio.create_task(answer(engine, request_for("The", reference("jay"))))
            assert len(await answer(engine, request_for("The", max_tokens=40, ignore_end=True))) == 40
            assert not waiting.done()
            opened.set()
            return await waiting

    assert asyncio.run(main())


def test_an_answer_that_nobody_reads_holds_up_nobody(models_path, request_for, reference, answer):
    """Who reads slowly keeps neither a place in the queue nor an adapter in memory."""
    settings = EngineSettings(max_batch=1, max_waiting=0, adapter_memory_bytes=250_000)

    async def main(engine):
        async with aclosing(engine.generate(request_for("The", reference("jay"), ignore_end=True))) as unread:
            first = await anext(unread)
            await until(lambda: engine.room == 1)
            assert await answer(engine, request_for("The", reference("austen"), ignore_end=True))
            assert engine.resident_adapters() == (reference("austen").content_hash,)
            rest = [chunk async for chunk in unread]
        return [first, *rest]

    chunks = on_engine(models_path, settings, main)
    assert [chunk.completion_tokens for chunk in chunks] == list(range(1, 13))
    assert chunks[-1].finish_reason is FinishReason.LENGTH


def test_an_evicted_adapter_s_weights_leave_memory(models_path, request_for, reference, answer):
    """Rows remember whose factors they have copied; that keeps none of the weights."""
    kept = []

    async def main(engine):
        with await engine._adapters.acquire(reference("jay")) as weights:
            kept.append(weakref.ref(weights.pairs[0, "q_proj"].up))
        del weights
        assert await answer(engine, request_for("The", reference("jay")))
        assert kept[0]() is not None
        assert await answer(engine, request_for("The", reference("austen")))
        gc.collect()
        assert kept[0]() is None

    on_engine(models_path, EngineSettings(max_batch=4, adapter_memory_bytes=250_000), main)


def test_an_adapter_out_of_range_ends_its_own_answers_alone(
    models_path, request_for, reference, answer, token_ids, tmp_path
):
    folder = shutil.copytree(models_path / "adapters" / "jay", tmp_path / "jay")
    tensors = load_file(folder / "adapter_model.safetensors")
    for name in tensors:
        tensors[name] = np.full(tensors[name].shape, 1e30, np.float32)
    save_file(tensors, folder / "adapter_model.safetensors")
    poisoned = request_for("The people", reference("poison", folder))
    good = [request_for(prompt, reference("austen"), max_tokens=30, ignore_end=True) for prompt in PROMPTS]

    async def main(engine):
        alone = [token_ids(await answer(engine, request)) for request in good]
        ended = []
        for _ in range(3):  # every row has been the poisoned one's in the end
            mixed = [request for pair in zip(good, [poisoned] * len(good), strict=True) for request in pair]
            outcomes = await asyncio.gather(*(answer(engine, request) for request in mixed), return_exceptions=True)
            assert [token_ids(chunks) for chunks in outcomes[::2]] == alone
            ended += outcomes[1::2]
        return ended, engine.load()

    settings = EngineSettings(max_batch=4, prefill_chunk_tokens=3)
    ended, load = on_engine(models_path, settings, main)
    assert all(isinstance(outcome, CheckpointError) and "poison" in str(outcome) for outcome in ended)
    assert (load.running, load.waiting) == (0, 0)


def test_swapped_adapter_files_are_never_served(models_path, request_for, reference, answer, tmp_path):
    folder = shutil.copytree(models_path / "adapters" / "jay", tmp_path / "jay")
    pinned = reference("jay", folder)
    shutil.copy(models_path / "adapters" / "austen" / "adapter_model.safetensors", folder)

    async def main(engine):
        with pytest.raises(AdapterMismatchError):
            await answer(engine, request_for("The", pinned))
        assert engine.load().waiting == 0

    on_engine(models_path, None, main)


def test_the_gateway_s_own_verdict_on_the_files_decides(models_path, request_for, reference, answer):
    seen = []

    def verify(pinned, files):
        seen.append((pinned.name, [file.path for file in files]))
        if pinned.name == "bierce":
            raise AdapterMismatchError("not this one")

    async def main():
        async with Engine(models_path / "base", verify=verify) as engine:
            assert await answer(engine, request_for("The", reference("jay")))
            with pytest.raises(AdapterMismatchError, match="not this one"):
                await answer(engine, request_for("The", reference("bierce")))

    asyncio.run(main())
    assert [name for name, _ in seen] == ["jay", "bierce"]
    assert "adapter_model.safetensors" in seen[0][1]
