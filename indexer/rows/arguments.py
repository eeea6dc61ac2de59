"""An event's arguments as JSON text: bytes as 0x hex, every integer as a decimal string, structs as objects."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.chain.logs import RawLog


def events_arguments(events: Sequence[object]) -> list[str]:
    """The arguments of each decoded event by name; an empty text for None."""
    kinds: dict[type, list[int]] = {}
    for i, event in enumerate(events):
        kinds.setdefault(type(event), []).append(i)
    texts = [""] * len(events)
    for kind, places in kinds.items():
        if kind is not type(None):
            for i, text in zip(places, _of_kind(kind, [events[i] for i in places]), strict=True):
                texts[i] = text
    return texts


def _of_kind(kind: type, events: Sequence[object]) -> list[str]:
    """Events of one class, field by field: a column of one plain type is written in one go."""
    names = _field_names(kind)
    if not names:
        return ["{}"] * len(events)
    template = "{" + ",".join(f'"{name}":%s' for name in names) + "}"
    columns = [_column([getattr(event, name) for event in events]) for name in names]
    return [template % row for row in zip(*columns, strict=True)]


def _column(values: Sequence[Any]) -> list[str]:
    kinds = set(map(type, values))
    write = _WRITERS.get(kinds.pop(), _other) if len(kinds) == 1 else _text
    return [write(value) for value in values]


def raw_arguments(raw: RawLog) -> str:
    """Topics and data of a log that could not be decoded."""
    return f'{{"topics":{_array(raw.topics)},"data":{_bytes(raw.data)}}}'


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass or named tuple, in order; none for other types."""
    named = [f.name for f in fields(kind)] if is_dataclass(kind) else getattr(kind, "_fields", ())
    return tuple(named)


def _text(value: Any) -> str:
    write = _WRITERS.get(type(value))
    return _other(value) if write is None else write(value)


def _object(value: object, names: tuple[str, ...]) -> str:
    return "{" + ",".join([f'"{name}":{_text(getattr(value, name))}' for name in names]) + "}"


def _array(values: Any) -> str:
    return "[" + ",".join([_text(value) for value in values]) + "]"


def _bytes(value: bytes) -> str:
    return f'"0x{value.hex()}"'


def _other(value: Any) -> str:
    """Structs, sequences, and subclasses of plain types (an enumeration is its number)."""
    if isinstance(value, int):
        return f'"{int(value)}"'
    kind: type = type(value)
    names = _field_names(kind)
    return _object(value, names) if names else _array(value)


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    bytes: _bytes,
    int: lambda value: f'"{value}"',
    bool: lambda value: "true" if value else "false",
    str: lambda value: to_json(value).decode(),
}
"""By exact type, since events come by the hundred thousand."""
