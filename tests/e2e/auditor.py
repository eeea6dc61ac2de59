"""The audit command, run as its user runs it."""

import json
from pathlib import Path

from typer.testing import CliRunner

from audit.command import app
from tests.e2e.audit_story import Story


class Auditor:
    """Runs the command against the story's chains, with some of its words exchanged."""

    def __init__(self, story: Story, deployments: Path, folder: Path) -> None:
        devnet = story.flow.devnet
        self._json = folder / "audit.json"
        self._words = {
            "--l1-rpc-url": devnet.l1_url, "--l2-rpc-url": devnet.l2_url, "--beacon-url": devnet.beacon_url,
            "--deployments": str(deployments), "--json": str(self._json),
        }  # fmt: skip
        self.output = ""

    def run(self, **words: object) -> tuple[int, dict]:
        """(exit code, JSON report); a word of None is left out."""
        given = self._words | {"--" + name.replace("_", "-"): value for name, value in words.items()}
        listed = [str(part) for name, value in given.items() if value is not None for part in (name, value)]
        result = CliRunner().invoke(app, listed)
        self.output = result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, json.loads(self._json.read_text()) if self._json.exists() else {}
