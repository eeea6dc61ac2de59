"""Error answers of nodes: what is the request's fault goes to the client in OpenAI's shape, the rest is the node's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from serving.errors import UpstreamRefusedError
from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.shapes import parse

_TOO_LONG = re.compile(r"context length|context window|maximum length|too long|max_model_len", re.IGNORECASE)
_REQUEST_AT_FAULT = {400, 413, 415, 422}
_LONGEST_RETRY_SECONDS = 60.0


def refusal(status: int, headers: Mapping[str, str], content: bytes) -> Exception:
    """What an answer that is not 200 means.

    A client's key is no node's business, so a node that does not know ours is a fault of the node.
    """
    if status in {401, 403}:
        return NodeFailedError(Fault.DENIED, f"The node refuses the gateway's key ({status}).")
    if status == 429:
        return NodeFailedError(Fault.BUSY, "The node is busy.", _retry_after(headers))
    if status == 404:
        return NodeFailedError(Fault.NO_MODEL, "The node does not know the model.")
    if status not in _REQUEST_AT_FAULT:
        retry = _retry_after(headers) if status == 503 and "retry-after" in headers else None
        return NodeFailedError(Fault.BROKEN, f"The node answers {status}.", retry)
    try:
        return _refused(status, parse(content))
    except NodeFailedError as failure:
        return failure


def event_refusal(event: dict[str, Any]) -> Exception:
    """What an error event in a stream means, by the code in it."""
    said = event.get("error")
    code = said.get("code") if isinstance(said, dict) else None
    if isinstance(code, int) and code in _REQUEST_AT_FAULT:
        return _refused(code, event)
    return NodeFailedError(Fault.BROKEN, "The node ended the stream with an error.")


def _refused(status: int, body: dict[str, Any]) -> UpstreamRefusedError:
    """In OpenAI's shape, whatever dialect it was in (vLLM's codes are numbers; FastAPI has `detail`)."""
    said = body.get("error")
    fields: dict[str, Any] = said if isinstance(said, dict) else body
    message = fields.get("message") or fields.get("detail") or said
    sentence = message if isinstance(message, str) else "The request can't be served as it is written."
    code, param = fields.get("code"), fields.get("param")
    if _TOO_LONG.search(sentence):
        code, param = "context_length_exceeded", param or "messages"
    return UpstreamRefusedError(
        sentence,
        status=status,
        code=code if isinstance(code, str) else None,
        param=param if isinstance(param, str) else None,
    )


def _retry_after(headers: Mapping[str, str]) -> float:
    text = headers.get("retry-after", "")
    return min(float(text), _LONGEST_RETRY_SECONDS) if text.isdecimal() else 1.0
