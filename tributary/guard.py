"""Ends a program, and everything that it started, when its owner goes away.

`python -m tributary.guard [--owned] [--remove FOLDER] -- PROGRAM [ARGUMENT …]` runs PROGRAM in a process group of its
own until it ends by itself, the guard gets SIGTERM, SIGINT or SIGHUP, or (with `--owned`) its standard input closes:
that happens however the owner dies, so nothing is left behind even by `kill -9`. Then the group is ended, first with
SIGTERM, later with SIGKILL, and FOLDER is removed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GRACE_SECONDS = 5.0
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Ending:
    """Learns that this process should end: by a signal, or (if `owned`) by its owner's death.

    Made before anything is started that must not stay behind. The owner holds the writing end of our standard input;
    the kernel closes it when the owner dies, however it dies.
    """

    def __init__(self, *, owned: bool) -> None:
        self._news: SimpleQueue[None] = SimpleQueue()
        for number in _ENDING_SIGNALS:
            signal.signal(number, lambda *_: self._news.put(None))
        if owned:
            self.also_after(lambda: os.read(0, 1))

    def also_after(self, blocking: Callable[[], object]) -> None:
        """End when this call returns, too."""

        def watch() -> None:
            with suppress(OSError):
                blocking()
            self._news.put(None)

        threading.Thread(target=watch, daemon=True).start()

    def wait(self) -> None:
        """Return when it is time to end."""
        self._news.get()


def end_group(group: int, grace_seconds: float = GRACE_SECONDS) -> None:
    """End all processes of a group: SIGTERM, and SIGKILL for what is still there after the grace time."""
    for number, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 1.0)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
        if _gone_within(group, patience):
            return


def _gone_within(group: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not _is_gone(group):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return True
    return not any(_lives_in(process, group) for process in psutil.process_iter())


def _lives_in(process: psutil.Process, group: int) -> bool:
    # A zombie answers signals for as long as nobody reaps it, which in a container may be for ever.
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program that the command line names; its exit code, 127 if it can not be started."""
    parser = argparse.ArgumentParser(prog="guard", description=__doc__)
    parser.add_argument("--owned", action="store_true")
    parser.add_argument("--remove", metavar="FOLDER")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args(arguments)
    ending = Ending(owned=options.owned)
    try:
        child = subprocess.Popen(options.program, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"{options.program[0]} can not be started: {error.strerror}.", file=sys.stderr)
        return 127
    ending.also_after(child.wait)
    ending.wait()
    code = child.poll()
    end_group(child.pid)
    if options.remove:
        shutil.rmtree(options.remove, ignore_errors=True)
    return code if code is not None and code >= 0 else 1


if __name__ == "__main__":
    sys.exit(main())
