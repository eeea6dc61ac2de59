"""One upstream server: its connections, its state, and what runs on it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog

from serving.inference.call import Endpoint
from serving.inference.node_state import NodeState
from serving.upstream.adapters import Shelf
from serving.upstream.breaker import Breaker, State
from serving.upstream.connections import Connections
from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.models import UpstreamModel
from serving.upstream.pace import Pace
from serving.upstream.settings import NodeSettings, PoolSettings

PATHS = {
    Endpoint.CHAT: "/chat/completions",
    Endpoint.COMPLETION: "/completions",
    Endpoint.EMBEDDING: "/embeddings",
}
_KEPT_ALIVE_SECONDS = 4.0
"""Below the five seconds after which uvicorn, and so vLLM, closes an idle connection under a request on its way."""
_log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Node:
    """A server. `running` and `units` are what the gateway has given it and not got back."""

    settings: NodeSettings
    pool: PoolSettings
    breaker: Breaker = field(default_factory=Breaker)
    running: int = 0
    units: int = 0
    busy_until: float = 0.0
    models: set[str] | None = None
    """Names that it says it serves; None while it did not say."""
    last_asked: tuple[Endpoint, str] | None = None
    faults: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.paces = {kind: Pace() for kind in ("stream", "whole", "embedding")}
        self.shelf = Shelf(self.settings.label, self.settings.max_adapters, self._ask)
        self._session: aiohttp.ClientSession | None = None
        self._connections: Connections | None = None
        self.lost: asyncio.Future[None] | None = None
        """Done once the node turns out to be gone, for those who wait for its first token."""

    @property
    def label(self) -> str:
        return self.settings.label

    @property
    def is_open_to_new(self) -> bool:
        """Whether it may get new requests at all."""
        return self.breaker.state is State.CLOSED and not self.settings.drain

    @property
    def has_room(self) -> bool:
        """Whether one more would run at once."""
        return self.running < self.settings.max_running and time.monotonic() >= self.busy_until

    def serves(self, model: UpstreamModel) -> bool:
        """Whether it has the model or can load it; a node that does not say is taken to have it."""
        if model.adapter_path is not None:
            return self.settings.kind == "vllm"
        return self.models is None or model.name in self.models

    def open(self) -> None:
        """Makes connections possible; on the loop that uses them.

        Inference goes over connections of its own, looks and loads over a client's: they are few, and not paid for.
        """
        self._connections = Connections(self.settings, self.pool.connect_seconds)
        key = self.settings.bearer()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"accept-encoding": "identity"} | ({} if key is None else {"authorization": f"Bearer {key}"}),
            timeout=aiohttp.ClientTimeout(sock_connect=self.pool.connect_seconds),
            trust_env=False,
            read_bufsize=1 << 18,
        )
        self.lost = asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        """Ends all connections."""
        if self._connections is not None:
            self._connections.close()
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        assert self._session is not None
        return self._session

    @property
    def connections(self) -> Connections:
        assert self._connections is not None
        return self._connections

    def failed(self, failure: NodeFailedError) -> None:
        """Takes note of a fault; one that opens the breaker is told to those who wait."""
        self.faults[failure.fault] += 1
        if failure.retry_after_seconds is not None:
            self.busy_until = max(self.busy_until, time.monotonic() + failure.retry_after_seconds)
        if not self.breaker.failed(failure.fault):
            return
        _log.warning("upstream_left", node=self.label, fault=failure.fault, reason=str(failure))
        if failure.fault is Fault.UNREACHABLE and self.lost is not None and not self.lost.done():
            self.lost.set_result(None)

    def returned(self) -> None:
        """It is well again."""
        self.lost = asyncio.get_running_loop().create_future()
        self.busy_until = 0.0
        _log.info("upstream_returned", node=self.label)

    def state(self) -> NodeState:
        return NodeState(
            name=self.label,
            state="draining" if self.settings.drain else self.breaker.state,
            running=self.running,
            units=self.units,
            adapters=len(self.shelf),
            first_token_p99_seconds=self.paces["stream"].p99_seconds,
            faults=dict(self.faults),
        )

    async def _ask(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        try:
            async with self.session.post(self.settings.base_url + path, json=body) as response:
                return response.status, await response.content.read(4096)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise as_failure(error) from error


def as_failure(error: Exception) -> NodeFailedError:
    """What a fault of the connection says of the node."""
    said = f"{type(error).__name__} {error}".strip()
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return NodeFailedError(Fault.UNREACHABLE, f"The node can't be reached: {said}.")
    if isinstance(error, aiohttp.ClientResponseError):
        return NodeFailedError(Fault.GARBAGE, f"The node does not speak HTTP: {said}.")
    return NodeFailedError(Fault.BROKEN, f"The connection to the node broke: {said}.")
