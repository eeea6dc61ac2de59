"""An event's arguments as JSON: bytes as 0x hex, every integer as a decimal string, structs as objects."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.chain.logs import RawLog


_FIELDS: dict[Any, tuple[str, ...]] = {}
"""Field names by type, looked up once: events come by the hundred thousand."""


def event_arguments(event: object) -> dict[str, Any]:
    """The arguments of a decoded event by name."""
    return {name: _json(getattr(event, name)) for name in _field_names(type(event))}


def raw_arguments(raw: RawLog) -> dict[str, Any]:
    """Topics and data of a log that could not be decoded."""
    return {"topics": [_json(topic) for topic in raw.topics], "data": _json(raw.data)}


def _field_names(kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass or named tuple, in order; none for other types."""
    names = _FIELDS.get(kind)
    if names is None:
        named = tuple(f.name for f in fields(kind)) if is_dataclass(kind) else getattr(kind, "_fields", ())
        names = _FIELDS[kind] = tuple(named)
    return names


def _json(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return str(int(value))
    names = _field_names(type(value))
    if names:
        return {name: _json(getattr(value, name)) for name in names}
    return [_json(item) for item in value]
