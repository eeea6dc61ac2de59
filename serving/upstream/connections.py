"""A node's connections: opened when needed, used again while they are fresh."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections import deque
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from serving.upstream.connection import Connection
from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.settings import NodeSettings

_KEPT_SECONDS: Final = 4.0
"""Below the five seconds after which uvicorn, and so vLLM, closes an idle connection under a request on its way."""
_NAME_SECONDS: Final = 10.0
"""How long a name's addresses are remembered."""
_PATH_SAFE: Final = "/%:@!$&'()*+,;=~"


class Connections:
    """Connections to one server, on the loop that makes the first."""

    def __init__(self, settings: NodeSettings, connect_seconds: float) -> None:
        """Take where the server is, what it wants as bearer, and how long a connection may take.

        Raises:
            SettingsError: its key can't be read.
        """
        parts = urlsplit(settings.base_url)
        secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if secure else 80)
        self._tls = ssl.create_default_context() if secure else None
        self._connect_seconds = connect_seconds
        self._path = quote(parts.path, safe=_PATH_SAFE)
        self._fields = _fields(settings)
        self._idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._addresses: tuple[float, list[Any]] = (float("-inf"), [])

    def request(self, path: str, body: bytes) -> bytes:
        """A POST of JSON to a path below the server's base address, as it goes over the wire."""
        head = f"POST {self._path}{path} HTTP/1.1\r\n{self._fields}content-length: {len(body)}\r\n\r\n"
        return head.encode("latin-1") + body

    def idle(self) -> Connection | None:
        """The one that was used last, if it is fresh."""
        fresh_since = time.monotonic() - _KEPT_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and connection.idle_since >= fresh_since:
                return connection
            connection.close()
        return None

    async def open(self) -> Connection:
        """A new one.

        Raises:
            NodeFailedError: the server can't be reached.
        """
        failure: Exception | None = None
        try:
            for address in await self._resolved():
                try:
                    return await self._connected(address)
                except (OSError, TimeoutError) as error:
                    failure = error
        except (OSError, UnicodeError) as error:  # the name is not known, or can be none
            failure = error
        said = f"{type(failure).__name__} {failure}".strip()
        raise NodeFailedError(Fault.UNREACHABLE, f"The node can't be reached: {said}.") from failure

    def close(self) -> None:
        """Ends all of them."""
        for connection in list(self._open):
            connection.close()
        self._open.clear()
        self._idle.clear()

    async def _connected(self, address: str) -> Connection:
        loop = asyncio.get_running_loop()
        name = self._host if self._tls is not None else None
        async with asyncio.timeout(self._connect_seconds):
            _, connection = await loop.create_connection(
                lambda: Connection(self._give_back), address, self._port, ssl=self._tls, server_hostname=name
            )
        self._open = {one for one in self._open if one.is_open} | {connection}
        return connection

    async def _resolved(self) -> list[str]:
        """The host's addresses; a name that is slow to resolve is no reason to call a server away."""
        at, addresses = self._addresses
        if time.monotonic() - at > _NAME_SECONDS:
            found = await asyncio.get_running_loop().getaddrinfo(self._host, self._port, type=1)
            addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
            self._addresses = (time.monotonic(), addresses)
        return addresses

    def _give_back(self, connection: Connection) -> None:
        now = time.monotonic()
        connection.idle_since = now
        self._idle.append(connection)
        while self._idle[0].idle_since < now - _KEPT_SECONDS:
            self._idle.popleft().close()


def _fields(settings: NodeSettings) -> str:
    """The header fields that every request to a server has."""
    parts = urlsplit(settings.base_url)
    place = parts.netloc.rpartition("@")[2]
    host = place if place.isascii() else place.encode("idna").decode()
    lines = [f"host: {host}", "accept: */*", "accept-encoding: identity", "content-type: application/json"]
    key = settings.bearer()
    if key is not None:
        lines.append(f"authorization: Bearer {key}")
    elif parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        lines.append(f"authorization: Basic {base64.b64encode(pair).decode()}")
    return "".join(f"{line}\r\n" for line in lines)
