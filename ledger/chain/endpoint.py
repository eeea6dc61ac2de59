"""One HTTP endpoint of a node: a request goes out, and its faults come back as typed errors."""

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from ledger.bounded import gather
from ledger.chain.allowance import Allowance
from ledger.errors import RpcRateLimitedError, RpcRejectedError, RpcUnavailableError

_MAX_RETRY_AFTER_SECONDS = 120.0
MOST_REQUESTS = 8
MAX_ANSWER_BYTES = 128 * 2**20


def public_name(url: str) -> str:
    """Scheme, host and port: what may be shown, since a path or query can carry an API key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


@dataclass(slots=True)
class Endpoint:
    """An address, when it may be asked again (monotonic seconds), and whether it is trusted yet."""

    url: str
    resting_until: float = 0.0
    faults: int = 0
    verified: bool = False
    lags: bool = False
    """Behind the others, as `LagWatch` last saw it."""
    allowance: Allowance = field(default_factory=lambda: Allowance(MOST_REQUESTS))
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = public_name(self.url)

    def rest(self, now: float, seconds: float) -> None:
        """Leave the endpoint alone for a while after a fault."""
        self.faults += 1
        self.resting_until = max(self.resting_until, now + seconds)

    def recover(self) -> None:
        """Forget past faults after an answer."""
        self.faults = 0
        self.resting_until = 0.0


def exchange(client: httpx.Client, name: str, request: httpx.Request) -> httpx.Response:
    """The answer to a request, whatever its status below 500 but 401, 403, 404, 408 and 429 are not.

    Raises:
        RpcRateLimitedError: 429, or 503 with Retry-After.
        RpcUnavailableError: no connection, no answer in time, a proxy's or server's error page.
        RpcRejectedError: the answer is longer than any honest one need be.
    """
    try:
        response = _received(client, name, request)
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise RpcUnavailableError(f"{name} did not answer: {reason}.") from error
    retry_after = _retry_after_seconds(response)
    if response.status_code == 429 or (response.status_code == 503 and retry_after is not None):
        raise RpcRateLimitedError(f"{name} asks for fewer requests.", retry_after)
    if response.status_code >= 500 or response.status_code in (401, 403, 408):
        raise RpcUnavailableError(f"{name} answered HTTP {response.status_code}.")
    return response


def _received(client: httpx.Client, name: str, request: httpx.Request) -> httpx.Response:
    """The whole answer; one that does not end is given up before it fills the memory."""
    answer = client.send(request, stream=True)
    try:
        content = gather(answer.iter_bytes(), MAX_ANSWER_BYTES)
    finally:
        answer.close()
    if content is None:
        raise RpcRejectedError(f"{name} answered more than {MAX_ANSWER_BYTES // 2**20} MiB at once.")
    headers = [(k, v) for k, v in answer.headers.multi_items() if k not in {"content-encoding", "content-length"}]
    return httpx.Response(answer.status_code, headers=headers, content=content, request=request)


def _retry_after_seconds(response: httpx.Response) -> float | None:
    """Seconds that Retry-After asks for, as a number or a date; None without it."""
    value = response.headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value, response.headers.get("date"))
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_SECONDS)


def _seconds_until(date: str, now: str | None) -> float:
    """Difference of two HTTP dates by the server's own clock; one second if either is unreadable."""
    try:
        later, earlier = parsedate_to_datetime(date), parsedate_to_datetime(now or "")
        return (later - earlier).total_seconds()
    except (TypeError, ValueError):
        return 1.0
