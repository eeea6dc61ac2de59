"""Calls and models for the tests of upstreams."""

from __future__ import annotations

from typing import Any

from ledger.chain.structs import Kind
from serving.catalogue.local import LocalModel
from serving.inference.call import Call, Endpoint, parse_call
from serving.upstream.bounds import Bounds
from serving.upstream.models import UpstreamModel


def model(**changes: Any) -> UpstreamModel:
    local = LocalModel("quill", Kind.MODEL, None, bytes(32), "", identity="declared", context_tokens=512)
    fields: dict[str, Any] = {
        "local": local,
        "name": "quill-on-the-node",
        "context_tokens": 512,
        "max_output_tokens": None,
        "template_tokens": 16,
        "hidden_tokens": False,
        "adapter_path": None,
    }
    return UpstreamModel(**fields | changes)


def call(endpoint: Endpoint = Endpoint.CHAT, /, **fields: Any) -> Call:
    from pydantic_core import to_json

    prompt = {
        Endpoint.CHAT: {"messages": [{"role": "user", "content": "one two three"}]},
        Endpoint.COMPLETION: {"prompt": "one two three"},
        Endpoint.EMBEDDING: {"input": "one two three"},
    }[endpoint]
    return parse_call(endpoint, to_json({"model": "quill"} | prompt | fields))


def bounds(*, most_output: int = 100, choices: int = 1, unseen: int = 1) -> Bounds:
    return Bounds(3, 50, most_output, choices, unseen)
