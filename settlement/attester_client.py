"""The proposer's side of asking an attester over HTTP."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic_core import from_json

from ledger.errors import (
    BadSignatureError,
    MalformedAnswerError,
    MalformedInputError,
    UpstreamUnavailableError,
    WrongRootError,
)
from ledger.http_exchange import Bounds, exchange
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.signature import recover
from settlement.attester import Signed
from settlement.legible import legible

_SECONDS_TO_ANSWER = 300.0
_MOST_BYTES = 65_536
_MOST_REASON = 500


@dataclass(frozen=True, slots=True)
class Refused:
    """An attester's no. Who says so is its own word, so it stands for one address that was asked and for nobody else."""

    attester: bytes
    reason: str


class AttesterClient:
    """One attester's address."""

    def __init__(self, url: str, timeout_seconds: float = _SECONDS_TO_ANSWER) -> None:
        """Nothing is asked yet; the timeout covers the attester's own computation, and all of its answer."""
        self.url = url
        self._bounds = Bounds(_MOST_BYTES, timeout_seconds, timeout_seconds)

    def ask(self, content: bytes, digest: bytes) -> Signed | Refused:
        """The attester's answer to a distribution file.

        Args:
            content: the file.
            digest: what its signature must be over: the signer is recovered from it, never taken on trust.

        Raises:
            UpstreamUnavailableError: out of reach, or not ready to say.
            WrongRootError: it signed something else.
        """
        packed = gzip.compress(content, compresslevel=1)
        headers = {"content-encoding": "gzip"}
        try:
            answer = exchange(
                "POST", f"{self.url.rstrip('/')}/v1/attestations", self._bounds, content=packed, headers=headers
            )
            body = from_json(answer.content)
        except (UpstreamUnavailableError, MalformedAnswerError, ValueError) as error:
            raise UpstreamUnavailableError(f"The attester at {self.url} does not answer: {error}") from error
        if not isinstance(body, dict):
            raise UpstreamUnavailableError(f"The attester at {self.url} answered nonsense.")
        return self._read(answer.status, body, digest)

    def _read(self, status: int, body: dict[str, Any], digest: bytes) -> Signed | Refused:
        try:
            if status == httpx.codes.OK:
                signature = from_hex(body.get("signature"), 65)
                return Signed(recover(digest, signature), digest, signature)
            if status == httpx.codes.CONFLICT:
                return Refused(from_hex(body.get("attester"), 20), legible(str(body.get("detail")), _MOST_REASON))
        except BadSignatureError as error:
            raise WrongRootError(f"The attester at {self.url} signed something else: {error}.") from error
        except MalformedInputError as error:
            raise UpstreamUnavailableError(f"The attester at {self.url} answered nonsense: {error}.") from error
        why = legible(str(body.get("detail", status)), _MOST_REASON)
        raise UpstreamUnavailableError(f"The attester at {self.url} is not ready: {why}")
