"""Adapters in memory: the registered content only, loaded once, counted, and never evicted in use."""

import asyncio
import shutil
import threading
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import AdapterMismatchError, CheckpointError, EngineStoppedError
from serving.engine.adapters import AdapterStore, verify_content_hash
from serving.engine.request import AdapterReference
from serving.engine.settings import EngineSettings

pytestmark = pytest.mark.unit

ONE = 241_664  # bytes of one shipped adapter's weights


@pytest.fixture(scope="module")
def pins(reference, models_path, tmp_path_factory):
    """Four shipped adapters, one whose files were swapped after it was pinned, and one whose folder is gone."""
    folder = tmp_path_factory.mktemp("swapped")
    shutil.copytree(models_path / "adapters" / "publius", folder, dirs_exist_ok=True)
    swapped = reference("swapped", folder)
    shutil.copy(models_path / "adapters" / "satire" / "adapter_model.safetensors", folder)
    missing = AdapterReference("missing", folder / "nowhere", bytes(32))
    return {name: reference(name) for name in GOOD} | {"swapped": swapped, "missing": missing}


@pytest.fixture
def store_of(base):
    """Builds a store with room for a number of shipped adapters; call it inside a running loop."""

    def build(room: float, verify=verify_content_hash) -> AdapterStore:
        return AdapterStore(base.shape, EngineSettings(adapter_memory_bytes=int(room * ONE)), verify)

    return build


class Gate:
    """A verifier that counts loads and can hold them until it is opened."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.loads = 0
        self._open = threading.Event()
        if is_open:
            self._open.set()

    def __call__(self, reference, files) -> None:
        self.loads += 1
        assert self._open.wait(30)
        verify_content_hash(reference, files)

    def open(self) -> None:
        self._open.set()


def test_an_adapter_is_read_when_first_asked_for_and_then_kept(store_of, reference):
    async def main():
        gate = Gate()
        store = store_of(4, gate)
        for _ in range(3):
            with await store.acquire(reference("jay")) as weights:
                assert weights.size_bytes == ONE
        assert gate.loads == 1
        assert store.resident_bytes == ONE
        await store.close()

    asyncio.run(main())


def test_many_who_ask_at_once_cause_one_load(store_of, reference):
    async def main():
        gate = Gate(is_open=False)
        store = store_of(4, gate)

        async def ask():
            with await store.acquire(reference("jay")) as weights:
                return id(weights)

        asking = [asyncio.create_task(ask()) for _ in range(20)]
        await asyncio.sleep(0)
        gate.open()
        assert len(set(await asyncio.gather(*asking))) == 1
        assert gate.loads == 1
        await store.close()

    asyncio.run(main())


def test_the_least_recently_used_idle_adapter_makes_room(store_of, reference):
    async def main():
        store = store_of(2)
        for name in ("jay", "austen", "jay", "bierce"):
            with await store.acquire(reference(name)):
                pass
        assert store.resident == (reference("jay").content_hash, reference("bierce").content_hash)
        assert store.resident_bytes <= 2 * ONE
        await store.close()

    asyncio.run(main())


def test_an_adapter_in_use_is_never_evicted_and_the_next_one_waits_for_room(store_of, reference):
    async def main():
        store = store_of(1)
        entered = asyncio.Event()

        async def second():
            with await store.acquire(reference("austen")):
                entered.set()
                assert store.resident == (reference("austen").content_hash,)

        with await store.acquire(reference("jay")):
            waiting = asyncio.create_task(second())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(waiting), 0.2)
            assert not entered.is_set()
            assert store.resident == (reference("jay").content_hash,)
        await asyncio.wait_for(waiting, 30)
        await store.close()

    asyncio.run(main())


def test_a_popular_adapter_does_not_keep_another_one_waiting_for_ever(store_of, reference):
    async def main():
        store = store_of(1)
        served = []

        async def ask(name):
            with await store.acquire(reference(name)):
                served.append(name)

        with await store.acquire(reference("jay")):
            asking = [asyncio.create_task(ask("austen"))]
            await asyncio.wait(asking, timeout=0.1)  # read, and now waiting for room
            asking += [asyncio.create_task(ask("jay")) for _ in range(5)]
            await asyncio.wait(asking, timeout=0.1)
            assert served == []
        await asyncio.wait_for(asyncio.gather(*asking), 30)
        assert served == ["austen"] + ["jay"] * 5
        await store.close()

    asyncio.run(main())


def test_files_swapped_on_disk_are_refused_at_the_next_load(store_of, reference, models_path, tmp_path):
    folder = shutil.copytree(models_path / "adapters" / "jay", tmp_path / "jay")
    pinned = reference("jay", folder)

    async def main():
        store = store_of(1)
        with await store.acquire(pinned) as before:
            other = models_path / "adapters" / "austen" / "adapter_model.safetensors"
            shutil.copy(other, folder / "adapter_model.safetensors")
            with await store.acquire(pinned) as cached:
                assert cached is before  # what is in memory was checked when it was read
        with await store.acquire(reference("bierce")):
            pass  # pushes it out
        with pytest.raises(AdapterMismatchError, match="jay"):
            await store.acquire(pinned)
        assert pinned.content_hash not in store.resident
        with await store.acquire(reference("jay", folder)) as after:
            assert after.size_bytes == ONE  # under its own content hash the new file is another adapter
        await store.close()

    asyncio.run(main())


def test_a_file_more_in_the_folder_is_another_content(store_of, reference, models_path, tmp_path):
    folder = shutil.copytree(models_path / "adapters" / "jay", tmp_path / "jay")
    pinned = reference("jay", folder)
    (folder / "notes.txt").write_text("added later")

    async def main():
        store = store_of(1)
        with pytest.raises(AdapterMismatchError):
            await store.acquire(pinned)
        await store.close()

    asyncio.run(main())


def test_a_failed_load_is_told_to_all_who_asked_and_tried_again_by_the_next(store_of, reference, models_path, tmp_path):
    folder = tmp_path / "jay"
    pinned = reference("jay")
    pinned = type(pinned)("jay", folder, pinned.content_hash)

    async def ask(store):
        with await store.acquire(pinned) as weights:
            return weights

    async def main():
        store = store_of(2)
        outcomes = await asyncio.gather(*(ask(store) for _ in range(3)), return_exceptions=True)
        assert all(isinstance(outcome, CheckpointError) for outcome in outcomes)
        assert store.users(pinned.content_hash) == 0
        shutil.copytree(models_path / "adapters" / "jay", folder)
        assert (await ask(store)).size_bytes == ONE
        await store.close()

    asyncio.run(main())


def test_an_adapter_larger_than_the_whole_memory_is_refused(store_of, reference):
    async def main():
        store = store_of(0.9)
        with pytest.raises(CheckpointError):
            await store.acquire(reference("jay"))
        await store.close()

    asyncio.run(main())


def test_an_asker_who_goes_away_leaves_the_load_to_the_others(store_of, reference):
    async def main():
        gate = Gate(is_open=False)
        store = store_of(2, gate)

        async def ask():
            with await store.acquire(reference("jay")) as weights:
                return weights

        first, second = asyncio.create_task(ask()), asyncio.create_task(ask())
        await asyncio.sleep(0)
        first.cancel()
        gate.open()
        assert (await second).size_bytes == ONE
        assert first.cancelled()
        assert store.users(reference("jay").content_hash) == 0
        await store.close()

    asyncio.run(main())


def test_a_load_that_nobody_waits_for_any_more_gives_up_its_place(store_of, reference):
    async def main():
        store = store_of(1)

        async def ask(name):
            with await store.acquire(reference(name)) as weights:
                return weights

        with await store.acquire(reference("jay")):
            gone = asyncio.create_task(ask("austen"))
            await asyncio.wait([gone], timeout=0.1)  # read, and now waiting for room
            behind = asyncio.create_task(ask("jay"))
            await asyncio.wait([behind], timeout=0.1)
            assert not behind.done()
            gone.cancel()
            assert await asyncio.wait_for(behind, 30)  # while the first one still holds it
            assert store.resident == (reference("jay").content_hash,)
        assert (await asyncio.wait_for(ask("austen"), 30)).size_bytes == ONE
        await store.close()

    asyncio.run(main())


GOOD = ("jay", "austen", "bierce", "hamilton")


@dataclass(frozen=True)
class Ask:
    """Someone who asks for an adapter after some turns of the loop, holds it for others, or goes away before that."""

    name: str
    after: int
    hold: int
    patience: int | None


asks = st.builds(
    Ask,
    name=st.sampled_from([*GOOD, "swapped", "missing"]),
    after=st.integers(0, 30),
    hold=st.integers(0, 20),
    patience=st.none() | st.integers(0, 40),
)


@given(script=st.lists(asks, min_size=1, max_size=24), room=st.integers(1, 3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whoever_asks_in_whatever_order_gets_the_right_weights_within_the_memory(store_of, adapter, pins, script, room):
    async def run(ask, store):
        for _ in range(ask.after):
            await asyncio.sleep(0)
        with await store.acquire(pins[ask.name]) as weights:
            key, expected = pins[ask.name].content_hash, adapter(ask.name)
            assert all(np.array_equal(weights.pairs[i].up, expected.pairs[i].up) for i in expected.pairs)
            for _ in range(ask.hold + 1):
                assert key in store.resident
                assert store.resident_bytes == ONE * len(store.resident) <= room * ONE
                await asyncio.sleep(0)

    async def impatient(ask, store):
        task = asyncio.create_task(run(ask, store))
        if ask.patience is not None:
            for _ in range(ask.patience):
                await asyncio.sleep(0)
            task.cancel()
        return await task

    async def main():
        store = store_of(room)
        outcomes = await asyncio.wait_for(
            asyncio.gather(*(impatient(ask, store) for ask in script), return_exceptions=True), 60
        )
        allowed = {"swapped": AdapterMismatchError, "missing": CheckpointError}
        for ask, outcome in zip(script, outcomes, strict=True):
            if ask.patience is None or not isinstance(outcome, asyncio.CancelledError):
                assert isinstance(outcome, allowed.get(ask.name, type(None))), (ask, outcome)
        assert all(store.users(pins[ask.name].content_hash) == 0 for ask in script)
        await store.close()
        assert (store.resident, store.resident_bytes) == ((), 0)

    asyncio.run(main())


def test_closing_ends_loads_that_wait_for_room(store_of, reference):
    async def main():
        store = store_of(1)

        async def ask(name):
            with await store.acquire(reference(name)):
                pass

        with await store.acquire(reference("jay")):
            waiting = [asyncio.create_task(ask("austen"))]
            await asyncio.wait(waiting, timeout=0.1)  # read, and now waiting for room
            waiting.append(asyncio.create_task(ask("jay")))
            await asyncio.wait(waiting, timeout=0.1)
            await store.close()
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [EngineStoppedError] * 2

    asyncio.run(main())
