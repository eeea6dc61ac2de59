"""A node's adapters: loaded once however many ask, unloaded by least use, never while in use."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from serving.upstream.adapters import Shelf
from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.models import UpstreamModel
from tests.unit.serving.upstream_calls import model

pytestmark = pytest.mark.unit


class Server:
    """Loads and unloads as vLLM does, and notices what must not happen."""

    def __init__(self) -> None:
        self.loaded: set[str] = set()
        self.in_use: dict[str, int] = {}
        self.changes = 0
        self.changing = False
        self.unloads = 0

    async def ask(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        assert not self.changing, "two changes at once"
        self.changing = True
        await asyncio.sleep(0)
        self.changing = False
        name = body["lora_name"]
        if path == "/load_lora_adapter":
            if name in self.loaded:
                return 400, b'{"error":{"message":"has already been loaded"}}'
            self.loaded.add(name)
        else:
            assert not self.in_use.get(name), "unloaded while in use"
            self.loaded.discard(name)
            self.unloads += 1
        self.changes += 1
        return 200, b"Success"


def adapters(count: int) -> list[UpstreamModel]:
    return [model(name=f"adapter {number}", adapter_path=f"/srv/{number}") for number in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_many_requests_for_many_adapters(seed: int) -> None:
    drawn, server, wanted = random.Random(seed), Server(), adapters(9)
    shelf = Shelf("node", 4, server.ask)
    faults: set[Fault] = set()

    async def use(one: UpstreamModel) -> None:
        try:
            async with shelf.holding(one):
                assert one.name in server.loaded
                server.in_use[one.name] = server.in_use.get(one.name, 0) + 1
                for _ in range(drawn.randrange(6)):
                    await asyncio.sleep(0)
                    assert one.name in server.loaded
                server.in_use[one.name] -= 1
        except NodeFailedError as failure:
            faults.add(failure.fault)

    async def run() -> None:
        await asyncio.gather(*(use(drawn.choice(wanted)) for _ in range(200)))
        await asyncio.gather(*(use(one) for one in wanted))

    asyncio.run(run())
    assert len(server.loaded) <= 4 + 1
    assert server.unloads > 0
    assert faults <= {Fault.BUSY}  # all that are loaded are in use: another node may do it


def test_the_least_recently_used_goes_first() -> None:
    server, (first, second, third) = Server(), adapters(3)
    shelf = Shelf("node", 2, server.ask)

    async def run() -> None:
        for one in (first, second, first, third):
            async with shelf.holding(one):
                pass

    asyncio.run(run())
    assert server.loaded == {first.name, third.name}


def test_a_node_that_has_it_already_or_lost_it_is_no_matter() -> None:
    server, (one,) = Server(), adapters(1)
    server.loaded.add(one.name)
    shelf = Shelf("node", 2, server.ask)

    async def run() -> None:
        async with shelf.holding(one):
            assert shelf.holds(one)
        server.loaded.clear()
        shelf.found(set())
        assert not shelf.holds(one)
        async with shelf.holding(one):
            assert one.name in server.loaded

    asyncio.run(run())
