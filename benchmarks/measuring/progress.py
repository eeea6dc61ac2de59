"""A line on stderr for each part of a long run, with the seconds since its start."""

import sys
import time

_BEGAN = time.monotonic()


def progress(what: str) -> None:
    """Say what begins now."""
    print(f"{time.monotonic() - _BEGAN:5.0f} s  {what} …", file=sys.stderr, flush=True)
