"""Errors in the shape that OpenAI's clients know: status, type, param, code, and when to come again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ledger.errors import (
    AdapterMismatchError,
    BadSignatureError,
    ChatTemplateError,
    CheckpointError,
    ContextLengthError,
    DatabaseUnavailableError,
    EngineStoppedError,
    InvalidAuthorizationError,
    LaneFencedError,
    MalformedInputError,
    NotFoundError,
    OverloadedError,
    RetryableError,
    RpcUnavailableError,
    UnknownModelError,
    UsageError,
)
from serving.errors import (
    IdempotencyError,
    InvalidApiKeyError,
    InvalidRequestError,
    PayerLimitError,
    PaymentRequiredError,
    RequestTooLargeError,
    UpstreamUnavailableError,
)

INVALID = "invalid_request_error"
SERVER = "server_error"
REMEDIES = {
    "deposit": "Deposit into PaymentEscrow for this operator (deposit(payer, operator, amount)), or cancel a thaw.",
    "authorize": "Sign a SpendAuthorization with a higher cumulativeCap or a later validUntil and send it to "
    "POST /v1/authorizations.",
}
_IDEMPOTENCY = {"request_in_progress": 409, "idempotency_key_reused": 422, "answer_not_stored": 410}


@dataclass(frozen=True, slots=True)
class Failure:
    """An error answer."""

    status: int
    error: dict[str, Any]
    retry_after_seconds: float | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After in whole seconds, rounded up, where coming again helps."""
        if self.retry_after_seconds is None:
            return {}
        return {"retry-after": str(max(1, math.ceil(self.retry_after_seconds)))}

    @property
    def content(self) -> dict[str, Any]:
        return {"error": self.error}


# The first class that fits counts: status, type, code, seconds after which to come again.
_TABLE: tuple[tuple[type[Exception], int, str, str | None, float | None], ...] = (
    (InvalidApiKeyError, 401, INVALID, "invalid_api_key", None),
    (UnknownModelError, 404, INVALID, "model_not_found", None),
    (ContextLengthError, 400, INVALID, "context_length_exceeded", None),
    (ChatTemplateError, 400, INVALID, "invalid_value", None),
    (InvalidAuthorizationError, 400, INVALID, "invalid_authorization", None),
    (BadSignatureError, 400, INVALID, "invalid_signature", None),
    (MalformedInputError, 400, INVALID, "invalid_value", None),
    (RequestTooLargeError, 413, INVALID, "request_too_large", None),
    (NotFoundError, 404, INVALID, "not_found", None),
    (UsageError, 400, INVALID, None, None),
    (DatabaseUnavailableError, 503, SERVER, "storage_unavailable", 2.0),
    (RpcUnavailableError, 503, SERVER, "chain_unavailable", 5.0),
    (UpstreamUnavailableError, 503, SERVER, "engine_unavailable", 1.0),
    (EngineStoppedError, 503, SERVER, "engine_unavailable", 5.0),
    (LaneFencedError, 503, SERVER, "lane_unavailable", 5.0),
    (AdapterMismatchError, 503, SERVER, "model_unavailable", None),
    (CheckpointError, 503, SERVER, "model_unavailable", None),
    (RetryableError, 503, SERVER, "unavailable", 5.0),
)
_PARAMS: dict[type[Exception], str] = {
    UnknownModelError: "model",
    ContextLengthError: "messages",
    ChatTemplateError: "messages",
}


def failure_of(error: Exception) -> Failure:
    """The answer to an error. What is not known as an error says nothing of its inside."""
    if isinstance(error, PaymentRequiredError):
        shape = _shape(error, "insufficient_quota", error.reason) | {"remedy": REMEDIES[error.remedy]}
        if error.exposure_units is not None:
            shape["exposure_units"] = str(error.exposure_units)
        return Failure(402, shape)
    if isinstance(error, IdempotencyError):
        retry = 1.0 if error.code == "request_in_progress" else None
        return Failure(_IDEMPOTENCY[error.code], _shape(error, INVALID, error.code), retry)
    if isinstance(error, InvalidRequestError):
        return Failure(error.status, _shape(error, INVALID, error.code, error.param))
    if isinstance(error, PayerLimitError):
        return Failure(429, _shape(error, "requests", "rate_limit_exceeded"), error.retry_after_seconds or 1.0)
    if isinstance(error, OverloadedError):
        return Failure(503, _shape(error, SERVER, "overloaded"), error.retry_after_seconds or 1.0)
    for kind, status, type_, code, retry in _TABLE:
        if isinstance(error, kind):
            asked_for: float | None = getattr(error, "retry_after_seconds", None)
            return Failure(status, _shape(error, type_, code, _PARAMS.get(kind)), asked_for or retry)
    return Failure(500, {"message": "The server had an error.", "type": SERVER, "param": None, "code": None})


def _shape(error: Exception, type_: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    return {"message": str(error), "type": type_, "param": param, "code": code}
