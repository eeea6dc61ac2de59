"""A request as every engine sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic_core import from_json

from serving.errors import InvalidRequestError


class Endpoint(StrEnum):
    """Which of OpenAI's APIs was called."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True)
class Call:
    """A parsed request. `fields` holds the whole JSON object, so that an engine can pass on what it does not know."""

    endpoint: Endpoint
    fields: Mapping[str, Any]
    model: str
    stream: bool
    include_usage: bool


def parse_call(endpoint: Endpoint, body: bytes) -> Call:
    """The call in a request body; what only an engine can judge is left to it.

    Raises:
        InvalidRequestError: not a JSON object, or `model`, `stream` or `stream_options` are of another form.
    """
    try:
        # Bounded in depth, unlike the standard library's parser under a raised recursion limit.
        fields = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequestError(f"We could not parse the JSON body of your request: {error}.") from error
    if not isinstance(fields, dict):
        raise InvalidRequestError("The body of your request must be a JSON object.")
    model = fields.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidRequestError("You must provide a model parameter.", "model")
    stream = fields.get("stream") or False
    if not isinstance(stream, bool):
        raise InvalidRequestError("stream must be a boolean.", "stream")
    if stream and endpoint is Endpoint.EMBEDDING:
        raise InvalidRequestError("Embeddings are not streamed.", "stream", "unsupported_parameter")
    return Call(endpoint, fields, model, stream, _include_usage(fields.get("stream_options"), stream=stream))


def _include_usage(options: object, *, stream: bool) -> bool:
    if options is None:
        return False
    if not stream:
        raise InvalidRequestError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options"
        )
    if not isinstance(options, dict) or not isinstance(options.get("include_usage", False), bool):
        raise InvalidRequestError("stream_options must be an object with a boolean include_usage.", "stream_options")
    return bool(options.get("include_usage", False))
