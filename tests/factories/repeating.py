"""What goes on beside a test, again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(action: Callable[[], None], pause_seconds: float) -> Iterator[None]:
    """Does it in a thread, with this pause before each time, until the block ends."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(pause_seconds):
            action()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
