"""Programs started so that they can not outlive their owner."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Self

from ledger.config import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class GuardedProcess:
    """A running program under a guard; ends with `stop()`, with the `with` block, or with this process.

    Args:
        program: the program and its arguments.
        log: file that takes its output and errors, appended to.
        environment: its whole environment; ours if None.
        owned: False lets it live on when this process ends (then only a signal to `pid` ends it).
        remove: a folder that is deleted once the program has ended.
    """

    def __init__(
        self,
        program: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        owned: bool = True,
        remove: Path | None = None,
    ) -> None:
        self.log = log
        words = [sys.executable, "-m", "tributary.guard"]
        words += ["--owned"] if owned else []
        words += ["--remove", str(remove)] if remove else []
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [*words, "--", *program],
                stdin=subprocess.PIPE if owned else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                cwd=CHECKOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id of the guard: SIGTERM to it ends the program."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """The program's exit code once it has ended, None while it runs."""
        return self._process.poll()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that the program wrote."""
        with suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def stop(self, timeout_seconds: float = 15.0) -> None:
        """End the program and wait until it and all that it started are gone."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close_standard_input()

    def _close_standard_input(self) -> None:
        channel: IO[bytes] | None = self._process.stdin
        if channel is not None:
            with suppress(OSError):
                channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
