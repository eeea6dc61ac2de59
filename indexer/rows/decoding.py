"""Logs as typed events with their arguments as JSON text: all that can be read of a log by itself.

Nothing here depends on what came before, so it runs where logs are fetched, ahead of the writer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from indexer.rows.arguments import events_arguments, raw_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.logs import LogDecoder, RawLog


class Decoded(NamedTuple):
    """A log with its typed event; None where no event of ours fits it. `arguments` is JSON text."""

    raw: RawLog
    event: Any | None
    arguments: str


def decode_logs(decoder: LogDecoder, logs: Sequence[RawLog]) -> list[Decoded]:
    """Every log, in the order given."""
    events = decoder.events(logs)
    texts = events_arguments(events)
    return [
        Decoded(raw, event, raw_arguments(raw) if event is None else text)
        for raw, event, text in zip(logs, events, texts, strict=True)
    ]
