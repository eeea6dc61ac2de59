"""A gateway as a payer meets it, over HTTP; every byte of an exchange is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
from pydantic_core import from_json

from ledger.errors import MalformedAnswerError, MalformedInputError, UpstreamUnavailableError
from ledger.http_exchange import Bounds, exchange
from ledger.protocol.hexadecimal import from_hex

if TYPE_CHECKING:
    from ledger.protocol.authorization import SpendAuthorization

MOST_BYTES: Final = 2**23
"""Longest answer that is read."""
_SECONDS: Final = 120.0
"""For all of an answer: one that trickles on must not keep the watcher from what it watches."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The bodies of a request and its answer, as they went over the wire."""

    request: bytes
    answer: bytes


class RefusedError(UpstreamUnavailableError):
    """The gateway answers a request with an error."""


class GatewayClient:
    """One gateway, asked as any client would."""

    def __init__(self, url: str) -> None:
        """Take the address; nothing is asked yet."""
        self._url = url.rstrip("/")

    def operator(self) -> bytes:
        """The operator that it says it works for."""
        return from_hex(_text(self._object("GET", "/v1/operator"), "operator"), 20)

    def models(self) -> list[str]:
        """Names of the models that it serves."""
        listed = self._object("GET", "/v1/models").get("data")
        if not isinstance(listed, list) or not listed:
            raise MalformedAnswerError("The gateway lists no models.")
        return [_text(model, "id") for model in listed]

    def buy_key(self, authorization: SpendAuthorization, signature: bytes) -> str:
        """An API key for a signed spending limit."""
        body = json.dumps(authorization.signed_json(signature)).encode()
        return _text(self._object("POST", "/v1/keys", content=body), "key")

    def ask(self, key: str, request: dict[str, Any]) -> Exchange:
        """A chat completion, whole or streamed as the request says.

        Raises:
            RefusedError: the gateway answers with an error.
            UpstreamUnavailableError: it does not answer.
        """
        body = json.dumps(request).encode()
        headers = {"authorization": f"Bearer {key}"}
        return Exchange(body, self._exchange("POST", "/v1/chat/completions", body, headers))

    def _object(self, method: str, path: str, content: bytes = b"") -> dict[str, Any]:
        try:
            answer = from_json(self._exchange(method, path, content, {}))
        except ValueError as error:
            raise MalformedAnswerError(f"The gateway answers {path} with something other than JSON.") from error
        if not isinstance(answer, dict):
            raise MalformedAnswerError(f"The gateway answers {path} with something other than an object.")
        return answer

    def _exchange(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> bytes:
        bounds = Bounds(MOST_BYTES, _SECONDS, _SECONDS)
        try:
            answer = exchange(method, self._url + path, bounds, content=content, headers=headers)
        except MalformedAnswerError as error:
            raise MalformedAnswerError(f"The gateway answers {path} with {error}.") from error
        except UpstreamUnavailableError as error:
            raise UpstreamUnavailableError(f"The gateway does not answer {path}: {error}.") from error
        if not httpx.codes.is_success(answer.status):
            said = answer.content[:300].decode(errors="replace")
            raise RefusedError(f"The gateway answers {path} with {answer.status}: {said}")
        return answer.content


def _text(answer: Any, name: str) -> str:
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str):
        raise MalformedInputError(f"The gateway's answer has no {name}.")
    return value
