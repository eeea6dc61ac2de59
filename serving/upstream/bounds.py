"""What a call can come to before anything is asked: tokens of the prompt, of the answer, and the body that goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from ledger.errors import ContextLengthError
from serving.errors import InvalidRequestError
from serving.inference.call import Call, Endpoint
from serving.inference.embedded import DEFAULT_COMPLETION_TOKENS
from serving.upstream.models import UpstreamModel

MAX_CHOICES = 128
_TEXT_PARTS = frozenset({"text", "input_text", "refusal"})
_PROMPTS = {Endpoint.CHAT: "messages", Endpoint.COMPLETION: "prompt", Endpoint.EMBEDDING: "input"}
_LIMITS: dict[Endpoint, tuple[str, ...]] = {
    Endpoint.CHAT: ("max_tokens", "max_completion_tokens"),
    Endpoint.COMPLETION: ("max_tokens",),
    Endpoint.EMBEDDING: (),
}
_STOPS_AT_MOST = 1024
_BYTES_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of one call.

    Attributes:
        least_input, most_input: prompt tokens. Tokenizers split at spaces, so there are as many as words; a token
            stands for a byte or more, so there are no more than bytes, beside what the chat template adds.
        most_output: completion tokens of all choices, also of those that are drawn and not sent.
        choices: how many answers are sent.
        unseen: tokens per choice that are produced and not sent: the end's, and those of a stop string.
    """

    least_input: int
    most_input: int
    most_output: int
    choices: int
    unseen: int

    @property
    def prompt_units(self) -> int:
        """Tokens that the prompt may well have: four bytes each, whatever its words are."""
        return self.most_input // _BYTES_A_TOKEN


def bounds_of(call: Call, model: UpstreamModel) -> Bounds:
    """The call's bounds.

    Raises:
        InvalidRequestError: what bounds it is not a number of the right kind, or there is no prompt.
        ContextLengthError: the prompt has more tokens than fit.
    """
    fields = call.fields
    prompt = fields.get(_PROMPTS[call.endpoint])
    if not prompt or not isinstance(prompt, list | str):
        raise InvalidRequestError(f"You must provide {_PROMPTS[call.endpoint]}.", _PROMPTS[call.endpoint])
    prompts = _prompts(prompt) if call.endpoint is not Endpoint.CHAT else 1
    choices = _number(fields, "n", 1) * prompts
    drawn = max(choices, _number(fields, "best_of", 1) * prompts)
    if drawn > MAX_CHOICES:
        raise InvalidRequestError(f"At most {MAX_CHOICES} choices are made at once.", "n", "invalid_value")
    context = model.context_tokens
    least, only_text = _least(prompt, max(context, MAX_CHOICES))
    if least > context * prompts:
        raise ContextLengthError(least, 1, context)
    bytes_sent = len(to_json([prompt, fields.get("tools"), fields.get("functions"), fields.get("response_format")]))
    most_input = (
        min(context * prompts, bytes_sent + model.template_tokens * prompts) if only_text else context * prompts
    )
    answer = 0 if call.endpoint is Endpoint.EMBEDDING else min(_answer(call, model), context) * drawn
    return Bounds(min(least, most_input), most_input, answer, choices, 1 + _longest_stop(fields.get("stop")))


def forwarded(call: Call, model: UpstreamModel, *, continuous: bool) -> bytes:
    """The body for a node: the client's, with the node's name of the model, and usage asked for.

    Args:
        call: the client's.
        model: which the node knows by another name.
        continuous: also ask for usage in every event.
    """
    fields = {**call.fields, "model": model.name}
    if call.stream:
        options: Mapping[str, Any] = call.fields.get("stream_options") or {}
        fields["stream_options"] = {**options, "include_usage": True}
        if continuous:
            fields["stream_options"]["continuous_usage_stats"] = True
    return to_json(fields | _limits(call, model))


def _limits(call: Call, model: UpstreamModel) -> dict[str, int]:
    """The answer's limits as the node is told them, so that it makes no more than the payer's exposure is held for."""
    names = _LIMITS[call.endpoint]
    given = {name: call.fields[name] for name in names if call.fields.get(name) is not None}
    if model.max_output_tokens is not None:
        most = _answer(call, model)
        return {name: min(given.get(name) or most, most) for name in given or names[:1]}
    # Servers differ in what a completion has by default: some go on for ever.
    return {"max_tokens": _answer(call, model)} if call.endpoint is Endpoint.COMPLETION and not given else {}


def _answer(call: Call, model: UpstreamModel) -> int:
    """Most tokens of one choice."""
    fields = call.fields
    longest = model.max_output_tokens or model.context_tokens
    if call.endpoint is Endpoint.COMPLETION:
        return min(longest, _number(fields, "max_tokens", DEFAULT_COMPLETION_TOKENS))
    asked = [_number(fields, name, longest) for name in _LIMITS[Endpoint.CHAT] if fields.get(name)]
    return min(longest, max(asked, default=longest))


def _number(fields: Mapping[str, Any], name: str, default: int) -> int:
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidRequestError(f"{name} must be a positive integer.", name, "invalid_value")
    return value


def _prompts(prompt: Any) -> int:
    """How many prompts there are in a completion's `prompt` or an embedding's `input`."""
    several = isinstance(prompt, list) and not isinstance(prompt[0], int)
    return len(prompt) if several else 1


def _least(prompt: Any, context: int) -> tuple[int, bool]:
    """Fewest tokens of a prompt, and whether it is text alone (an image's tokens can't be told from its bytes).

    Raises:
        ContextLengthError: a list is longer than the context: each of its parts is a token or more.
    """
    if isinstance(prompt, str):
        return len(prompt.split()), True
    if isinstance(prompt, int):
        return 1, True
    if isinstance(prompt, list):
        if len(prompt) > context:  # before it is looked through: that would hold everything up
            raise ContextLengthError(len(prompt), 1, context)
        parts = [_least(part, context) for part in prompt]
        return sum(least for least, _ in parts), all(only_text for _, only_text in parts)
    if isinstance(prompt, dict):
        only_text = "type" not in prompt or prompt["type"] in _TEXT_PARTS
        least, inner = _least([prompt[name] for name in ("content", "text") if prompt.get(name)], context)
        return least, only_text and inner
    return 0, False


def _longest_stop(stop: Any) -> int:
    strings = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    return min(_STOPS_AT_MOST, max((len(s.encode()) for s in strings if isinstance(s, str)), default=0))
