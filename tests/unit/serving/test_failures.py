"""Every error that can reach a client has OpenAI's shape, and an unknown one says nothing of the inside."""

from __future__ import annotations

import pytest

from ledger import errors as ledger_errors
from ledger.errors import ContextLengthError, DatabaseUnavailableError, OverloadedError, TributaryError
from serving.errors import IdempotencyError, InvalidApiKeyError, InvalidRequestError, PayerLimitError
from serving.failures import failure_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (InvalidApiKeyError("no"), 401, "invalid_api_key", None),
        (ContextLengthError(5, 6, 7), 400, "context_length_exceeded", None),
        (InvalidRequestError("no", "n", "invalid_value"), 400, "invalid_value", None),
        (IdempotencyError("no", "request_in_progress"), 409, "request_in_progress", "1"),
        (IdempotencyError("no", "idempotency_key_reused"), 422, "idempotency_key_reused", None),
        (IdempotencyError("no", "answer_not_stored"), 410, "answer_not_stored", None),
        (PayerLimitError("no", 0.2), 429, "rate_limit_exceeded", "1"),
        (OverloadedError("no", 3.2), 503, "overloaded", "4"),
        (DatabaseUnavailableError(), 503, "storage_unavailable", "2"),
    ],
)
def test_an_error_has_its_status_code_and_delay(
    error: Exception, status: int, code: str, retry_after: str | None
) -> None:
    failure = failure_of(error)
    assert (failure.status, failure.error["code"]) == (status, code)
    assert failure.headers.get("retry-after") == retry_after


def test_an_unknown_error_says_nothing_of_the_inside() -> None:
    failure = failure_of(RuntimeError("the secret is 0x42"))
    assert failure.status == 500
    assert "secret" not in str(failure.content)


@pytest.mark.parametrize(
    "kind", [k for k in vars(ledger_errors).values() if isinstance(k, type) and issubclass(k, TributaryError)]
)
def test_every_error_of_the_ledger_has_an_answer(kind: type[TributaryError]) -> None:
    error = kind.__new__(kind)
    Exception.__init__(error, "A sentence.")
    failure = failure_of(error) if not isinstance(error, OverloadedError) else failure_of(OverloadedError("x"))
    assert 400 <= failure.status < 600
    assert failure.error.keys() >= {"message", "type", "param", "code"}
