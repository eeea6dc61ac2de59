"""Deltas between a connection and whoever takes them: all of them, in order, and none after the taker has left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.inference.engine import Delta
from serving.upstream.flow import NodeFlow
from serving.upstream.silence import Silence

pytestmark = pytest.mark.unit


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 10))


def delta(number: int) -> Delta:
    return Delta((), number)


def flow_of(calls: list[str] | None = None) -> NodeFlow:
    calls = [] if calls is None else calls
    return NodeFlow(lambda: calls.append("pause"), lambda: calls.append("resume"))


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.booleans()), max_size=12))
def test_every_delta_comes_once_and_in_order(batches: list[tuple[int, bool, bool]]) -> None:
    """Each batch is put before or after the taker runs again, and the taker has to wait after it or not."""
    got: list[int] = []
    waits = {}

    async def story() -> None:
        flow = flow_of()

        def take(deltas: Sequence[Delta]) -> Coroutine[Any, Any, None] | None:
            got.extend(one.output_units for one in deltas)
            return asyncio.sleep(0) if waits.get(deltas[-1].output_units) else None

        taking = asyncio.ensure_future(flow.into(take))
        number = 0
        for count, turns, waiting in batches:
            batch = [delta(number + n) for n in range(count)]
            number += count
            waits[number - 1] = waiting
            flow.put(batch, 10)
            if turns:
                await asyncio.sleep(0)
        flow.end()
        await taking
        assert got == list(range(number))

    got.clear()
    run(story)


def test_what_nobody_takes_holds_the_node_back_and_is_read_on_for() -> None:
    calls: list[str] = []

    async def story() -> None:
        flow = flow_of(calls)
        flow.put([delta(0)], 60_000)
        assert calls == []
        flow.put([delta(1)], 60_000)
        assert calls == ["pause"]
        assert not flow.is_wanted
        got: list[Delta] = []
        taking = asyncio.ensure_future(flow.into(got.extend))  # type: ignore[func-returns-value]
        await asyncio.sleep(0)
        assert (calls, flow.held_bytes, flow.is_wanted, len(got)) == (["pause", "resume"], 0, True, 2)
        flow.end()
        await taking

    run(story)


def test_whoever_leaves_gets_nothing_more_not_even_what_it_was_about_to_wait_for() -> None:
    async def story() -> None:
        flow, written = flow_of(), []

        async def write() -> None:
            written.append(1)

        taking = asyncio.ensure_future(flow.into(lambda _: write()))
        await asyncio.sleep(0)
        flow.put([delta(0)], 1)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        flow.put([delta(1)], 1)
        assert written == []
        assert not flow.is_wanted

    run(story)


def test_the_takers_own_fault_reaches_the_taker_alone() -> None:
    def take(_: Sequence[Delta]) -> None:
        raise ValueError("mine")

    async def story() -> None:
        flow = flow_of()
        taking = asyncio.ensure_future(flow.into(take))
        await asyncio.sleep(0)
        flow.put([delta(0)], 1)
        flow.put([delta(1)], 1)
        flow.end()
        with pytest.raises(ValueError, match="mine"):
            await taking

    run(story)


@pytest.mark.parametrize(("wanted", "heard", "found"), [(True, False, 1), (False, False, 0), (True, True, 0)])
def test_silence_counts_while_somebody_waits_and_nothing_is_heard(wanted: bool, heard: bool, found: int) -> None:
    async def story() -> None:
        calls: list[int] = []
        silence = Silence(0.1, lambda: wanted, lambda: calls.append(1))
        silence.begin()
        for _ in range(8):
            await asyncio.sleep(0.03)
            if heard:
                silence.broken()
        silence.end()
        assert len(calls) == found
        await asyncio.sleep(0.15)
        assert len(calls) == found

    run(story)
