"""What the engine is asked and what it answers."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ledger.errors import MalformedInputError

MAX_STOP_STRINGS = 16
MAX_TOP_LOGPROBS = 20


class FinishReason(StrEnum):
    """Why a generation ended by itself; a cancelled one ends without a reason."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class AdapterReference:
    """An adapter as it was pinned when its request was admitted.

    Attributes:
        name: what people call it; used in messages only.
        path: its PEFT folder.
        content_hash: 32 bytes, the registered content; weights in memory are known by this and never by the name.
    """

    name: str
    path: Path
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class SamplingParameters:
    """How tokens are drawn, and when to stop.

    Attributes:
        max_tokens: most tokens to produce, at least 1.
        temperature: 0 takes the likeliest token each time.
        top_p: draw from the likeliest tokens that together reach this probability.
        seed: with the same seed, prompt and weights, the same draws, whatever else is in the batch; None draws one.
        stop: strings that end the text; the one that is met is not part of it.
        logprobs: number of likeliest alternatives reported with each token; None reports nothing.
        ignore_end: go on past the end-of-text token, for measurements that need a fixed length.
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    ignore_end: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be sampled."""
        if self.max_tokens < 1:
            raise MalformedInputError("max_tokens must be at least 1")
        if not 0.0 <= self.temperature <= 2.0:
            raise MalformedInputError("temperature must lie between 0 and 2")
        if not 0.0 < self.top_p <= 1.0:
            raise MalformedInputError("top_p must be above 0 and at most 1")
        if len(self.stop) > MAX_STOP_STRINGS or "" in self.stop:
            raise MalformedInputError(f"stop takes up to {MAX_STOP_STRINGS} strings, none of them empty")
        if self.logprobs is not None and not 0 <= self.logprobs <= MAX_TOP_LOGPROBS:
            raise MalformedInputError(f"logprobs must lie between 0 and {MAX_TOP_LOGPROBS}")


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One prompt to continue, by the base alone or through one adapter."""

    prompt_ids: tuple[int, ...]
    sampling: SamplingParameters
    adapter: AdapterReference | None = None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token and its natural log-probability under the untempered distribution.

    Attributes:
        token: its text; bytes that are no UTF-8 by themselves show as U+FFFD.
        token_bytes: its bytes.
        logprob: natural logarithm.
        top: the likeliest tokens at this place, best first, as asked for; empty inside itself.
    """

    token: str
    token_bytes: bytes
    logprob: float
    top: tuple["TokenLogprob", ...] = ()


@dataclass(frozen=True, slots=True)
class TokenChunk:
    """What one decoding step adds to an answer.

    Attributes:
        text: released text; empty while a stop string or a UTF-8 sequence may still be completed.
        token_ids: the tokens drawn in this step (one).
        completion_tokens: tokens drawn so far, this chunk's included; the end-of-text token counts.
        finish_reason: set on the last chunk only.
        logprobs: one entry a token, if asked for.
    """

    text: str
    token_ids: tuple[int, ...]
    completion_tokens: int
    finish_reason: FinishReason | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
