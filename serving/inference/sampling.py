"""The request fields that the embedded engine understands; it refuses the others instead of ignoring them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.errors import InvalidRequestError
from serving.inference.call import Call

MAX_CHOICES = 16


class _Body(BaseModel):
    """Fields of both endpoints. Those that can't change an answer are accepted and have no effect."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    n: int | None = Field(default=None, ge=1, le=MAX_CHOICES)
    max_tokens: int | None = Field(default=None, ge=1)
    ignore_eos: bool | None = None
    """vLLM's: go on past the end of the text, for measurements that need a fixed length."""
    user: str | None = None
    metadata: dict[str, Any] | None = None
    # Understood, but only at the value that changes nothing.
    frequency_penalty: Literal[0] | None = None
    presence_penalty: Literal[0] | None = None
    logit_bias: dict[str, Any] | None = Field(default=None, max_length=0)

    @property
    def choices(self) -> int:
        return self.n or 1

    @property
    def stops(self) -> tuple[str, ...]:
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)


class ChatBody(_Body):
    """POST /v1/chat/completions."""

    messages: list[dict[str, Any]] = Field(min_length=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    store: bool | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    parallel_tool_calls: bool | None = None
    tools: list[Any] | None = Field(default=None, max_length=0)
    tool_choice: Literal["none", "auto"] | None = None
    response_format: dict[Literal["type"], Literal["text"]] | None = None
    modalities: list[Literal["text"]] | None = None

    @property
    def top(self) -> int | None:
        """Alternatives to report with each token; None for no log-probabilities."""
        return (self.top_logprobs or 0) if self.logprobs else None


class CompletionBody(_Body):
    """POST /v1/completions."""

    prompt: (
        Annotated[str, Field()]
        | Annotated[list[str], Field(min_length=1, max_length=MAX_CHOICES)]
        | Annotated[list[int], Field(min_length=1)]
        | Annotated[list[Annotated[list[int], Field(min_length=1)]], Field(min_length=1, max_length=MAX_CHOICES)]
    )
    logprobs: int | None = Field(default=None, ge=0, le=5)
    best_of: Literal[1] | None = None
    echo: Literal[False] | None = None
    suffix: Literal[""] | None = None

    def prompts(self) -> list[str | tuple[int, ...]]:
        """Each prompt as text or token ids."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        parts: Sequence[str | int | list[int]] = self.prompt
        ids = [part for part in parts if isinstance(part, int)]
        if ids:
            return [tuple(ids)]
        return [tuple(part) if isinstance(part, list) else part for part in parts if not isinstance(part, int)]


Body = TypeVar("Body", ChatBody, CompletionBody)


def read_body(kind: type[Body], call: Call) -> Body:
    """The call's fields, checked.

    Raises:
        InvalidRequestError: names the first field at fault.
    """
    try:
        return kind.model_validate(dict(call.fields))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        param = str(problem["loc"][0]) if problem["loc"] else None
        if problem["type"] == "extra_forbidden":
            sentence = f"The model does not support the parameter `{param}`."
            raise InvalidRequestError(sentence, param, "unsupported_parameter") from error
        raise InvalidRequestError(f"Invalid value for `{param}`: {problem['msg']}.", param, "invalid_value") from error
