"""How often one reader may ask: a moving window for each address, in this process's memory."""

from __future__ import annotations

import math
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import Request

from api.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class RateLimits:
    """ASGI middleware: 429 with `retry-after` beyond so many requests a minute and reader; files are not counted.

    Behind a proxy, uvicorn's FORWARDED_ALLOW_IPS says whose word on the reader's address counts.
    """

    def __init__(self, app: ASGIApp, requests_per_minute: int) -> None:
        self.app = app
        self._limit = RateLimitItemPerMinute(requests_per_minute)
        self._window = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
            return
        reader = (scope.get("client") or ("unknown",))[0]
        if self._window.hit(self._limit, reader):
            await self.app(scope, receive, send)
            return
        wait = max(1, math.ceil(self._window.get_window_stats(self._limit, reader).reset_time - time.time()))
        detail = f"More than {self._limit.amount} requests a minute; wait {wait} s, or listen to /v1/events."
        refused = problem(Request(scope), HTTPStatus.TOO_MANY_REQUESTS, detail, {"retry-after": str(wait)})
        await refused(scope, receive, send)
