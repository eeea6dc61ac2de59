"""Python's cycle collector, told that almost nothing here is a cycle."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ALLOCATIONS_A_PASS = 500_000
"""A fetched run is a few hundred thousand dictionaries, strings and tuples, none of which refers back to another."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Within it, young objects are searched for cycles a thousand times less often than usual.

    Reference counts free what is read and written; searching it for cycles at Python's usual rate costs as much time
    as reading and writing itself (`./scripts/bench indexer`). What is alive now is not searched at all.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS_A_PASS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
