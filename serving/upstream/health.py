"""Watching nodes: looks at their health, and trials of those that were left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import aiohttp
import structlog
from pydantic_core import to_json

from ledger.errors import TributaryError
from serving.inference.call import Endpoint
from serving.upstream.breaker import State
from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.node import PATHS, Node, as_failure
from serving.upstream.refusals import refusal
from serving.upstream.shapes import choices_of, embeddings_of, garbage, parse, usage_of

_FAULTS = (aiohttp.ClientError, TimeoutError, OSError)
_MODELS_SECONDS = 10.0
_LOOKS_IN_A_ROW = 2
_TRIAL_SECONDS = 5.0
"""Longest trial of a node whose pace is not known, or that was not left for being slow."""
_PATIENT_TRIALS = 8
_PROMPTS: Final[dict[Endpoint, dict[str, Any]]] = {
    Endpoint.CHAT: {"messages": [{"role": "user", "content": "."}], "max_tokens": 1},
    Endpoint.COMPLETION: {"prompt": ".", "max_tokens": 1},
    Endpoint.EMBEDDING: {"input": "."},
}
_log = structlog.get_logger(__name__)


class Watch:
    """Looks at one node for as long as it runs."""

    def __init__(self, node: Node, on_return: Callable[[], None]) -> None:
        self._node = node
        self._on_return = on_return
        self._missed = 0
        self._models_at = float("-inf")
        self.looked = asyncio.Event()
        """Set after the first look."""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  a node that nobody looks at would never come back
                _log.error("upstream_look_failed", node=self._node.label, error=repr(error))
            self.looked.set()
            pause = self._node.pool.probe_seconds
            due = self._node.breaker.trial_in_seconds
            await asyncio.sleep(min(pause, due) if due else pause)

    async def look(self) -> None:
        """One look: at the health of a node that is asked, or a trial of one that was left, if that is due."""
        node = self._node
        if node.breaker.state is State.CLOSED:
            await self._probe()
        elif node.breaker.begin_trial():
            passed = False
            try:
                passed = await self._trial()
            finally:  # whatever happens, there is a next trial
                if passed and self._takes_new_pace:
                    for pace in node.paces.values():
                        pace.forget()
                node.breaker.end_trial(passed=passed)
            if passed:
                node.returned()
                self._on_return()

    async def _probe(self) -> None:
        try:
            await self._health()
            self._missed = 0
            await self._read_models()
        except NodeFailedError as failure:
            # A look that took too long may be this machine's fault, a refused connection is not.
            self._missed += 1
            gone = failure.fault is Fault.UNREACHABLE or self._missed >= _LOOKS_IN_A_ROW
            if gone:
                self._node.failed(NodeFailedError(Fault.UNREACHABLE, str(failure)))

    async def _health(self) -> None:
        node = self._node
        if not node.settings.health:
            return
        try:
            async with (
                asyncio.timeout(node.pool.connect_seconds),
                node.session.get(node.settings.origin + node.settings.health) as answer,
            ):
                await answer.read()
                if answer.status != 200:
                    raise NodeFailedError(Fault.BROKEN, f"The node's health is {answer.status}.")
        except _FAULTS as error:
            raise as_failure(error) from error

    async def _read_models(self, *, anew: bool = False) -> None:
        """Which models the node has; one that does not say is taken to have all."""
        node, now = self._node, time.monotonic()
        if not anew and now < self._models_at + _MODELS_SECONDS:
            return
        try:
            async with (
                asyncio.timeout(node.pool.connect_seconds),
                node.session.get(node.settings.base_url + "/models") as answer,
            ):
                listed = parse(await answer.read()).get("data") if answer.status == 200 else None
        except _FAULTS as error:
            raise as_failure(error) from error
        self._models_at = now
        if not isinstance(listed, list):
            node.models = None
            return
        node.models = {str(one["id"]) for one in listed if isinstance(one, dict) and "id" in one}
        node.shelf.found(node.models)

    async def _trial(self) -> bool:
        """Whether the node answers a request of our own as it should, and not much slower than it used to."""
        node = self._node
        try:
            await self._health()
            await self._read_models(anew=True)
            async with asyncio.timeout(self._trial_seconds()):
                await self._ask_one_token()
        except TributaryError as failure:
            _log.info("upstream_trial_failed", node=node.label, reason=str(failure))
            return False
        except _FAULTS as error:
            _log.info("upstream_trial_failed", node=node.label, reason=str(as_failure(error)))
            return False
        return True

    def _trial_seconds(self) -> float:
        """What the trial may take: of a node that was left for being slow what it took before it was, for a while."""
        node = self._node
        limit = node.paces["stream"].limit(1, node.pool.slow_factor)
        if node.breaker.reason is not Fault.SLOW or limit is None or self._takes_new_pace:
            return _TRIAL_SECONDS
        return max(limit, node.pool.slow_floor_seconds)

    @property
    def _takes_new_pace(self) -> bool:
        """Whether a node that stayed slow is taken as it is now, after about half a minute."""
        breaker = self._node.breaker
        return breaker.reason is Fault.SLOW and breaker.failed_trials >= _PATIENT_TRIALS

    async def _ask_one_token(self) -> None:
        """What the node failed at, in small. A refusal in good order shows that it is well, too."""
        node = self._node
        if node.last_asked is None:
            return
        endpoint, model = node.last_asked
        if node.models and model not in node.models:  # an adapter that it lost: "not found" would show nothing
            model = min(node.models)
        body = to_json({"model": model, **_PROMPTS[endpoint]})
        url, headers = node.settings.base_url + PATHS[endpoint], {"content-type": "application/json"}
        async with node.session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            content = await answer.read()
            if answer.status == 200:
                _judge(content, endpoint)
                return
            error = refusal(answer.status, answer.headers, content)
            if isinstance(error, NodeFailedError) and error.fault not in {Fault.BUSY, Fault.NO_MODEL}:
                raise error


def _judge(content: bytes, endpoint: Endpoint) -> None:
    """Nothing, if a client could have been answered with this."""
    body = parse(content)
    usage_of(body)
    if endpoint is Endpoint.EMBEDDING:
        embeddings_of(body)
    elif not choices_of(body, endpoint, 1, whole=True):
        raise garbage("empty")
