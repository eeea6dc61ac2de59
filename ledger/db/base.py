"""Declarative base: naming convention, CHECKs by type, and the rules by which rows fall in a reorg."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, MetaData, Table, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ledger.db.types import BlockNumber, ChainId, CheckedType, Count, Hash32

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every model. A checked column type adds its CHECK to the table."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text}

    @classmethod
    def __table_cls__(cls, name: str, metadata: MetaData, *items: Any, **options: Any) -> Table:
        """The table with the CHECK constraints that its column types ask for."""
        checks = [_check(item) for item in items if isinstance(item, Column)]
        return Table(name, metadata, *items, *[c for c in checks if c is not None], **options)


def _check(column: Column[Any]) -> CheckConstraint | None:
    if not isinstance(column.type, CheckedType):
        return None
    check = column.type.check(column.name)
    return None if check is None else CheckConstraint(check[1], name=check[0])


class ChainRow:
    """Columns of a row that an event on a chain made: it falls when its block does.

    `(chain_id, block_hash, log_index)` names the event; a reorg deletes every row of the chain with
    `block_number` above the last common block. A table whose rows a later event closes in place lists the
    prefixes of the closing columns in `info={"closings": (...)}`: `<prefix>_block_number` and its companions are
    emptied when the closing block falls.
    """

    chain_id: Mapped[ChainId]
    block_number: Mapped[BlockNumber] = mapped_column(index=True)
    block_hash: Mapped[Hash32]
    log_index: Mapped[Count]


class LogRow(ChainRow):
    """A row keyed by the event that made it."""

    chain_id: Mapped[ChainId] = mapped_column(primary_key=True, autoincrement=False)
    block_hash: Mapped[Hash32] = mapped_column(primary_key=True)
    log_index: Mapped[Count] = mapped_column(primary_key=True, autoincrement=False)
