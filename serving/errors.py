"""What can be wrong with a request, beyond what the ledger's errors say.

    UsageError
    ├── InvalidRequestError        the request can't be served as it is written
    │   └── UpstreamRefusedError   … says the server that would answer
    ├── InvalidApiKeyError         no such key, or revoked
    ├── PaymentRequiredError       cap, deposit or time of the payer don't reach
    ├── RequestTooLargeError       the body is longer than the gateway reads
    └── IdempotencyError           the Idempotency-Key stands for another request, one under way, or a lost answer
    OverloadedError
    └── PayerLimitError            this payer has as many requests open as it may
    RetryableError
    └── UpstreamUnavailableError   no server behind the gateway answers

Which HTTP status and OpenAI error code each becomes stands in `serving.failures`.
"""

from __future__ import annotations

from ledger.errors import OverloadedError, RetryableError, UsageError


class InvalidRequestError(UsageError):
    """The request can't be served as it is written."""

    status = 400

    def __init__(self, sentence: str, param: str | None = None, code: str | None = None) -> None:
        """Name the parameter at fault and OpenAI's code, where there is one."""
        super().__init__(sentence)
        self.param = param
        self.code = code


class InvalidApiKeyError(UsageError):
    """The API key is missing, unknown or revoked."""


class PaymentRequiredError(UsageError):
    """The payer's cap, deposit or authorization does not reach."""

    def __init__(self, sentence: str, reason: str, remedy: str, exposure_units: int | None = None) -> None:
        """Keep the reason as a word, what to do (`deposit` or `authorize`), and the most that the request may cost."""
        super().__init__(sentence)
        self.reason = reason
        self.remedy = remedy
        self.exposure_units = exposure_units


class IdempotencyError(UsageError):
    """The Idempotency-Key can't be used for this request."""

    def __init__(self, sentence: str, code: str) -> None:
        """Keep the reason as a word: key_reused, request_in_progress, answer_not_stored."""
        super().__init__(sentence)
        self.code = code


class RequestTooLargeError(UsageError):
    """The body is longer than the gateway reads."""


class UpstreamRefusedError(InvalidRequestError):
    """The server that would answer says that the request is at fault."""

    def __init__(self, sentence: str, *, status: int, code: str | None = None, param: str | None = None) -> None:
        """Keep its status, too."""
        super().__init__(sentence, param, code)
        self.status = status


class UpstreamUnavailableError(RetryableError):
    """No server behind the gateway answers as it should."""

    def __init__(self, sentence: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class PayerLimitError(OverloadedError):
    """The payer has as many requests open as it may."""
