"""Adapters on one node: loaded when first asked for, unloaded by least recent use, never while in use."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

import structlog

from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.models import UpstreamModel

Asking = Callable[[str, dict[str, Any]], Awaitable[tuple[int, bytes]]]
"""Posts JSON to a path of the node; status and body of what it answered."""
_log = structlog.get_logger(__name__)


class Shelf:
    """What the gateway has loaded on a node."""

    def __init__(self, node: str, room: int, ask: Asking) -> None:
        self._node = node
        self._room = room
        self._ask = ask
        self._loaded: OrderedDict[str, None] = OrderedDict()
        self._in_use: Counter[str] = Counter()
        self._changing = asyncio.Lock()
        """One load or unload at a time: two at once are what servers get wrong."""

    def __len__(self) -> int:
        return len(self._loaded)

    def holds(self, model: UpstreamModel) -> bool:
        """Whether the node has it without a load."""
        return model.adapter_path is None or model.name in self._loaded

    def holding(self, model: UpstreamModel) -> AbstractAsyncContextManager[None]:
        """The model is on the node, and stays there until the end.

        Raises:
            NodeFailedError: the node can't load it.
            AdapterMismatchError, CheckpointError: its files are not the registered ones.
        """
        return nullcontext() if model.adapter_path is None else self._holding(model)

    @asynccontextmanager
    async def _holding(self, model: UpstreamModel) -> AsyncIterator[None]:
        self._in_use[model.name] += 1  # before anything is awaited: what is wanted is not unloaded
        try:
            if model.name not in self._loaded:
                await self._load(model)
            if model.name in self._loaded:
                self._loaded.move_to_end(model.name)
            yield
        finally:
            self._in_use[model.name] -= 1
            if not self._in_use[model.name]:
                del self._in_use[model.name]

    def forget(self, name: str | None = None) -> None:
        """The node does not have it any more, or has none, as after its restart."""
        if name is None:
            self._loaded.clear()
        else:
            self._loaded.pop(name, None)

    def found(self, names: set[str]) -> None:
        """Those that the node says it has are all that it has."""
        for name in [name for name in self._loaded if name not in names]:
            self.forget(name)

    async def _load(self, model: UpstreamModel) -> None:
        async with self._changing:
            if model.name in self._loaded:
                return
            await asyncio.to_thread(model.check_content)
            await self._make_room()
            status, answer = await self._ask(
                "/load_lora_adapter", {"lora_name": model.name, "lora_path": model.adapter_path}
            )
            if status != 200 and b"already" not in answer:
                _log.warning("adapter_not_loaded", node=self._node, adapter=model.name, status=status)
                raise NodeFailedError(Fault.NO_MODEL, f"The node can't load {model.name} ({status}).")
            self._loaded[model.name] = None
            _log.info("adapter_loaded", node=self._node, adapter=model.name)

    async def _make_room(self) -> None:
        while len(self._loaded) >= self._room:
            idle = next((name for name in self._loaded if name not in self._in_use), None)
            if idle is None:
                raise NodeFailedError(Fault.BUSY, "All adapters on the node are in use.", 1.0)
            self.forget(idle)  # first: nothing new may be sent to it while it goes
            await self._ask("/unload_lora_adapter", {"lora_name": idle})
            _log.info("adapter_unloaded", node=self._node, adapter=idle)
