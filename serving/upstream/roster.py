"""Which nodes there are, as the operator's file says it while the gateway runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from ledger.errors import SettingsError
from serving.upstream.health import Watch
from serving.upstream.node import Node
from serving.upstream.pool import Pool
from serving.upstream.settings import NodeSettings, UpstreamsFile, read_upstreams

_RELOAD_SECONDS = 0.5
_FIRST_LOOK_SECONDS = 2.0
_log = structlog.get_logger(__name__)


class Roster:
    """Begins and ends nodes. One that leaves the file drains first: what runs on it ends there."""

    def __init__(self, path: Path, pool: Pool) -> None:
        self._path = path
        self._pool = pool
        self._watches: dict[Node, asyncio.Task[None]] = {}
        self._leaving: list[Node] = []
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Every node has been looked at once, or took too long."""
        for node in self._pool.nodes:
            node.open()
        watches = [self._begin(node) for node in self._pool.nodes]
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_LOOK_SECONDS):
                for watch in watches:
                    await watch.looked.wait()
        self._following = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        tasks = [*self._watches.values(), *([] if self._following is None else [self._following])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for node in [*self._pool.nodes, *self._leaving]:
            await node.close()

    def _begin(self, node: Node) -> Watch:
        watch = Watch(node, self._pool.grant)
        self._watches[node] = asyncio.create_task(watch.run())
        return watch

    async def _follow(self) -> None:
        """Takes in changes of the file; one that can't be read is logged and changes nothing."""
        known = self._stamp()
        while True:
            await asyncio.sleep(_RELOAD_SECONDS)
            await self._end_idle()
            stamp = self._stamp()
            if stamp == known:
                continue
            known = stamp
            try:
                await self._apply(read_upstreams(self._path))
            except SettingsError as error:
                _log.error("upstreams_not_reloaded", error=str(error))

    def _stamp(self) -> tuple[int, int]:
        with suppress(OSError):
            found = self._path.stat()
            return found.st_mtime_ns, found.st_size
        return (0, 0)

    async def _apply(self, file: UpstreamsFile) -> None:
        """Has the pool ask the file's nodes.

        Raises:
            SettingsError: one of them can't be begun; everything is as it was.
        """
        known = {node.label: node for node in self._pool.nodes}
        kept = {one.label: one for one in file.node if _is_same_server(one, known.get(one.label))}
        fresh = await self._opened([one for one in file.node if one.label not in kept])
        for label, node in known.items():
            if label in kept:
                node.settings = kept[label]
            else:
                self._pool.nodes.remove(node)
                self._leaving.append(node)
        for node in fresh:
            self._begin(node)
            self._pool.nodes.append(node)
        _log.info("upstreams_reloaded", nodes={node.label: node.state().state for node in self._pool.nodes})
        self._pool.grant()

    async def _opened(self, wanted: Sequence[NodeSettings]) -> list[Node]:
        """New nodes, all of them or none."""
        nodes = [Node(settings, self._pool.settings) for settings in wanted]
        try:
            for node in nodes:
                node.open()
        except BaseException:
            for node in nodes:
                await node.close()
            raise
        return nodes

    async def _end_idle(self) -> None:
        for node in [node for node in self._leaving if not node.running]:
            self._leaving.remove(node)
            if (watch := self._watches.pop(node, None)) is not None:
                watch.cancel()
            await node.close()


def _is_same_server(one: NodeSettings, node: Node | None) -> bool:
    """Whether connections and state go on; weight, room and drain may differ."""
    changeable = {"weight", "max_running", "health", "drain"}
    return node is not None and one.model_dump(exclude=changeable) == node.settings.model_dump(exclude=changeable)
