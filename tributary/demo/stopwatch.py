"""Seconds by stage, and a line on the screen for each."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import Progress


class Stopwatch:
    """Measures named stages; a stage that comes again adds to its time."""

    def __init__(self, console: Console) -> None:
        self.seconds: dict[str, float] = {}
        self._console = console

    @contextmanager
    def stage(self, name: str, doing: str, shown: Progress | None = None) -> Iterator[None]:
        """Times the block; shows what it is doing (or the given progress), then how long it took."""
        begun = time.monotonic()
        with shown or self._console.status(doing):
            yield
        took = time.monotonic() - begun
        self.seconds[name] = self.seconds.get(name, 0.0) + took
        self._console.print(f"[green]✓[/green] {doing} [dim]({took:.1f} s)[/dim]", highlight=False)
