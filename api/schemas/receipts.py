"""Answers about receipts by their digest."""

from __future__ import annotations

from api.schemas.batches import Receipt
from api.schemas.figures import Model, ReadAt


class Receipts(Model):
    """Everywhere that a digest stands; an honest operator posts it once."""

    read_at: ReadAt
    items: list[Receipt]
