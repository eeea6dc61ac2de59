"""Runs mutants of the contracts against the forge suite, each in a scratch copy, and says which ones no test noticed.

`run_mutants.py [--seed N] [--count N]`. Mutants are drawn by slither-mutate's mutators in an order that the seed decides; the
first COUNT that compile are tried. Each meets the tests of its own contract first and, if it survives them, the whole suite.
Results are kept below the state folder for these very sources, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
STATE = Path(os.environ.get("TRIBUTARY_STATE_DIR") or CHECKOUT / ".tributary").resolve()
FOLDER = STATE / "mutants"
TIMEOUT_SECONDS = 1800
TESTS_OF = {
    "AttesterQuorum": "RoyaltyDistributor", "RootTip": "Claims|SortedPair", "PayeeAccount": "Claims|SortedPair",
    "RoyaltyDistributor": "RoyaltyDistributor|Claims", "L2BlockHash": "RoyaltyDistributor", "SortedPairProof": "SortedPair",
    "BlobElements": "Guilt|Innocence", "ChallengeEvidence": "Guilt|Innocence", "Challenges": "Guilt|Innocence|Unposted",
    "FormatChallenges": "Guilt|Innocence", "ReceiptChallenges": "Guilt|Innocence", "TermsChallenges": "Guilt|Innocence",
    "ReceiptHash": "Vectors", "BatchLayout": "ReceiptLedger|Guilt", "RefundMarks": "Voiding", "ExactTransfer": "PaymentEscrow",
    "BlobAttestations": "ReceiptLedger", "ContributorTree": "Contributor", "ReceiptLedger": "ReceiptLedger|Voiding",
}  # fmt: skip
"""Test contracts that are likely to notice a mutant of a file; elsewhere those of its own name."""


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant: killed, survived, or not a program."""

    mutant: dict[str, Any]
    verdict: str
    seconds: int
    by: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="./scripts/contracts mutate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=8453)
    parser.add_argument("--count", type=int, default=48, help="mutants that compile")
    asked = parser.parse_args()
    drawn = draw(asked.seed)
    work = scratch()
    kept = FOLDER / f"{asked.seed}-{digest()}.jsonl"
    done = [Outcome(**json.loads(line)) for line in kept.read_text().splitlines()] if kept.exists() else []
    if not done:
        require_green(work)
    with kept.open("a") as record:
        for mutant in drawn[len(done) :]:
            if sum(outcome.verdict != "no program" for outcome in done) >= asked.count:
                break
            outcome = tried(work, mutant)
            done.append(outcome)
            record.write(json.dumps(asdict(outcome)) + "\n")
            record.flush()
            show(outcome)
    return summary(asked.seed, done)


def draw(seed: int) -> list[dict[str, Any]]:
    python = STATE / "slither-venv" / "bin" / "python"
    command = [python, Path(__file__).with_name("draw_mutants.py"), str(seed)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def digest() -> str:
    """Of the contracts and their tests: results of others don't count."""
    files = sorted(path for path in (CHECKOUT / "contracts").rglob("*.sol"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def scratch() -> Path:
    """A copy of what forge reads, with the packages linked."""
    work = FOLDER / "work"
    for name in ("contracts", "scripts", "tests"):
        shutil.rmtree(work / name, ignore_errors=True)
    shutil.copytree(CHECKOUT / "contracts", work / "contracts")
    shutil.copytree(CHECKOUT / "tests" / "vectors", work / "tests" / "vectors")
    (work / "scripts").mkdir()
    shutil.copy2(CHECKOUT / "scripts" / "solc", work / "scripts" / "solc")
    (work / ".tributary").mkdir(exist_ok=True)
    modules = work / ".tributary" / "node_modules"
    if not modules.exists():
        modules.symlink_to(STATE / "node_modules")
    return work


def forge(work: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of `forge test` in the quick profile; a test that never ends counts as one that fails."""
    environment = {
        **os.environ, "FOUNDRY_CONFIG": "contracts/foundry.toml", "FOUNDRY_PROFILE": "lite",
        "TRIBUTARY_STATE_DIR": str(work / ".tributary"),
    }  # fmt: skip
    command = [str(STATE / "node_modules" / ".bin" / "forge"), "test", "--root", str(work), "--fail-fast", *words]
    try:
        done = subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return 1, "[FAIL: it never ended] timeout()"
    return done.returncode, done.stdout + done.stderr


def require_green(work: Path) -> None:
    code, output = forge(work)
    if code:
        sys.exit(f"The tests fail without any mutant:\n{output[-2000:]}")


def tried(work: Path, mutant: dict[str, Any]) -> Outcome:
    """Puts the mutant in, runs the tests, and takes it out again."""
    started = time.monotonic()
    file = work / mutant["file"]
    original = file.read_bytes()
    start, end = mutant["start"], mutant["end"]
    file.write_bytes(original[:start] + mutant["new"].encode() + original[end:])
    try:
        verdict, by = judged(work, file.stem)
    finally:
        file.write_bytes(original)
    return Outcome(mutant, verdict, round(time.monotonic() - started), by)


def judged(work: Path, name: str) -> tuple[str, str]:
    for words in (("--match-contract", TESTS_OF.get(name, name)), ()):
        code, output = forge(work, *words)
        if "Compiler run failed" in output or "Compiler error" in output:
            return "no program", ""
        if code:
            failed = [line for line in output.splitlines() if line.startswith("[FAIL")]
            return "killed", failed[0].rpartition("] ")[2].partition("(")[0] if failed else "setUp"
    return "survived", ""


def show(outcome: Outcome) -> None:
    m = outcome.mutant
    where = f"{m['file'].removeprefix('contracts/src/')}:{m['line']}"
    print(f"{outcome.verdict:10} {m['mutator']:4} {where} ({outcome.seconds} s) {outcome.by}", flush=True)


def summary(seed: int, done: list[Outcome]) -> int:
    programs = [outcome for outcome in done if outcome.verdict != "no program"]
    survivors = [outcome for outcome in programs if outcome.verdict == "survived"]
    print(f"seed {seed}: {len(programs)} mutants, {len(programs) - len(survivors)} killed, {len(survivors)} survived")
    for outcome in survivors:
        print(json.dumps(outcome.mutant, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
