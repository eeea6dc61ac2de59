"""A small Alt-DA server in a process of its own: the OP Stack's routes, and the EigenDA proxy's memstore with its faults.

Routes as the specification and the proxy have them: `POST /put` (and `/put/`) answers a generic commitment as raw bytes,
`POST /put/0x00…` takes a keccak256 commitment that must be the body's, `GET /get/0x…` answers the payload, 404, or 418
for a certificate that does not hold. `PATCH /memstore/config` sets the memstore's faults by their own names, and five that
it has not: GetReturnsWrongBytes, GetReturnsNothing, PutStatusCode, CommitmentAsHex, PutTrickles.
Source: OP Stack specifications, "Alt-DA Mode"; eigenda-proxy, server/routing.go and memstore/README.md.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import httpx

from ledger.config import CHECKOUT
from ledger.protocol.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Iterator

EIGENDA_CERTIFICATE = b"\x01\x00\x02"
"""Generic commitment, DA layer 0 (EigenDA), certificate version 2."""
VALID, TEAPOT = 1, 418
CONFIG: dict[str, Any] = {
    "MaxBlobSizeBytes": 16 * 2**20,
    "BlobExpiration": "25m0s",
    "PutLatency": "0s",
    "GetLatency": "0s",
    "PutReturnsFailoverError": False,
    "InstructedStatusCodeReturn": {"GetReturnsStatusCode": VALID, "IsActivated": False},
    "GetReturnsWrongBytes": False,
    "GetReturnsNothing": False,
    "PutStatusCode": 200,
    "CommitmentAsHex": False,
    "PutTrickles": False,
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    config: ClassVar[dict[str, Any]] = dict(CONFIG)
    kept: ClassVar[dict[bytes, tuple[bytes, float, int]]] = {}
    """Payload, when it was put (monotonic), and the status code that its GET was instructed to answer."""
    lock: ClassVar[threading.Lock] = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        time.sleep(_seconds(self.config["PutLatency"]))
        named = self.path.removeprefix("/put").removeprefix("/").removeprefix("0x")
        while self.config["PutTrickles"]:
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.1)
        if self.config["PutReturnsFailoverError"]:
            self._reply(503, b"the disperser is down")
        elif self.config["PutStatusCode"] != 200:
            self._reply(self.config["PutStatusCode"], b"as instructed")
        elif not self.path.startswith("/put") or not body or len(body) > self.config["MaxBlobSizeBytes"]:
            self._reply(400, b"no payload that this layer keeps")
        elif named:
            commitment = bytes.fromhex(named)
            held = commitment == b"\x00" + keccak256(body)
            self._keep(commitment, body) if held else None
            self._reply(200 if held else 400, b"")
        else:
            commitment = EIGENDA_CERTIFICATE + secrets.token_bytes(180)
            self._keep(commitment, body)
            self._reply(200, f"0x{commitment.hex()}".encode() if self.config["CommitmentAsHex"] else commitment)

    def do_GET(self) -> None:
        if self.path in ("/health", "/memstore/config", "/memstore/puts"):
            answers = {"/health": "ok", "/memstore/config": self.config, "/memstore/puts": len(self.kept)}
            self._reply(200, json.dumps(answers[self.path]).encode())
            return
        time.sleep(_seconds(self.config["GetLatency"]))
        commitment = bytes.fromhex(self.path.removeprefix("/get/").removeprefix("0x"))
        if commitment[:1] not in (b"\x00", b"\x01"):
            self._reply(400, b"unsupported commitment type")
            return
        payload, put_at, instructed = self.kept.get(commitment, (b"", 0.0, VALID))
        is_gone = time.monotonic() - put_at > _seconds(self.config["BlobExpiration"])
        if not payload or is_gone or self.config["GetReturnsNothing"]:
            self._reply(404, b"not found")
        elif instructed != VALID:
            self._reply(TEAPOT, json.dumps({"StatusCode": instructed}).encode())
        elif self.config["GetReturnsWrongBytes"]:
            self._reply(200, payload[:99] + bytes([payload[99] ^ 1]) + payload[100:])
        else:
            self._reply(200, payload)

    def do_PATCH(self) -> None:
        changes = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if unknown := changes.keys() - CONFIG.keys():
            self._reply(400, f"unknown {unknown}".encode())
            return
        self.config.update(changes)
        self._reply(200, json.dumps(self.config).encode())

    def _keep(self, commitment: bytes, payload: bytes) -> None:
        instructed = self.config["InstructedStatusCodeReturn"]
        code = instructed["GetReturnsStatusCode"] if instructed["IsActivated"] else VALID
        with self.lock:
            self.kept.setdefault(commitment, (payload, time.monotonic(), code))  # a key is never overwritten

    def _reply(self, status: int, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client gave up

    def log_message(self, *_: object) -> None:
        pass


def _seconds(duration: str) -> float:
    """Seconds of a Go duration of minutes, seconds and milliseconds ("25m0s", "1.5s", "200ms")."""
    if duration.endswith("ms"):
        return float(duration[:-2]) / 1000
    minutes, _, rest = duration.rpartition("m")
    return 60 * float(minutes or 0) + float(rest.removesuffix("s") or 0)


@dataclass(frozen=True)
class AltDaServer:
    """The running server."""

    url: str
    process: subprocess.Popen[str]

    def configure(self, **changes: Any) -> None:
        """Set memstore faults by their names; no name takes all back."""
        httpx.patch(f"{self.url}/memstore/config", json=changes or CONFIG, trust_env=False).raise_for_status()

    @property
    def puts(self) -> int:
        """Payloads that it keeps."""
        return int(httpx.get(f"{self.url}/memstore/puts", trust_env=False).json())


@contextmanager
def altda_server() -> Iterator[AltDaServer]:
    """The server, empty and without faults, until the block ends."""
    command = [sys.executable, "-m", "tests.factories.altda_server"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield AltDaServer(process.stdout.readline().strip(), process)
        finally:
            process.kill()


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
