"""One answer in the making: its prompt, its draws, its text."""

import secrets
from collections.abc import Callable

import numpy as np

from serving.engine.adapter import AdapterWeights
from serving.engine.request import FinishReason, GenerationRequest, TokenChunk, TokenLogprob
from serving.engine.sampling import draw, likeliest, log_probabilities
from serving.engine.tensors import Float32Array
from serving.engine.text_stream import TextStream
from serving.engine.tokenizer import Tokenizer

Outcome = TokenChunk | BaseException


class Generation:
    """A request with the state that decoding it needs.

    Attributes:
        adapter: the weights that the request names, set before it is queued; None for the base alone.
        cancelled: set by the asker at any time; the worker frees the row before its next step.
        produced: tokens drawn so far.
        last_id: the token drawn last, which the next step takes in.
        deliver: called on the event loop with each outcome; an exception is the last one.
    """

    def __init__(
        self,
        request: GenerationRequest,
        tokenizer: Tokenizer,
        end_ids: frozenset[int],
        deliver: Callable[[Outcome], None],
    ) -> None:
        self.request = request
        self.adapter: AdapterWeights | None = None
        self.deliver = deliver
        self.cancelled = False
        self.produced = 0
        self.last_id = -1
        self._taken = 0
        self._tokenizer = tokenizer
        self._end_ids = frozenset[int]() if request.sampling.ignore_end else end_ids
        self._text = TextStream(request.sampling.stop)
        seed = request.sampling.seed
        self._seed = secrets.randbits(64) if seed is None else seed

    @property
    def outstanding_tokens(self) -> int:
        """Tokens that this answer may still cost: prompt not yet taken in, answer not yet drawn."""
        return len(self.request.prompt_ids) - self._taken + self.request.sampling.max_tokens - self.produced

    @property
    def prompt_taken(self) -> bool:
        """Whether the whole prompt is in the cache."""
        return self._taken == len(self.request.prompt_ids)

    def next_prompt_ids(self, most: int) -> list[int]:
        """The next part of the prompt, counted as taken in."""
        part = self.request.prompt_ids[self._taken : self._taken + most]
        self._taken += len(part)
        return list(part)

    def step(self, logits: Float32Array) -> TokenChunk:
        """Draws the next token from its row of logits, (vocabulary,)."""
        sampling = self.request.sampling
        token = draw(logits, sampling, self._seed, self.produced)
        logprobs = None if sampling.logprobs is None else (self._logprob(logits, token, sampling.logprobs),)
        self.last_id = token
        self.produced += 1
        text, reason = self._advance_text(token)
        return TokenChunk(text, (token,), self.produced, reason, logprobs)

    def _advance_text(self, token: int) -> tuple[str, FinishReason | None]:
        if token in self._end_ids:
            return self._text.finish(), FinishReason.STOP
        last = self.produced == self.request.sampling.max_tokens
        text = self._text.push(self._tokenizer.token_bytes(token))
        text += self._text.finish() if last else ""
        if self._text.stopped:
            return text, FinishReason.STOP
        return text, FinishReason.LENGTH if last else None

    def _logprob(self, logits: Float32Array, token: int, count: int) -> TokenLogprob:
        values = log_probabilities(logits)
        top = tuple(self._one_logprob(i, values[i]) for i in likeliest(values, count))
        return self._one_logprob(token, values[token], top)

    def _one_logprob(self, token: int, value: np.float64, top: tuple[TokenLogprob, ...] = ()) -> TokenLogprob:
        return TokenLogprob(self._tokenizer.token_text(token), self._tokenizer.token_bytes(token), float(value), top)
