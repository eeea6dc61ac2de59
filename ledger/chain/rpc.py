"""JSON-RPC to one chain over one or several endpoints.

An endpoint that fails rests for a growing while and the next one is asked; a call gives up when
its patience runs out. Each endpoint's chain id is checked before its first answer is believed.
A JSON-RPC error that no retry heals is raised at once.
"""

import itertools
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

import httpx
from pydantic_core import from_json, to_json

from ledger.chain.allowance import Allowance
from ledger.chain.endpoint import Endpoint, exchange
from ledger.chain.quantities import Json, quantity
from ledger.errors import (
    BlockNotFoundError,
    MalformedAnswerError,
    RetryableError,
    RpcRateLimitedError,
    RpcRejectedError,
    RpcUnavailableError,
    TributaryError,
    WrongChainError,
)

RpcCall = tuple[str, Sequence[Json]]
"""Method and parameters."""

MAX_CALLS_PER_REQUEST: Final = 100
_FIRST_REST_SECONDS: Final = 0.2
_LONGEST_REST_SECONDS: Final = 15.0
_LAG_SECONDS: Final = 5.0
"""An endpoint that lags is asked when the others rest for longer than this."""
_RESOURCE_NOT_FOUND: Final = -32001
"""EIP-1898's code for a block that the node does not have."""
_RATE_LIMIT_WORDS: Final = (
    "rate limit", "request rate", "too many requests", "exceeded its", "capacity exceeded",
)  # fmt: skip
_MISSING_BLOCK_WORDS: Final = (
    "header not found", "block not found", "unknown block", "header for hash not found",
    "missing trie node", "blockoutofrange", "block number out of range", "could not find block",
    "hash is not currently canonical",
)  # fmt: skip


class RpcClient:
    """Calls to one chain. Thread-safe."""

    def __init__(
        self,
        urls: Sequence[str],
        chain_id: int,
        *,
        name: str = "the chain",
        timeout_seconds: float = 20.0,
        patience_seconds: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the endpoints in order of preference.

        Args:
            urls: HTTP addresses, at least one.
            chain_id: what every endpoint must serve.
            name: "L1" or "L2", for messages.
            timeout_seconds: for one HTTP exchange.
            patience_seconds: for one call, over all endpoints and attempts; 0 tries each once.
            transport: for tests that need faults no server shows.
            sleep: waits between attempts.
        """
        if not urls:
            raise RpcUnavailableError(f"No RPC address is set for {name}.")
        self.chain_id = chain_id
        self.name = name
        self.endpoints = [Endpoint(url) for url in urls]
        self._patience_seconds = patience_seconds
        self._client = httpx.Client(timeout=timeout_seconds, transport=transport)
        self._ids = itertools.count(1)
        self._sleep = sleep

    def limit_requests(self, most: int) -> None:
        """Let at most this many requests be under way at one endpoint; fewer after it has answered 429."""
        for endpoint in self.endpoints:
            endpoint.allowance = Allowance(most)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def verify(self) -> None:
        """Nothing, if every endpoint that answers serves the right chain and at least one answers.

        Raises:
            WrongChainError: one serves another chain.
            RpcUnavailableError: none answers.
        """
        faults: list[RetryableError] = []
        for endpoint in self.endpoints:
            try:
                self._verify(endpoint)
            except RetryableError as error:
                faults.append(error)
        if len(faults) == len(self.endpoints):
            raise RpcUnavailableError(f"{self.name} is out of reach: {faults[0]}")

    def call(self, method: str, *params: Json) -> Json:
        """The result of one JSON-RPC call.

        Raises:
            RpcRejectedError: the node refuses the call for good (with code, message and data).
            BlockNotFoundError: every endpoint lacks the block that the call names.
            RpcUnavailableError: no endpoint answered within the patience.
        """
        return self.batch([(method, params)])[0]

    def batch(self, calls: Sequence[RpcCall]) -> list[Json]:
        """The results of several calls, in order, in one request per 100; errors as `call`."""
        results: list[Json] = []
        for at in range(0, len(calls), MAX_CALLS_PER_REQUEST):
            results.extend(self._persist(calls[at : at + MAX_CALLS_PER_REQUEST]))
        return results

    def _persist(self, calls: Sequence[RpcCall]) -> list[Json]:
        """Ask endpoint after endpoint until one answers or patience ends."""
        deadline = time.monotonic() + self._patience_seconds
        for attempts in itertools.count(1):
            endpoint = self._next_endpoint()
            try:
                return self._ask(endpoint, calls)
            except BlockNotFoundError:
                # Another endpoint may be further ahead; waiting for this one is the caller's choice.
                if attempts >= len(self.endpoints):
                    raise
                endpoint.rest(time.monotonic(), _FIRST_REST_SECONDS)
            except RetryableError as error:
                endpoint.rest(time.monotonic(), _rest_seconds(endpoint.faults, error))
                soonest = min(e.resting_until for e in self.endpoints)
                if attempts >= len(self.endpoints) and soonest > deadline:
                    raise RpcUnavailableError(f"{self.name} is out of reach: {error}") from error
        raise AssertionError  # count() never ends

    def _next_endpoint(self) -> Endpoint:
        """The endpoint that may be asked soonest, once it may; the first wins a tie, one that lags comes later."""
        now = time.monotonic()
        endpoint = min(self.endpoints, key=lambda e: max(e.resting_until, now) + _LAG_SECONDS * e.lags)
        wait = endpoint.resting_until - time.monotonic()
        if wait > 0:
            self._sleep(wait)
        return endpoint

    def _ask(self, endpoint: Endpoint, calls: Sequence[RpcCall]) -> list[Json]:
        if not endpoint.verified:
            self._verify(endpoint)
        try:
            with endpoint.allowance.slot():
                results = self._exchange(endpoint, calls)
        except RpcRateLimitedError:
            endpoint.allowance.throttled()
            raise
        endpoint.allowance.answered()
        endpoint.recover()
        return results

    def ask_one(self, endpoint: Endpoint, method: str, *params: Json, timeout_seconds: float) -> Json:
        """What this very endpoint answers, asked once; RetryableError if it does not."""
        if not endpoint.verified:
            self._verify(endpoint)
        return self._exchange(endpoint, [(method, params)], timeout_seconds)[0]

    def _verify(self, endpoint: Endpoint) -> None:
        actual = quantity(self._exchange(endpoint, [("eth_chainId", ())])[0])
        if actual != self.chain_id:
            raise WrongChainError(endpoint.name, self.chain_id, actual)
        endpoint.verified = True

    def _exchange(
        self, endpoint: Endpoint, calls: Sequence[RpcCall], timeout_seconds: float | None = None
    ) -> list[Json]:
        """One HTTP request with these calls; a single call goes out bare, not as an array."""
        ids = [next(self._ids) for _ in calls]
        bodies = [
            {"jsonrpc": "2.0", "id": call_id, "method": method, "params": list(params)}
            for call_id, (method, params) in zip(ids, calls, strict=True)
        ]
        request = self._client.build_request(
            "POST",
            endpoint.url,
            content=to_json(bodies if len(bodies) > 1 else bodies[0]),
            headers={"content-type": "application/json"},
            timeout=httpx.USE_CLIENT_DEFAULT if timeout_seconds is None else timeout_seconds,
        )
        response = exchange(self._client, endpoint.name, request)
        try:
            answer = from_json(response.content, cache_strings="keys")
        except ValueError as error:
            raise MalformedAnswerError(f"{endpoint.name} answered no JSON.") from error
        answers = answer if isinstance(answer, list) else [answer]
        by_id = {a.get("id"): a for a in answers if isinstance(a, dict)}
        if len(bodies) > 1 and not isinstance(answer, list):
            raise _error_of(endpoint.name, answer)
        return [_result(endpoint.name, by_id.get(i, _bare_error(answer))) for i in ids]


def _bare_error(answer: Json) -> Json:
    """An error that carries no id (some nodes answer so when they refuse a request), or None."""
    return answer if isinstance(answer, dict) and answer.get("id") is None else None


def _result(name: str, answer: Json) -> Json:
    if isinstance(answer, dict) and "result" in answer and answer.get("error") is None:
        return answer["result"]
    raise _error_of(name, answer)


def _error_of(name: str, answer: Json) -> TributaryError:
    """What a JSON-RPC error object means."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return MalformedAnswerError(f"{name} answered neither result nor error.")
    code, message = error.get("code"), str(error.get("message", ""))
    lowered = message.lower()
    if code == 429 or any(word in lowered for word in _RATE_LIMIT_WORDS):
        return RpcRateLimitedError(f"{name} asks for fewer requests: {message}")
    if code == _RESOURCE_NOT_FOUND or any(word in lowered for word in _MISSING_BLOCK_WORDS):
        return BlockNotFoundError(f"{name} does not have the block: {message}.")
    return RpcRejectedError(message, code if isinstance(code, int) else 0, error.get("data"))


def _rest_seconds(faults: int, error: RetryableError) -> float:
    """How long an endpoint rests: what it asked for, or a doubling time with jitter."""
    asked = error.retry_after_seconds if isinstance(error, RpcRateLimitedError) else None
    if asked is not None:
        return asked
    longest: float = min(_FIRST_REST_SECONDS * 2 ** min(faults, 16), _LONGEST_REST_SECONDS)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  spreads clients out, guards nothing
