"""Blobs kept by another data availability layer, behind the Alt-DA server API of the OP Stack.

EigenDA's proxy speaks it, and others. Nothing that a server answers is believed: the batcher reads back what it put, and
readers hold each blob against its versioned hash.
Source: OP Stack specifications, "Alt-DA Mode", DA Server; EigenDA proxy, routes and status codes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import httpx

from ledger.bounded import gather
from ledger.chain.endpoint import public_name
from ledger.errors import BlobNotAvailableError, DataLayerUnavailableError
from ledger.protocol.blob.layout import BLOB_BYTES, MAX_BLOBS
from ledger.protocol.blob.payload import blobs_of
from ledger.protocol.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_COMMITMENT_BYTES: Final = 4096
"""More than any layer's certificate; a longer one is not asked for, whatever a commit says."""
_KECCAK, _GENERIC = b"\x00", b"\x01"
_MAX_PAYLOAD_BYTES: Final = MAX_BLOBS * BLOB_BYTES
_BINARY: Final = {"content-type": "application/octet-stream"}


class CommitmentKind(StrEnum):
    """Who names what is put: the server (a certificate), or its hash (servers over a plain store)."""

    GENERIC = "generic"
    KECCAK256 = "keccak256"


class AltDaClient:
    """One Alt-DA server. Thread-safe."""

    def __init__(
        self,
        url: str,
        *,
        kind: CommitmentKind = CommitmentKind.GENERIC,
        timeout_seconds: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Take the address; nothing is asked yet."""
        self.name = public_name(url)
        self._url = url.rstrip("/")
        self._kind = kind
        self._client = httpx.Client(timeout=timeout_seconds, transport=transport)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def put(self, payload: bytes) -> bytes | None:
        """The commitment under which the layer keeps the payload, its type byte first; None if it is down.

        Down is what the server itself says, by status 503: the payload should go to Ethereum.

        Raises:
            DataLayerUnavailableError: it does not answer, or anything else.
        """
        named = _KECCAK + keccak256(payload) if self._kind is CommitmentKind.KECCAK256 else b""
        path = f"/put/0x{named.hex()}" if named else "/put"
        status, answer = self._exchange("POST", path, MAX_COMMITMENT_BYTES * 2 + 2, payload)
        if status == 503:
            return None
        if status != 200:
            raise DataLayerUnavailableError(f"The Alt-DA server {self.name} answered HTTP {status} to a batch.")
        return named or self._commitment(answer)

    def get(self, commitment: bytes) -> bytes:
        """What the server says is kept under a commitment, at most six blobs long; unverified.

        Raises:
            BlobNotAvailableError: it has nothing under it, now or ever.
            DataLayerUnavailableError: it does not answer, or nonsense.
        """
        if not 1 <= len(commitment) <= MAX_COMMITMENT_BYTES:
            raise BlobNotAvailableError(f"A commitment of {len(commitment)} bytes is none of an Alt-DA layer.")
        status, answer = self._exchange("GET", f"/get/0x{commitment.hex()}", _MAX_PAYLOAD_BYTES)
        if status == 200:
            return answer
        if status < 500 and status not in (401, 403, 408, 429):
            # 404: not there. 400 and 418: a certificate that can't be one, or does not hold.
            raise BlobNotAvailableError(f"The Alt-DA server {self.name} has no such batch (HTTP {status}).")
        raise DataLayerUnavailableError(f"The Alt-DA server {self.name} answered HTTP {status}.")

    def blobs(self, commitment: bytes, count: int) -> Sequence[bytes]:
        """The `count` blobs of the batch that is kept under a commitment; unverified.

        Raises:
            BlobNotAvailableError, DataLayerUnavailableError: as `get`.
            BlobFormatError: what is kept there is longer.
        """
        return blobs_of(self.get(commitment), count)

    def _exchange(self, method: str, path: str, most_bytes: int, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of an answer; one that does not end is given up before it fills the memory."""
        headers = _BINARY if body is not None else None
        try:
            with self._client.stream(method, self._url + path, content=body, headers=headers) as answer:
                content = gather(answer.iter_bytes(), most_bytes)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise DataLayerUnavailableError(f"The Alt-DA server {self.name} did not answer: {reason}.") from error
        if content is None:
            raise DataLayerUnavailableError(f"The Alt-DA server {self.name} answered more than a batch is.")
        return answer.status_code, content

    def _commitment(self, answer: bytes) -> bytes:
        """The commitment in an answer: raw bytes as servers send it, or hex as the specification has it."""
        found = answer
        if answer[:2] == b"0x":
            try:
                found = bytes.fromhex(answer[2:].decode("ascii").strip())
            except ValueError:
                found = b""
        if found[:1] != _GENERIC or not 2 <= len(found) <= MAX_COMMITMENT_BYTES:
            raise DataLayerUnavailableError(f"The Alt-DA server {self.name} answered no generic commitment.")
        return found
