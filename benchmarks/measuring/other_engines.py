"""Other engines beside ours: installed once into an environment of their own, each run by a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from benchmarks.measuring.progress import progress

ENGINES = {
    "pydivsufsort": "pydivsufsort==0.0.20",
    "tokengrams": "tokengrams==0.3.3",
    "infini-gram": "infini-gram==2.6.0",
}
"""Versions that the figures of one machine and of another are of."""
BESIDES = ("numpy",)
"""What an engine imports and does not ask for."""
ENVIRONMENT = "TRIBUTARY_BENCH_ENGINES"
CHECKOUT = Path(__file__).resolve().parent.parent.parent


def measure_engine(
    name: str, python: Path, tokens: np.ndarray, tokenizer: Tokenizer, answers: Sequence[str], folder: Path
) -> dict[str, Any] | None:
    """What an engine takes to index these tokens and look these answers up; None, and one sentence, if it does not run.

    Returns:
        build_seconds, index_bytes, and milliseconds for each answer.
    """
    progress(f"the same with {name}")
    work = folder / name
    work.mkdir()
    tokens.astype("<u2").tofile(work / "corpus.u16")
    (work / "answers.json").write_text(json.dumps([tokenizer.encode(answer).ids for answer in answers]))
    script = Path(__file__).parent / "text_engines.py"
    run = [python, script, name, work / "corpus.u16", work / "answers.json", work]
    done = subprocess.run(run, capture_output=True, text=True, check=False, cwd=work)
    if done.returncode:
        _tell(f"{name} does not run here: {_last_line(done.stderr)}")
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def engines_python(*, may_install: bool) -> tuple[Path | None, frozenset[str]]:
    """A Python that has other engines, and which of them: one that is named, or `.tributary/bench-engines`.

    That one is made with pip when it may be. What could not be installed is named in one sentence each, left out, and tried
    again by the next run that may install; nothing half-installed is taken for an engine.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named), frozenset(ENGINES)
    state = Path(os.environ.get("TRIBUTARY_STATE_DIR") or CHECKOUT / ".tributary").resolve() / "bench-engines"
    python, noted = state / "bin" / "python", state / "engines.json"
    have = _noted(noted)
    missing = [name for name in ENGINES if name not in have]
    if not missing or not may_install:
        return (python if have else None), frozenset(have)
    progress(f"installing other engines for comparison ({', '.join(missing)}); once, some minutes")
    if not _runs([sys.executable, "-m", "venv", state], "An environment for the other engines could not be made"):
        return (python if have else None), frozenset(have)
    for name in missing:
        if _runs([python, "-m", "pip", "install", "-q", ENGINES[name], *BESIDES], f"{name} could not be installed"):
            have[name] = ENGINES[name]
            noted.write_text(json.dumps(have, indent=1) + "\n")
    return (python if have else None), frozenset(have)


def _noted(file: Path) -> dict[str, str]:
    """The engines whose installation came to its end, as far as they are of the versions wanted."""
    try:
        noted = json.loads(file.read_text())
        return {name: version for name, version in noted.items() if ENGINES.get(name) == version}
    except (OSError, ValueError, AttributeError):
        return {}


def _runs(command: Sequence[str | Path], otherwise: str) -> bool:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        _tell(f"{otherwise}, so it is left out: {_last_line(done.stderr or done.stdout)}")
    return not done.returncode


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip() and "[notice]" not in line]
    return lines[-1] if lines else "no word"


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)
