"""What a handler is given besides its event: where to write, and what earlier blocks said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from indexer.rows.buffer import Rows
from ledger.errors import MalformedLogError

if TYPE_CHECKING:
    from collections.abc import Callable

    from indexer.rows.buffer import Origin


class Filling(NamedTuple):
    """The newest filling of a batch, and when the batch was first committed."""

    fill: int
    first_committed_at: int


class Fillings(Protocol):
    """Where the newest filling of a batch can be looked up."""

    def __call__(self, batch_id: int) -> Filling | None:
        """The newest filling before this run of blocks; None if the batch is new."""


@dataclass(slots=True)
class Context:
    """One run of blocks being interpreted. `fillings` are kept up to date as the run goes on."""

    chain_id: int
    stored_fillings: Fillings
    rows: Rows = field(default_factory=Rows)
    run_fillings: dict[int, Filling] = field(default_factory=dict)

    def filling(self, batch_id: int) -> Filling:
        """The newest filling of a batch.

        Raises:
            MalformedLogError: no event of this batch's commit was ever seen.
        """
        known = self.run_fillings.get(batch_id) or self.stored_fillings(batch_id)
        if known is None:
            raise MalformedLogError(f"Batch {batch_id} was never committed.")
        return known


class Event(NamedTuple):
    """What every handler gets: where the event stands, its block's time, and its transaction."""

    origin: Origin
    timestamp: int
    tx_hash: bytes
    address: bytes


Handlers = dict[type, "Callable[[Any, Event, Context], None]"]
"""By event class, what writes its rows."""
