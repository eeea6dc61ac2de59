"""A real HTTP server between the indexer and a node, which can lag, lie or act at a chosen moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx

from tests.factories.http_server import running

Change = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
"""(one JSON-RPC request, the node's answer to it) -> what to answer."""


class Proxy:
    """Passes JSON-RPC on to `target` call by call; `change` may alter an answer, `before` act ahead of a call."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.change: Change = lambda _call, answer: answer
        self.before: Callable[[dict[str, Any]], None] = lambda _call: None
        self.refusal: Callable[[], tuple[int, dict[str, str]] | None] = lambda: None
        """HTTP status and headers to answer with instead of passing a request on; None to pass it on."""
        self.url = ""
        self._client = httpx.Client(timeout=30, trust_env=False)

    def answer(self, body: bytes) -> bytes:
        asked = json.loads(body)
        answers = [self._one(call) for call in (asked if isinstance(asked, list) else [asked])]
        return json.dumps(answers if isinstance(asked, list) else answers[0]).encode()

    def _one(self, call: dict[str, Any]) -> dict[str, Any]:
        self.before(call)
        return self.change(call, self._client.post(self.target, json=call).json())


@contextmanager
def rpc_proxy(target: str) -> Iterator[Proxy]:
    """A proxy on a free port of this machine."""
    proxy = Proxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked, refused = self.rfile.read(int(self.headers["content-length"])), proxy.refusal()
            status, headers = refused or (200, {"content-type": "application/json"})
            body = b"no" if refused else proxy.answer(asked)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with running(Handler) as url:
        proxy.url = url
        yield proxy
    proxy._client.close()
