"""Rows with equal keys brought together: numpy's GROUP BY over several integer columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ledger.protocol.blob.records import Ints


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups by rising key: `order` lists the rows group by group, each group's rows in their own order."""

    keys: list[tuple[int, ...]]
    order: Ints
    starts: Ints
    """Where each group begins in `order`."""

    def members(self) -> list[Ints]:
        """The rows of each group."""
        return np.split(self.order, self.starts[1:]) if self.keys else []


def group_rows(*columns: Ints) -> Groups:
    """The groups of rows that are equal in all columns."""
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, rank = np.unique(column, return_inverse=True)
        # Packed anew for each column, so that the code stays below rows x values and can't overflow.
        _, code = np.unique(code * len(values) + rank, return_inverse=True)
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(code.max(initial=-1) + 1))
    first = order[starts]
    keys = list(zip(*(column[first].tolist() for column in columns), strict=True))
    return Groups(keys, order, starts)
