"""The stages as processes of the `tributary` program, as a user starts them."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx

from ledger.config import CHECKOUT
from ledger.errors import ProcessFailedError
from tributary.guarded import GuardedProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

READY_SECONDS = 60.0
POLL_SECONDS = 0.1


class Program:
    """Runs and starts `tributary` commands with one environment; their output goes to files in `logs`."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self.environment = dict(environment)
        self.logs = logs
        logs.mkdir(parents=True, exist_ok=True)

    def run(self, *words: str, accept: Sequence[int] = (0,), environment: Mapping[str, str] | None = None) -> int:
        """The exit code of a command that ends by itself.

        Raises:
            ProcessFailedError: another code than those accepted; the sentence is the command's own last line.
        """
        log = self.logs / f"{words[0]}.log"
        with log.open("ab") as output:
            code = subprocess.run(
                _command(words),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**self.environment, **(environment or {})},
                cwd=CHECKOUT,
                check=False,
            ).returncode
        if code not in accept:
            raise ProcessFailedError(f"tributary {' '.join(words)} ended with {code}: {_last_line(log)}")
        return code

    def start(
        self, name: str, *words: str, ready_url: str = "", environment: Mapping[str, str] | None = None
    ) -> GuardedProcess:
        """A command that goes on, started and, if it has a page that says so, ready.

        Raises:
            ProcessFailedError: it ends, or is not ready after READY_SECONDS.
        """
        process = GuardedProcess(
            _command(words), self.logs / f"{name}.log", environment={**self.environment, **(environment or {})}
        )
        try:
            if ready_url:
                self._await_ready(process, ready_url, name)
        except BaseException:
            process.stop()
            raise
        return process

    def _await_ready(self, process: GuardedProcess, url: str, name: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if process.exit_code() is not None:
                raise ProcessFailedError(f"tributary {name} ended at once: {_last_line(process.log)}")
            with suppress(httpx.HTTPError):
                if httpx.get(url, timeout=2.0, trust_env=False).is_success:
                    return
            time.sleep(POLL_SECONDS)
        raise ProcessFailedError(
            f"tributary {name} is not ready after {READY_SECONDS:.0f} s: {_last_line(process.log)}"
        )


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "tributary", *words]


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else f"see {log}"
