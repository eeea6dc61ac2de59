"""Programs in processes of their own that say on stdout where they listen."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from ledger.config import CHECKOUT


@contextmanager
def started(
    module: Sequence[str], environment: Mapping[str, str], says: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`python -m` of these words, once it says `{says} http://…/v1`: its address and itself; killed at the end."""
    words = [sys.executable, "-m", *module]
    with subprocess.Popen(words, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                address = re.search(rf"{says} (http://\S+)/v1", line)
                if address:
                    break
            else:
                pytest.fail(f"{' '.join(module)} did not start")
            yield address[1], process
        finally:
            process.kill()
