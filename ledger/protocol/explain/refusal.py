"""Saying no by the name of the field that does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from ledger.errors import ExplainError
from ledger.protocol.explain.form import Sealed

if TYPE_CHECKING:
    from collections.abc import Iterator

FileForm = TypeVar("FileForm", bound=BaseModel)


def require(holds: bool, field: str, why: str) -> None:
    """Nothing, if it holds.

    Raises:
        ExplainError: it does not; with the path of the field in the file.
    """
    if not holds:
        raise ExplainError(field, why)


def parse(form: type[FileForm], content: bytes) -> FileForm:
    """The file as its parts, each of whose seals holds.

    Raises:
        ExplainError: not JSON, a field is missing, unknown or malformed, or does not fit its seal.
    """
    try:
        document = from_json(content)  # unlike json.loads, bounded in depth
    except ValueError as error:
        raise ExplainError("file", "it is not JSON") from error
    try:
        file = form.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ExplainError(_path(first["loc"]), first["msg"]) from error
    for path, part in _sealed_parts("", file):
        broken = part.broken_seal()
        require(broken is None, f"{path}.{broken}", "it was changed after the file was made")
    return file


def _sealed_parts(path: str, value: object) -> Iterator[tuple[str, Sealed]]:
    """The innermost first, so that the field itself is named before what holds it."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _sealed_parts(f"{path}.{to_camel(name)}".lstrip("."), getattr(value, name))
        if isinstance(value, Sealed):
            yield path, value
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _sealed_parts(f"{path}[{place}]", item)


def _path(location: tuple[str | int, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.lstrip(".") or "file"
