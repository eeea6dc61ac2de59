"""Rows on their way to PostgreSQL: by table, in the order of its columns, with the updates that follow them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.errors import MalformedLogError

if TYPE_CHECKING:
    from ledger.chain.logs import Log, RawLog
    from ledger.db.base import Base

BIGINT_MAX = 2**63 - 1


class Origin(NamedTuple):
    """The event that a row comes from: its four columns in every chain-derived table."""

    chain_id: int
    block_number: int
    block_hash: bytes
    log_index: int

    @classmethod
    def of(cls, chain_id: int, log: Log | RawLog) -> Origin:
        return cls(chain_id, log.block_number, log.block_hash, log.log_index)


@dataclass(frozen=True, slots=True)
class Closing:
    """A later event that closes a row in place: sets the columns `<prefix>_…` of the rows that `key` names."""

    model: type[Base]
    prefix: str
    key: dict[str, Any]
    values: dict[str, Any]


@dataclass(slots=True)
class Rows:
    """Rows by model, closings in the order of their events, and the blobs that they speak of."""

    by_model: dict[type[Base], list[tuple[Any, ...]]] = field(default_factory=dict)
    closings: list[Closing] = field(default_factory=list)
    wanted_posts: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    """Versioned hashes by post hash: blobs to be fetched as soon as may be."""

    def add(self, model: type[Base], origin: Origin, **values: Any) -> None:
        """One row of a chain-derived table; its columns are `values` and the origin's."""
        values.update(origin._asdict())
        self.append(model, tuple([values[name] for name in column_names(model)]))

    def append(self, model: type[Base], row: tuple[Any, ...]) -> None:
        """One row whose values stand in the order of `column_names(model)`; JSON is text."""
        self.by_model.setdefault(model, []).append(row)

    def close(self, model: type[Base], prefix: str, origin: Origin, key: dict[str, Any], **values: Any) -> None:
        """The event `origin` closes the row `key`; `values` are further columns without the prefix."""
        where = {"block_number": origin.block_number, "block_hash": origin.block_hash, "log_index": origin.log_index}
        columns = {f"{prefix}_{name}": value for name, value in {**where, **values}.items()}
        self.closings.append(Closing(model, prefix, key, columns))

    def __len__(self) -> int:
        """Rows of all tables."""
        return sum(map(len, self.by_model.values()))


@cache
def column_names(model: type[Base]) -> tuple[str, ...]:
    """The columns of a table that are written: all but the computed ones."""
    return tuple(column.name for column in model.__table__.columns if column.computed is None)


def bigint(value: int) -> int:
    """A uint64 that a BIGINT column takes; contracts count these up one at a time, so no honest one is greater.

    Raises:
        MalformedLogError: it is 2^63 or more.
    """
    if value > BIGINT_MAX:
        raise MalformedLogError(f"{value} is no count that a contract can have reached.")
    return value
