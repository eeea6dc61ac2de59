"""What the gateway asks of an engine.

An engine first admits a call: it counts the prompt and bounds the answer, or refuses. The gateway holds the payer's
exposure for that bound, and only then asks for the answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from serving.catalogue.served import PinnedModel
from serving.inference.call import Call
from serving.inference.node_state import NodeState


@dataclass(frozen=True, slots=True)
class Delta:
    """What one step adds to an answer.

    Attributes:
        choices: in the shape of OpenAI's stream chunks (`index`, `delta` or `text`, `logprobs`, `finish_reason`).
        output_units: completion tokens of all choices up to and with this delta.
        input_units: prompt tokens, once they are known better than at admission.
        members: what else the engine put beside the choices, for the client as it is.
        details: what else the engine said of usage, for the client as it is.
        whole: the choices are an answer's whole ones, not pieces to put together.
    """

    choices: tuple[dict[str, Any], ...]
    output_units: int
    input_units: int | None = None
    members: Mapping[str, Any] | None = None
    details: Mapping[str, Any] | None = None
    whole: bool = False


Take: TypeAlias = Callable[[Sequence[Delta]], Coroutine[Any, Any, None] | None]
"""Takes deltas in that came together, and returns what has to be awaited before the next, None as a rule."""


class Flow(Protocol):
    """Deltas that come faster than tasks are woken: they are handed on where they arrive."""

    async def into(self, take: Take) -> None:
        """Everything up to the end goes to `take`. Whoever ends early leaves the rest.

        What went wrong in between is raised by the generator that yielded the flow, when it is asked for the next.
        """


Step: TypeAlias = Delta | Flow


class Admission(Protocol):
    """A call that the engine will answer."""

    @property
    def input_units(self) -> int:
        """Prompt tokens; where an engine can't count them ahead, the fewest that they can be.

        Charged unless a delta says better, so also after a crash.
        """

    @property
    def max_input_units(self) -> int:
        """Most prompt tokens that may be charged, whatever a delta says."""

    @property
    def max_output_units(self) -> int:
        """Most completion tokens, all choices together."""

    def deltas(self) -> AsyncGenerator[Step, None]:
        """The answer: deltas, and flows of them. Closing the iterator cancels it.

        Raises:
            TributaryError: the engine failed; nothing of this answer is charged.
        """


@dataclass(frozen=True, slots=True)
class EngineState:
    """How busy an engine is, for metrics and for Retry-After."""

    running: int
    waiting: int
    queued_units: int
    units_per_second: float
    resident_adapters: int
    adapter_bytes: int
    nodes: tuple[NodeState, ...] = ()
    """The servers that compute, where this process does not."""


class AnswerEngine(Protocol):
    """A source of answers."""

    async def start(self) -> None:
        """Makes it ready to answer."""

    async def stop(self) -> None:
        """Ends what runs."""

    async def admit(self, call: Call, model: PinnedModel, payer: bytes) -> Admission:
        """The call, ready to be answered; the payer's share of the engine is its own.

        Raises:
            InvalidRequestError, MalformedInputError, ChatTemplateError: it can't be answered as it is written.
            ContextLengthError: prompt and answer do not fit the model.
            OverloadedError: too much waits already.
        """

    def state(self) -> EngineState:
        """How busy it is now."""

    @property
    def context_units(self) -> int:
        """Most tokens of prompt and answer together."""
