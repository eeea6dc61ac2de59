"""An HTTP server between a client and a real node, which may change answers, or leave."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.factories.http_server import serving

Change = Callable[[str, bytes, bytes], bytes | None]
"""(path, request body, true answer) -> the answer to give; None hangs up."""

_PASSED_ON = ("accept", "authorization", "content-type", "idempotency-key")


class Middleman(ThreadingHTTPServer):
    """Serves on a free port of this machine what `upstream` answers, as `change` would have it."""

    daemon_threads = True

    def __init__(self, upstream: str, change: Change) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.change = upstream, change
        self.client = httpx.Client(timeout=30, trust_env=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Middleman
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers["content-length"])))

    def _pass_on(self, body: bytes) -> None:
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() in _PASSED_ON or name.lower().startswith("x-")
        }
        request = self.server.client.build_request(
            self.command, self.server.upstream + self.path, content=body, headers=headers
        )
        try:
            true = self.server.client.send(request)
        except httpx.ConnectError:  # whoever is behind it is away: so is it
            self.close_connection = True
            return
        answer = self.server.change(self.path, body, true.content)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(true.status_code)
        self.send_header("content-type", true.headers.get("content-type", "application/json"))
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def between(upstream: str, change: Change) -> Iterator[str]:
    """Address of a middleman in front of `upstream`."""
    with middleman(upstream, change) as server:
        yield server.url


@contextmanager
def middleman(upstream: str, change: Change) -> Iterator[Middleman]:
    """A middleman in front of `upstream`, both of which may be changed while it serves."""
    server = Middleman(upstream, change)
    with closing(server.client), serving(server):
        yield server
