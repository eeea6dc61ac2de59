"""Who gets a request, who waits, and who is told to come again, and when."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ledger.errors import OverloadedError
from serving.errors import UpstreamUnavailableError
from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.node import Node
from serving.upstream.pool import Pool, Work
from serving.upstream.settings import NodeSettings, PoolSettings
from tests.unit.serving.upstream_calls import model

pytestmark = pytest.mark.unit

ADAPTER = model(name="quill:austen@00", adapter_path="/srv/austen")


def pool_of(*nodes: dict[str, Any], **pool: Any) -> Pool:
    settings = PoolSettings(**{"patience_seconds": 0.3} | pool)
    made = [
        Node(NodeSettings(url=f"http://127.0.0.1:{number}/v1", name=str(number), kind="vllm", **fields), settings)
        for number, fields in enumerate(nodes)
    ]
    return Pool(made, settings)


def work(payer: bytes = b"payer", units: int = 100, **changes: Any) -> Work:
    return Work(changes.get("model", model()), payer, units)


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))


def test_work_goes_by_load_and_weight() -> None:
    pool = pool_of({"weight": 3.0}, {"weight": 1.0})

    async def story() -> None:
        got = Counter([(await pool.place(work(), ())).label for _ in range(40)])
        assert got == {"0": 30, "1": 10}

    run(story)


def test_a_node_that_has_the_adapter_is_preferred_until_it_is_much_busier() -> None:
    pool = pool_of({}, {}, adapter_units=1_000)

    async def story() -> None:
        pool.nodes[1].shelf._loaded[ADAPTER.name] = None
        got = [(await pool.place(work(model=ADAPTER), ())).label for _ in range(12)]
        assert got[:10] == ["1"] * 10
        assert "0" in got[10:]

    run(story)


def test_nodes_that_drain_fail_or_are_avoided_get_nothing() -> None:
    pool = pool_of({"drain": True}, {}, {}, {})

    async def story() -> None:
        pool.nodes[1].failed(NodeFailedError(Fault.GARBAGE, "…"))
        pool.nodes[2].failed(NodeFailedError(Fault.BUSY, "…", 30.0))
        assert {(await pool.place(work(), ())).label for _ in range(5)} == {"3"}
        began = asyncio.get_running_loop().time()
        with pytest.raises(UpstreamUnavailableError):
            await pool.place(work(), [pool.nodes[2], pool.nodes[3]])
        assert asyncio.get_running_loop().time() - began < 0.1  # nothing to wait for

    run(story)


def test_who_finds_no_node_waits_for_one_to_come_back_and_not_for_ever() -> None:
    pool = pool_of({}, patience_seconds=0.3)
    node = pool.nodes[0]

    async def story() -> None:
        node.failed(NodeFailedError(Fault.UNREACHABLE, "…"))
        with pytest.raises(UpstreamUnavailableError) as refused:
            await pool.place(work(), ())
        assert refused.value.retry_after_seconds is not None
        waiting = asyncio.ensure_future(pool.place(work(), ()))
        await asyncio.sleep(0.1)
        node.breaker.end_trial(passed=True)
        pool.grant()
        assert (await waiting) is node

    run(story)


def test_what_waits_is_served_fairly_and_every_place_comes_back() -> None:
    pool = pool_of({"max_running": 1})
    order: list[bytes] = []

    async def one(payer: bytes) -> None:
        node = await pool.place(work(payer), ())
        order.append(payer)
        await asyncio.sleep(0.001)
        pool.leave(node, work(payer), 20, 80)

    async def story() -> None:
        flood = [asyncio.ensure_future(one(b"flood")) for _ in range(30)]
        await asyncio.sleep(0.01)
        modest = asyncio.ensure_future(one(b"modest"))
        gone = [asyncio.ensure_future(one(b"gone")) for _ in range(5)]
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        await modest
        assert order.count(b"flood") < 20
        await asyncio.gather(*flood)
        assert (pool.running, pool.waiting, pool.waiting_units, pool.nodes[0].units) == (0, 0, 0, 0)
        assert b"gone" not in order

    run(story)


def test_too_much_is_refused_with_the_time_that_it_takes() -> None:
    pool = pool_of({"max_running": 1}, max_wait_seconds=10.0)

    async def story() -> None:
        first = await pool.place(work(), ())
        pool.speed.add(400)  # tokens in the last second, as far as is known
        queued = []
        for _ in range(40):  # ten seconds at that speed
            pool.refuse_overload(work())
            queued.append(asyncio.ensure_future(pool.place(work(), ())))
            await asyncio.sleep(0)
        with pytest.raises(OverloadedError) as refused:
            pool.refuse_overload(work())
        assert refused.value.retry_after_seconds == pytest.approx(10.0, rel=0.2)
        pool.refuse_overload(work(b"another payer"))  # which has its share
        for task in queued:
            task.cancel()
        await asyncio.gather(*queued, return_exceptions=True)
        pool.leave(first, work(), 20, 80)
        pool.refuse_overload(work())

    run(story)


def test_a_place_that_was_given_to_one_who_left_goes_to_the_next() -> None:
    pool = pool_of({"max_running": 1})

    async def story() -> None:
        first = await pool.place(work(), ())
        leaving = asyncio.ensure_future(pool.place(work(), ()))
        staying = asyncio.ensure_future(pool.place(work(), ()))
        await asyncio.sleep(0.01)
        pool.leave(first, work())  # grants the place to the one that is cancelled before it runs again
        leaving.cancel()
        assert (await staying) is first
        assert leaving.cancelled()
        assert first.running == 1

    run(story)


def test_slow_nodes_are_left_only_while_others_are_well() -> None:
    slow = NodeFailedError(Fault.SLOW, "…")
    for count, most in ((1, 0), (2, 1), (3, 1), (4, 2), (5, 2)):
        pool = pool_of(*[{}] * count)
        left = 0
        for node in pool.nodes:
            if pool.may_leave_slow(node):
                node.failed(slow)
                left += 1
        assert left == most


def test_an_answer_is_taken_for_what_answers_of_late_came_to() -> None:
    pool = pool_of({})
    assert pool.speed.answer_units(16) == 16
    assert pool.speed.answer_units(100_000) == 512  # a guess, before anything is known
    for _ in range(200):
        pool.speed.add(30, 20)
    assert 40 <= pool.speed.answer_units(100_000) <= 41


def test_who_waits_for_a_node_that_is_away_holds_up_nobody_else() -> None:
    pool = pool_of({}, {}, patience_seconds=5.0)
    pool.nodes[0].models, pool.nodes[1].models = {"away"}, {"here"}

    async def story() -> None:
        pool.nodes[0].failed(NodeFailedError(Fault.UNREACHABLE, "…"))
        waiting = [asyncio.ensure_future(pool.place(work(model=model(name="away")), ())) for _ in range(3)]
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        for _ in range(20):
            node = await pool.place(work(model=model(name="here")), ())
            pool.leave(node, work())
        assert asyncio.get_running_loop().time() - began < 0.2
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert pool.running == pool.waiting == 0

    run(story)
