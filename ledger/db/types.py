"""Column types: fixed-width bytes, token amounts, chain times, each with the CHECK that guards it.

A model column is annotated with one of the aliases (`payer: Mapped[Address]`); the CHECK constraint comes with
the type (see `ledger.db.base`), so no table can forget it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Protocol, runtime_checkable

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, Numeric, SmallInteger
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

ASSET_ID_MAX = 2**32 - 1
PPM_MAX = 1_000_000
SHARE_MAX = 10**12
_WIDTHS = frozenset({2**15 - 1, 2**31 - 1, 2**63 - 1})


@runtime_checkable
class CheckedType(Protocol):
    """A column type that brings its own CHECK constraint."""

    def check(self, column: str) -> tuple[str, str] | None:
        """Short name and SQL condition that every value of `column` meets; None if any value will do."""


class FixedBytes(TypeDecorator[bytes]):
    """BYTEA of exactly `width` bytes."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.width = width

    @override
    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        if value is not None and len(value) != self.width:
            msg = f"expected {self.width} bytes, got {len(value)}"
            raise ValueError(msg)
        return value

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> bytes | None:
        return None if value is None else bytes(value)

    def check(self, column: str) -> tuple[str, str]:
        """CHECK on the length."""
        return f"{column}_length", f"octet_length({column}) = {self.width}"


class UnitsType(TypeDecorator[int]):
    """NUMERIC(78,0) read and written as `int`; refuses anything else, a float above all."""

    impl = Numeric(78, 0)
    cache_ok = True

    def __init__(self, *, signed: bool = False) -> None:
        super().__init__()
        self.signed = signed

    @override
    def process_bind_param(self, value: int | None, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        if type(value) is not int:
            msg = f"a token amount is an int, not {type(value).__name__}"
            raise TypeError(msg)
        return Decimal(value)

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)

    def check(self, column: str) -> tuple[str, str] | None:
        """CHECK that an amount is not negative, unless the column is signed."""
        return None if self.signed else (f"{column}_sign", f"{column} >= 0")


class RangedInteger(TypeDecorator[int]):
    """Integer column with the range of the Solidity type that it mirrors."""

    impl = BigInteger
    cache_ok = True

    def __init__(self, maximum: int = 2**63 - 1, minimum: int = 0) -> None:
        super().__init__()
        self.minimum = minimum
        self.maximum = maximum

    @override
    def load_dialect_impl(self, dialect: Dialect) -> Any:
        for kind, limit in ((SmallInteger(), 2**15), (Integer(), 2**31)):
            if self.maximum < limit:
                return dialect.type_descriptor(kind)
        return dialect.type_descriptor(BigInteger())

    def check(self, column: str) -> tuple[str, str]:
        """CHECK on the range, as far as the column's own width does not see to it."""
        if self.maximum in _WIDTHS:
            return f"{column}_range", f"{column} >= {self.minimum}"
        return f"{column}_range", f"{column} BETWEEN {self.minimum} AND {self.maximum}"


Address = Annotated[bytes, mapped_column(FixedBytes(20))]
Hash32 = Annotated[bytes, mapped_column(FixedBytes(32))]
Digest31 = Annotated[bytes, mapped_column(FixedBytes(31))]
KzgPoint = Annotated[bytes, mapped_column(FixedBytes(48))]
Units = Annotated[int, mapped_column(UnitsType())]
SignedUnits = Annotated[int, mapped_column(UnitsType(signed=True))]
AssetId = Annotated[int, mapped_column(RangedInteger(ASSET_ID_MAX))]
Version = Annotated[int, mapped_column(RangedInteger(ASSET_ID_MAX))]
Ppm = Annotated[int, mapped_column(RangedInteger(PPM_MAX))]
Share = Annotated[int, mapped_column(RangedInteger(SHARE_MAX))]
Lane = Annotated[int, mapped_column(RangedInteger(2**16 - 1))]
UnitCount = Annotated[int, mapped_column(RangedInteger(2**24 - 1))]
ChainId = Annotated[int, mapped_column(RangedInteger())]
BlockNumber = Annotated[int, mapped_column(RangedInteger())]
ChainSeconds = Annotated[int, mapped_column(RangedInteger(2**40 - 1))]
"""Unix seconds as a chain states them (uint40): a BIGINT, because 2^40 is past any calendar type."""
Sequence64 = Annotated[int, mapped_column(RangedInteger())]
"""Counter that a contract raises by one at a time (batch id, seq, root index): a BIGINT."""
SmallCount = Annotated[int, mapped_column(RangedInteger(2**15 - 1))]
Count = Annotated[int, mapped_column(RangedInteger(2**31 - 1))]
