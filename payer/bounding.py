"""What a request asks for at most, as its payer sees it, without the model's tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from ledger.protocol.units import MAX_U24, fee_up

if TYPE_CHECKING:
    from ledger.chain.structs import Price

_UNKNOWN_CONTEXT = 131_072
"""What a model may hold whose gateway does not say."""
PAID_PATHS = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/embeddings"})


@dataclass(frozen=True, slots=True)
class Model:
    """A model as the gateway lists it. `context_units` None: it does not say."""

    name: str
    asset_id: int
    context_units: int | None


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request body says of its size.

    Attributes:
        model: the name it asks for; empty if it names none.
        body_bytes: its length; text is never more tokens than bytes.
        sequences: answers that it asks for, all prompts together, also those that are drawn and not sent.
        most_output_units: completion tokens of all of them, where it bounds them.
        streamed: whether the answer comes as events.
    """

    model: str
    body_bytes: int
    sequences: int
    most_output_units: int | None
    streamed: bool


def read_ask(body: bytes) -> Ask:
    """What can be read from a body; the gateway is the judge of whether it is a request."""
    try:
        fields = from_json(body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        fields = {}
    drawn = max(_count(fields.get("n")), _count(fields.get("best_of")))  # what is drawn costs, sent or not
    sequences = drawn * _prompts(fields.get("prompt") or fields.get("input"))
    limits = [fields.get(name) for name in ("max_completion_tokens", "max_tokens")]
    named = [most for most in limits if isinstance(most, int) and not isinstance(most, bool) and most > 0]
    bounded = max(named) * sequences if named else None
    model = fields.get("model")
    return Ask(model if isinstance(model, str) else "", len(body), sequences, bounded, fields.get("stream") is True)


def most_units(ask: Ask, model: Model, price: Price) -> int:
    """Most that the request can cost as it is written: what to sign ahead for."""
    context = _UNKNOWN_CONTEXT if model.context_units is None else model.context_units
    inputs = min(ask.body_bytes, context * ask.sequences)
    outputs = min(context * ask.sequences, MAX_U24 if ask.most_output_units is None else ask.most_output_units)
    return _fee(inputs, outputs, price)


def ceiling_units(ask: Ask, model: Model, price: Price) -> int:
    """Most that any request of so many answers can cost: whatever a gateway says that one may cost, it is no more."""
    context = _UNKNOWN_CONTEXT if model.context_units is None else model.context_units
    most = min(MAX_U24, context * ask.sequences)
    return _fee(most, most, price)


def _fee(inputs: int, outputs: int, price: Price) -> int:
    return fee_up(inputs, outputs, price.input_price_units, price.output_price_units)


def _count(n: Any) -> int:
    return n if isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= 1024 else 1


def _prompts(prompt: Any) -> int:
    """Prompts of a completion request, or texts to embed; tokens of one are integers."""
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        return len(prompt)
    return 1
