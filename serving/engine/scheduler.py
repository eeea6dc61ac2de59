"""Continuous batching: which answers are computed in the next step, in one worker thread.

The batch's first rows decode; at most one row, the one after them, takes in its prompt, a bounded part a step. Each
step is one forward pass over all of them. A row that ends is filled by the last one, so rows in use stay together.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np
import structlog
from threadpoolctl import threadpool_limits

from ledger.errors import CheckpointError, EngineStoppedError
from serving.engine.forward import ForwardPass
from serving.engine.generation import Generation, Outcome
from serving.engine.rows import Rows
from serving.engine.settings import EngineSettings
from serving.engine.tensors import Float32Array

Outcomes = list[tuple[Generation, Outcome]]

_SPEED_WEIGHT = 0.05

_log = structlog.get_logger(__name__)


class Scheduler:
    """The worker thread and its queue. `submit`, `cancel` and `stop` may be called from any thread.

    Attributes:
        tokens_per_second: recent speed while busy, prompt tokens included; 0 before the first step.
    """

    def __init__(
        self,
        forward: ForwardPass,
        rows: Rows,
        settings: EngineSettings,
        deliver: Callable[[Outcomes], None],
    ) -> None:
        """`deliver` is called in the worker thread with every step's outcomes."""
        self._forward = forward
        self._rows = rows
        self._settings = settings
        self._deliver = deliver
        self._waiting: deque[Generation] = deque()
        self._decoding: list[Generation] = []
        self._prefilling: Generation | None = None
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.tokens_per_second = 0.0

    @property
    def running(self) -> int:
        """Answers that hold a row."""
        return len(self._decoding) + (self._prefilling is not None)

    @property
    def waiting(self) -> int:
        """Requests that wait for a row."""
        return len(self._waiting)

    def start(self) -> None:
        self._thread.start()

    def submit(self, generation: Generation) -> None:
        """Queues a request.

        Raises:
            EngineStoppedError: the engine is stopping.
        """
        with self._changed:
            if self._stopping:
                raise EngineStoppedError
            self._waiting.append(generation)
            self._changed.notify()

    def cancel(self, generation: Generation) -> None:
        """Frees the request's place before the next step; nothing more is delivered for it."""
        with self._changed:
            generation.cancelled = True
            self._changed.notify()

    def stop(self) -> None:
        """Ends after the current step; unfinished answers get EngineStoppedError. Waits for the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        with threadpool_limits(limits=self._settings.threads):
            while self._await_work():
                self._drop_cancelled()
                self._admit()
                if self.running:
                    self._guarded_step()
        self._fail_all(EngineStoppedError())

    def _await_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._waiting or self.running)
            return not self._stopping

    def _admit(self) -> None:
        """Gives the longest waiting request a row, if none is taking in its prompt and one is free."""
        if self._prefilling is not None or len(self._decoding) == self._settings.max_batch:
            return
        with self._changed:
            while self._waiting and self._waiting[0].cancelled:
                self._waiting.popleft()
            if not self._waiting:
                return
            self._prefilling = self._waiting.popleft()
        self._rows.attach(len(self._decoding), self._prefilling.adapter)

    def _guarded_step(self) -> None:
        """One step; a fault in it ends the answers that were in the batch and leaves the worker running."""
        started = time.perf_counter()
        try:
            outcomes, tokens = self._step()
        except Exception as error:  # noqa: BLE001 - whatever failed, the askers must hear of it
            _log.exception("engine step failed", running=self.running)
            self._rows.reset()
            self._fail_running(error)
            return
        self._measure(tokens / (time.perf_counter() - started))
        self._deliver(outcomes)

    def _step(self) -> tuple[Outcomes, int]:
        """Advances the whole batch by one forward pass; the outcomes, and the number of tokens computed."""
        prompt = self._prefilling.next_prompt_ids(self._settings.prefill_chunk_tokens) if self._prefilling else []
        tokens = len(self._decoding) + len(prompt)
        logits = self._forward.advance([generation.last_id for generation in self._decoding], prompt)
        if self._prefilling is not None and self._prefilling.prompt_taken:
            self._decoding.append(self._prefilling)
            self._prefilling = None
        return self._draw_all(logits), tokens

    def _draw_all(self, logits: Float32Array) -> Outcomes:
        finite = np.logical_and.reduce(np.isfinite(logits), axis=1)
        outcomes: Outcomes = [
            (generation, generation.step(row) if sound else _not_finite(generation))
            for generation, row, sound in zip(self._decoding, logits, finite, strict=False)
            if not generation.cancelled
        ]
        finished = [g for g, outcome in outcomes if isinstance(outcome, BaseException) or outcome.finish_reason]
        for generation in finished:
            self._free(self._decoding.index(generation))
        return outcomes

    def _drop_cancelled(self) -> None:
        if self._prefilling is not None and self._prefilling.cancelled:
            self._prefilling = None
        for row in range(len(self._decoding) - 1, -1, -1):
            if self._decoding[row].cancelled:
                self._free(row)

    def _free(self, row: int) -> None:
        """Frees a decoding row: the last decoding row moves into it, the prefilling row after that one."""
        last = self._decoding.pop()
        if row < len(self._decoding):
            self._decoding[row] = last
            self._rows.move(len(self._decoding), row)
        if self._prefilling is not None:
            self._rows.move(len(self._decoding) + 1, len(self._decoding))

    def _fail_running(self, error: BaseException) -> None:
        failed = [*self._decoding, *([self._prefilling] if self._prefilling else [])]
        self._decoding, self._prefilling = [], None
        self._deliver([(generation, error) for generation in failed if not generation.cancelled])

    def _fail_all(self, error: BaseException) -> None:
        with self._changed:
            waiting, self._waiting = list(self._waiting), deque()
        self._fail_running(error)
        self._deliver([(generation, error) for generation in waiting if not generation.cancelled])

    def _measure(self, speed: float) -> None:
        known = self.tokens_per_second
        self.tokens_per_second = speed if known == 0.0 else known + _SPEED_WEIGHT * (speed - known)


def _not_finite(generation: Generation) -> CheckpointError:
    adapter = generation.request.adapter
    weights = "The base model's weights" if adapter is None else f"The weights of adapter {adapter.name}"
    return CheckpointError(f"{weights} lead out of the range of numbers on this prompt; no token follows from that.")
