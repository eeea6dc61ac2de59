"""A gateway's desk for payers: operator, models, keys, caps, receipts. Nothing that it says is believed unchecked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
from pydantic_core import from_json

from ledger.bounded import gather
from ledger.errors import MalformedAnswerError, MalformedInputError, UpstreamUnavailableError, UsageError
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256
from payer.bounding import Model

if TYPE_CHECKING:
    from ledger.protocol.authorization import SpendAuthorization

_TIMEOUT_SECONDS: Final = 30.0
_MOST_BYTES: Final = 2**24


class RefusedError(UsageError):
    """The gateway answers with an error."""

    def __init__(self, sentence: str, status: int, code: str) -> None:
        """Keep the HTTP status and the error's code."""
        super().__init__(sentence)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Desk:
    """Who serves behind a gateway's address, as it says itself."""

    operator: bytes
    escrow: bytes
    ledger: bytes
    chain_id: int


class GatewayDesk:
    """One gateway, asked by its payer's side."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        """Take the gateway's address, without /v1; nothing is asked yet."""
        self.url = url.rstrip("/").removesuffix("/v1")
        self._client = httpx.Client(
            base_url=self.url,
            timeout=_TIMEOUT_SECONDS,
            transport=transport,
            trust_env=False,
            headers={"accept-encoding": "identity"},
        )

    def close(self) -> None:
        self._client.close()

    def introduce(self) -> Desk:
        """Who serves here."""
        said = self._ask("GET", "/v1/operator")
        try:
            receipts, authorizations = said["receipt_domain"], said["authorization_domain"]
            return Desk(
                from_hex(said["operator"], 20),
                from_hex(authorizations["verifyingContract"], 20),
                from_hex(receipts["verifyingContract"], 20),
                int(receipts["chainId"]),
            )
        except (KeyError, TypeError, ValueError, MalformedInputError) as error:
            raise MalformedAnswerError(f"{self.url} does not say who serves there, so it is no gateway.") from error

    def model(self, name: str) -> Model:
        """A model that it serves.

        Raises:
            RefusedError: there is none of this name.
        """
        said = self._ask("GET", f"/v1/models/{name}")
        asset_id, context = said.get("asset_id"), said.get("context_tokens")
        if not isinstance(asset_id, int) or isinstance(asset_id, bool):
            raise MalformedAnswerError(f"The gateway does not say which asset `{name}` is.")
        return Model(name, asset_id, context if isinstance(context, int) and context > 0 else None)

    def buy_key(self, authorization: SpendAuthorization, signature: bytes) -> str:
        """An API key for a signed cap."""
        key = self._ask("POST", "/v1/keys", body=authorization.signed_json(signature)).get("key")
        if not isinstance(key, str) or not key:
            raise MalformedAnswerError("The gateway gives no key for an authorization that it took.")
        return key

    def raise_cap(self, authorization: SpendAuthorization, signature: bytes) -> None:
        """Hands in a higher cap."""
        self._ask("POST", "/v1/authorizations", body=authorization.signed_json(signature))

    def parameters(self, params_hash: bytes) -> str | None:
        """The listing of this hash, by which it made an attribution set; None if it has none that hashes to it."""
        try:
            said = self._ask("GET", f"/v1/attribution/{to_hex(params_hash)}").get("parameters")
        except RefusedError:
            return None
        return said if isinstance(said, str) and keccak256(said.encode()) == params_hash else None

    def receipt(self, request_id: str, key: str) -> dict[str, Any] | None:
        """A request's envelope and how it ended; None while it is open.

        Raises:
            RefusedError: with status 404 if the gateway knows no such request of this payer.
        """
        said = self._ask("GET", f"/v1/receipts/{request_id}", key=key)
        return said if said.get("status") == "issued" else None

    def _ask(
        self, method: str, path: str, *, key: str | None = None, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        try:
            with self._client.stream(method, path, json=body, headers=headers) as answer:
                content = gather(answer.iter_raw(), _MOST_BYTES)  # never unpacked: whoever is paid may mean harm
        except httpx.HTTPError as error:
            raise UpstreamUnavailableError(f"The gateway {self.url} does not answer: {error}.") from error
        if content is None:
            raise MalformedAnswerError(f"The gateway {self.url} answers with more than {_MOST_BYTES} bytes.")
        said = _object(content)
        if answer.status_code >= 500:
            raise UpstreamUnavailableError(f"The gateway can't at present: {_message(said, answer.status_code)}")
        if answer.is_error:
            fields = said.get("error")
            code = fields.get("code") if isinstance(fields, dict) else None
            raise RefusedError(_message(said, answer.status_code), answer.status_code, str(code or ""))
        return said


def _object(content: bytes) -> dict[str, Any]:
    try:
        said = from_json(content)
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {}


def _message(said: dict[str, Any], status: int) -> str:
    fields = said.get("error")
    message = fields.get("message") if isinstance(fields, dict) else None
    return f"{message}" if isinstance(message, str) else f"it answers with status {status}"
