"""How fields stand in an explain file: amounts as decimal strings, bytes as 0x hex, nothing that was not asked for."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from ledger.errors import MalformedInputError
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256

SEAL_BYTES: Final = 4
_LONGEST_AMOUNT: Final = 80


def _reads_hex(length: int) -> BeforeValidator:
    def read(value: object) -> bytes:
        try:
            return value if isinstance(value, bytes) and len(value) == length else from_hex(value, length)
        except MalformedInputError as error:
            raise ValueError(str(error)) from error

    return BeforeValidator(read)


def _amount(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_AMOUNT:
        value = int(value)
    if type(value) is int and 0 <= value < 2**256:
        return value
    raise ValueError("an amount is a decimal string below 2^256")


def _base64(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("bytes stand as base64")  # noqa: TRY004  # what pydantic turns into an error of this field
    try:
        return b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


_WRITES_HEX: Final = PlainSerializer(to_hex)

Bytes20 = Annotated[bytes, _reads_hex(20), _WRITES_HEX]
Bytes31 = Annotated[bytes, _reads_hex(31), _WRITES_HEX]
Bytes32 = Annotated[bytes, _reads_hex(32), _WRITES_HEX]
Bytes48 = Annotated[bytes, _reads_hex(48), _WRITES_HEX]
Bytes65 = Annotated[bytes, _reads_hex(65), _WRITES_HEX]
Base64 = Annotated[bytes, BeforeValidator(_base64), PlainSerializer(lambda value: b64encode(value).decode())]
Amount = Annotated[int, BeforeValidator(_amount), PlainSerializer(str)]
Count = Annotated[int, Field(ge=0, lt=2**63, strict=True)]


class Part(BaseModel):
    """A JSON object of the file: camelCase names, no field more or less."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, allow_inf_nan=False
    )


class Sealed(Part):
    """A part whose own fields each carry a seal, so that a changed one is named and not only noticed.

    A seal is the start of keccak256(name, 0, the value as canonical JSON). It protects against accidents and names what was
    changed; it proves nothing, since whoever changes a field can seal it anew. The proof is in the computation.
    """

    unsealed: ClassVar[frozenset[str]] = frozenset()
    """Fields that are too large to seal twice: their own parts seal themselves."""

    seals: dict[str, str] = Field(default_factory=dict)

    def sealed(self) -> Self:
        """The same part with its seals."""
        return self.model_copy(update={"seals": self._seals()})

    def broken_seal(self) -> str | None:
        """JSON name of the first field that does not fit its seal; None if all do."""
        wanted = self._seals()
        names = [*wanted, *(name for name in self.seals if name not in wanted)]
        return next((name for name in names if self.seals.get(name) != wanted.get(name)), None)

    def _seals(self) -> dict[str, str]:
        plain: dict[str, Any] = self.model_dump(by_alias=True, exclude={"seals", *self.unsealed}, mode="json")
        return {name: _seal(name, value) for name, value in plain.items()}


def _seal(name: str, value: object) -> str:
    plain = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return keccak256(name.encode(), b"\0", plain.encode())[:SEAL_BYTES].hex()
