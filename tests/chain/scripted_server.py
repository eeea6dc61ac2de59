"""A real HTTP server on this machine that answers as a test scripts it, fault by fault."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.factories.http_server import serving


@dataclass
class Answer:
    """One HTTP answer; `delay_seconds` passes before it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0


Script = Callable[[str, Any], Answer]
"""(path, parsed JSON body or None) -> answer."""


@dataclass
class ScriptedServer:
    url: str
    requests: list[Any]


def result(request: Any, values: dict[str, Any]) -> Answer:
    """A JSON-RPC node's answer with these results by method; a list for a batch."""

    def one(call: Any) -> dict[str, Any]:
        value = values[call["method"]]
        key = "error" if isinstance(value, dict) and "code" in value else "result"
        return {"jsonrpc": "2.0", "id": call["id"], key: value}

    answer = [one(call) for call in reversed(request)] if isinstance(request, list) else one(request)
    return Answer(body=json.dumps(answer).encode())


@contextmanager
def serve(script: Script) -> Iterator[ScriptedServer]:
    """The server, until the block ends; it keeps every request's body."""
    requests: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.reply(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def do_GET(self) -> None:
            self.reply(None)

        def reply(self, body: Any) -> None:
            requests.append(body if body is not None else self.path)
            answer = script(self.path, body)
            time.sleep(answer.delay_seconds)
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
            except BrokenPipeError:
                pass  # the client gave up, as the test wants

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield ScriptedServer(f"http://127.0.0.1:{server.server_port}", requests)
