"""JSON out of files that strangers registered."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json


def parse_json(content: bytes | str) -> Any:
    """The value in a JSON file; ValueError if it is none.

    Bounded in depth, unlike the standard library's parser: libraries raise the recursion limit, and then a deeply
    nested file ends the whole process.
    """
    return from_json(content, allow_inf_nan=False)
