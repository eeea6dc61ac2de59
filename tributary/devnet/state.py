"""What is known of a devnet that runs on its own (`devnet up`), kept in its folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import psutil

from ledger.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

STATE_FILE = "state.json"
ENVIRONMENT_FILE = "env"


@dataclass(frozen=True, slots=True)
class DevnetState:
    """Process and addresses of a running devnet; addresses of contracts in 0x hex.

    `pid` and `started_at` together name the process: a number alone may be another program's by now.
    """

    pid: int
    started_at: float
    l1_url: str
    l2_url: str
    portal: str
    l1_messenger: str

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The state kept in `folder`, None if there is none."""
        try:
            return cls(**json.loads((folder / STATE_FILE).read_text()))
        except FileNotFoundError:
            return None
        except (TypeError, ValueError) as error:
            raise UsageError(f"{folder / STATE_FILE} is damaged; delete {folder}.") from error

    def write(self, folder: Path, environment: dict[str, str]) -> None:
        """Keep the state, and the settings that point the stages here, in `folder`."""
        (folder / STATE_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")
        lines = [f"{name}={value}\n" for name, value in environment.items()]
        (folder / ENVIRONMENT_FILE).write_text("".join(lines))

    def process(self) -> psutil.Process | None:
        """The guard process that ends the devnet on SIGTERM, None if it is gone."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None
