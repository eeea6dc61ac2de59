"""Contributor lists from logs: rows as they are published, a list once it is complete and is what was committed to."""

from __future__ import annotations

from typing import Any

from ledger.chain.events.attribution_registry import ContributorsCompleted, ContributorsOpened, ContributorsPublished
from ledger.errors import MalformedLogError
from ledger.protocol.contributors import Contributor, ContributorList, contributors_root, read_row


class ListReader:
    """Goes through a registry's logs in chain order."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self.complete: dict[bytes, ContributorList] = {}
        """By payee address."""
        self._opened: dict[int, ContributorsOpened] = {}
        self._rows: dict[int, list[Contributor]] = {}

    def take(self, event: Any) -> None:
        """Take in an event; those of other things are passed over.

        Raises:
            MalformedLogError: rows that are not those committed to, which no registry logs.
        """
        match event:
            case ContributorsOpened():
                self._opened[event.list_id], self._rows[event.list_id] = event, []
            case ContributorsPublished() if event.list_id in self._rows:
                self._rows[event.list_id] += map(read_row, event.rows)
            case ContributorsPublished() | ContributorsCompleted():
                self._finish(event.list_id)
            case _:
                pass

    def _finish(self, list_id: int) -> None:
        opened, rows = self._opened.get(list_id), self._rows.pop(list_id, [])
        listed = ContributorList(list_id, rows)
        told = (len(rows), listed.total_weight, contributors_root(rows) if rows else b"")
        if opened is None or told != (opened.count, opened.total_weight, opened.root):
            raise MalformedLogError(f"The rows of contributor list {list_id} in the log are not those committed to.")
        self.complete[listed.payee] = listed
