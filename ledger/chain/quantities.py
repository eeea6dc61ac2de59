"""The JSON-RPC forms of numbers and bytes: quantities (`0x1f`, no leading zeros) and data.

Source: Ethereum JSON-RPC specification, "Hex value encoding".
"""

from typing import Any

from ledger.errors import MalformedAnswerError

Json = Any
"""A value out of JSON: its shape is checked where it is used."""


def to_quantity(value: int) -> str:
    """A non-negative integer as a JSON-RPC quantity."""
    return hex(value)


def to_data(value: bytes) -> str:
    """Bytes as JSON-RPC data."""
    return "0x" + value.hex()


def quantity(value: Json) -> int:
    """The integer that a node answered.

    Raises:
        MalformedAnswerError: not a `0x` quantity.
    """
    if isinstance(value, str) and value[:2] == "0x":
        try:
            return int(value, 16)
        except ValueError:
            pass
    raise MalformedAnswerError(f"A node answered {value!r:.60} where a number belongs.")


def data(value: Json, length: int | None = None) -> bytes:
    """The bytes that a node answered, exactly `length` of them if it is given.

    Raises:
        MalformedAnswerError: not `0x` data, or of another length.
    """
    if isinstance(value, str) and value[:2] == "0x":
        try:
            raw = bytes.fromhex(value[2:])
        except ValueError:
            raw = None
        if raw is not None and length in (None, len(raw)):
            return raw
    raise MalformedAnswerError(f"A node answered {value!r:.80} where {length or 'some'} bytes belong.")


def member(answer: Json, name: str) -> Json:
    """A field of an object that a node answered.

    Raises:
        MalformedAnswerError: not an object, or it has no such field.
    """
    if isinstance(answer, dict) and name in answer:
        return answer[name]
    raise MalformedAnswerError(f"A node's answer has no field {name}.")
