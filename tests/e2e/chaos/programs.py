"""What can be killed, hung and started again: programs in processes of their own, and a PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Protocol

import psutil

from ledger.config import CHECKOUT
from ledger.errors import ProcessFailedError
from tests.factories.repeating import repeating
from tributary.postgres import PostgresServer

PATIENCE_SECONDS = 60.0


class Victim(Protocol):
    """A part of the system that a fault can befall."""

    name: str

    def start(self) -> None:
        """Runs it, after it was killed too; nothing happens if it runs."""

    def kill(self) -> None:
        """Ends it as a power cut does."""

    def hang(self) -> None:
        """Stops it where it is: whoever talks to it waits."""

    def resume(self) -> None:
        """Lets it go on."""


class Program:
    """A program of the checkout, that writes to a log. Faults and supervisor come from threads of their own."""

    def __init__(self, name: str, words: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self._words = words
        self._environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", **environment}
        self._log = log
        self._running: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._turn = threading.Lock()

    def start(self) -> None:
        with self._turn:
            self._wanted = True
            self._ensure()

    def supervise(self) -> None:
        """Starts it again if it ended by itself."""
        with self._turn:
            if self._wanted:
                self._ensure()

    def kill(self) -> None:
        """Ends it with all that it started, as a supervisor's kill does."""
        with self._turn:
            self._wanted = False
            self._signal_group(signal.SIGKILL)
            if self._running is not None:
                self._running.wait()

    def hang(self) -> None:
        with self._turn:
            self._signal_group(signal.SIGSTOP)

    def resume(self) -> None:
        with self._turn:
            self._signal_group(signal.SIGCONT)

    def _ensure(self) -> None:
        if self._running is not None and self._running.poll() is None:
            return
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                [sys.executable, "-m", *self._words],
                cwd=CHECKOUT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _signal_group(self, number: int) -> None:
        # Not once it was waited for: its number may be another program's by then.
        if self._running is not None and self._running.poll() is None:
            os.killpg(self._running.pid, number)


class Postgres:
    """A PostgreSQL as safe as one is by default, whose data outlive it."""

    name = "PostgreSQL"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server: PostgresServer | None = None

    def start(self) -> None:
        if self.server is not None:
            return
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.server is None:
            try:
                self.server = PostgresServer(self._folder)
            except ProcessFailedError:  # processes of the killed one still hold its memory
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def kill(self) -> None:
        if self.server is None:
            return
        processes = self._processes()
        processes[0].kill()
        psutil.wait_procs(processes, PATIENCE_SECONDS)  # the others notice, as they do after a crash
        self.server.stop()
        self.server = None

    def hang(self) -> None:
        self._each("suspend")

    def resume(self) -> None:
        self._each("resume")

    def end(self) -> None:
        if self.server is not None:
            self.server.stop()

    def _each(self, action: str) -> None:
        for process in self._processes() if self.server is not None else ():
            with suppress(psutil.NoSuchProcess):
                getattr(process, action)()

    def _processes(self) -> list[psutil.Process]:
        """The postmaster first."""
        postmaster = psutil.Process(int((self._folder / "postmaster.pid").read_text().splitlines()[0]))
        return [postmaster, *postmaster.children(recursive=True)]


def kept_running(programs: Sequence[Program]) -> AbstractContextManager[None]:
    """Starts programs again that end by themselves, as every operator's supervisor does: with a pause between."""

    def watch() -> None:
        for program in programs:
            program.supervise()

    return repeating(watch, 0.5)
