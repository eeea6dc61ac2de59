"""A node alone under its watch: looks, trials, and how a slow one comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from serving.inference.call import Endpoint
from serving.upstream.breaker import State
from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.health import Watch
from serving.upstream.node import Node
from serving.upstream.settings import NodeSettings, PoolSettings
from tests.factories.upstreams import PacedNode, paced_nodes

pytestmark = pytest.mark.e2e

USUAL_SECONDS = 0.1


@pytest.fixture
def paced() -> Iterator[PacedNode]:
    with paced_nodes("alone", first_token_ms=20) as (one,):
        yield one


def watched(paced: PacedNode, story: Callable[[Node, Watch], Awaitable[None]], **pool: object) -> None:
    """Runs a story of a node that has answered chats, each in the usual time."""

    async def run() -> None:
        node = Node(NodeSettings(url=f"{paced.url}/v1", kind="vllm"), PoolSettings(**pool))
        node.open()
        node.last_asked = (Endpoint.CHAT, "quill")
        for pace in node.paces.values():
            for _ in range(30):
                pace.add(USUAL_SECONDS, 10)
        try:
            await asyncio.wait_for(story(node, Watch(node, lambda: None)), 60)
        finally:
            await node.close()

    asyncio.run(run())


async def trial(node: Node, watch: Watch) -> State:
    """The node's state after the next trial, whenever that is due."""
    node.breaker._opened_at = float("-inf")
    await watch.look()
    return node.breaker.state


def test_a_look_learns_what_the_node_serves(paced: PacedNode) -> None:
    async def story(node: Node, watch: Watch) -> None:
        await watch.look()
        assert node.models == {"quill"}
        assert node.breaker.state is State.CLOSED

    watched(paced, story)


def test_one_late_look_is_forgiven_and_two_are_not(paced: PacedNode) -> None:
    async def story(node: Node, watch: Watch) -> None:
        paced.control(fault="hung")
        await watch.look()
        assert node.breaker.state is State.CLOSED
        await watch.look()
        assert (node.breaker.state, node.breaker.reason) == (State.OPEN, Fault.UNREACHABLE)
        assert node.lost is not None
        assert node.lost.done()  # who waits for its first token is told
        assert await trial(node, watch) is State.OPEN
        paced.control(fault="none")
        assert await trial(node, watch) is State.CLOSED
        assert not node.lost.done()

    watched(paced, story, connect_seconds=0.2)


def test_a_refused_connection_needs_no_second_look(paced: PacedNode) -> None:
    async def story(node: Node, watch: Watch) -> None:
        paced.kill()
        await watch.look()
        assert (node.breaker.state, node.breaker.reason) == (State.OPEN, Fault.UNREACHABLE)
        paced.start()
        assert await trial(node, watch) is State.CLOSED

    watched(paced, story)


@pytest.mark.parametrize("fault", ["garbage", "nonsense", "noise", "error", "unauthorized", "drop"])
def test_health_alone_takes_nothing_back(paced: PacedNode, fault: str) -> None:
    async def story(node: Node, watch: Watch) -> None:
        node.failed(NodeFailedError(Fault.GARBAGE, "…"))
        paced.control(fault=fault)
        assert await trial(node, watch) is State.OPEN
        paced.control(fault="context")  # it refuses in good order: it is well
        assert await trial(node, watch) is State.CLOSED

    watched(paced, story)


def test_a_slow_node_comes_back_at_its_old_pace_or_after_many_trials_at_its_new_one(paced: PacedNode) -> None:
    async def story(node: Node, watch: Watch) -> None:
        node.failed(NodeFailedError(Fault.SLOW, "…"))
        paced.control(first_token_ms=20 * USUAL_SECONDS * 1000)
        assert await trial(node, watch) is State.OPEN
        node.breaker.failed_trials = 20
        assert await trial(node, watch) is State.CLOSED
        assert node.paces["stream"].p99_seconds is None
        assert node.breaker.failed_trials == 0

    watched(paced, story)


def test_a_lost_adapter_is_no_proof_of_health(paced: PacedNode) -> None:
    async def story(node: Node, watch: Watch) -> None:
        node.last_asked = (Endpoint.CHAT, "quill:austen@lost")
        node.failed(NodeFailedError(Fault.DENIED, "…"))
        paced.control(fault="drop")
        assert await trial(node, watch) is State.OPEN
        paced.control(fault="none")
        assert await trial(node, watch) is State.CLOSED
        assert paced.last_body["model"] == "quill"

    watched(paced, story)
