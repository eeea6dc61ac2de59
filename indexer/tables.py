"""The tables that the indexer owns, and which of them a rebuild reproduces."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Final

import ledger.db.models
from ledger.db.base import Base

if TYPE_CHECKING:
    from sqlalchemy import Table

OPERATIONAL: Final = frozenset({"blob_fetches", "blocks", "cursors", "heads", "transaction_costs"})
"""Where the work stands, and the gas that nodes told of, which no log holds: both differ from run to run."""

_PREFIX: Final = "indexer_"


def owned_tables() -> list[Table]:
    """Every table of ledger/db/models/indexer_*.py, parents before children."""
    modules = {
        f"{ledger.db.models.__name__}.{module.name}"
        for module in pkgutil.iter_modules(ledger.db.models.__path__)
        if module.name.startswith(_PREFIX)
    }
    for name in modules:
        importlib.import_module(name)
    owned = {mapper.local_table for mapper in Base.registry.mappers if mapper.class_.__module__ in modules}
    return [table for table in Base.metadata.sorted_tables if table in owned]


def reproducible_tables() -> list[Table]:
    """The tables whose rows follow from the chains and the blobs alone."""
    return [table for table in owned_tables() if table.name not in OPERATIONAL]
