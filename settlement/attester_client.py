"""The proposer's side of asking an attester over HTTP."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic_core import from_json

from ledger.errors import BadSignatureError, MalformedInputError, UpstreamUnavailableError, WrongRootError
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.signature import recover
from settlement.attester import Signed

_SECONDS_TO_ANSWER = 300.0


@dataclass(frozen=True, slots=True)
class Refused:
    """An attester's no. Who says so is its own word; a refusal moves no money."""

    attester: bytes
    reason: str


class AttesterClient:
    """One attester's address."""

    def __init__(self, url: str, timeout_seconds: float = _SECONDS_TO_ANSWER) -> None:
        """Nothing is asked yet; the timeout covers the attester's own computation."""
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=timeout_seconds)

    def close(self) -> None:
        self._client.close()

    def ask(self, content: bytes, digest: bytes) -> Signed | Refused:
        """The attester's answer to a distribution file.

        Args:
            content: the file.
            digest: what its signature must be over: the signer is recovered from it, never taken on trust.

        Raises:
            UpstreamUnavailableError: out of reach, or not ready to say.
            WrongRootError: it signed something else.
        """
        try:
            response = self._client.post(
                "/v1/attestations",
                content=gzip.compress(content, compresslevel=1),
                headers={"content-type": "application/json", "content-encoding": "gzip"},
            )
            body = from_json(response.content)
        except (httpx.HTTPError, ValueError) as error:
            raise UpstreamUnavailableError(f"The attester at {self.url} does not answer: {error}") from error
        if not isinstance(body, dict):
            raise UpstreamUnavailableError(f"The attester at {self.url} answered nonsense.")
        return self._read(response.status_code, body, digest)

    def _read(self, status: int, body: dict[str, Any], digest: bytes) -> Signed | Refused:
        try:
            if status == httpx.codes.OK:
                signature = from_hex(body.get("signature"), 65)
                return Signed(recover(digest, signature), digest, signature)
            if status == httpx.codes.CONFLICT:
                return Refused(from_hex(body.get("attester"), 20), str(body.get("detail"))[:500])
        except BadSignatureError as error:
            raise WrongRootError(f"The attester at {self.url} signed something else: {error}.") from error
        except MalformedInputError as error:
            raise UpstreamUnavailableError(f"The attester at {self.url} answered nonsense: {error}.") from error
        raise UpstreamUnavailableError(f"The attester at {self.url} is not ready: {body.get('detail', status)}")
