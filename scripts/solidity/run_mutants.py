"""Runs mutants of the contracts against the forge suite, each in a scratch copy, and says which ones no test noticed.

`run_mutants.py [--seed N] [--count N]`. Mutants are drawn by slither-mutate's mutators in an order that the seed decides; the
first COUNT that compile are tried. Each meets the tests of its own contract first and, if it survives them, the whole suite.
Results are kept below the state folder for these very sources, so that a run that was stopped goes on where it was; when the tests
changed, those that survived are tried again, and with --afresh all are. The document is contracts/MUTANTS.md; a survivor must be
explained in contracts/mutants.toml, which names it by its file and both texts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
STATE = Path(os.environ.get("TRIBUTARY_STATE_DIR") or CHECKOUT / ".tributary").resolve()
FOLDER = STATE / "mutants"
DOCUMENT = CHECKOUT / "contracts" / "MUTANTS.md"
EXPLANATIONS = CHECKOUT / "contracts" / "mutants.toml"
TIMEOUT_SECONDS = 1800
SHOWN_CHARACTERS = 160
FAILED = re.compile(r"^\[FAIL[\s\S]*?\b((?:test|invariant_|setUp|timeout)\w*)\(", re.MULTILINE)
"""The first test that failed; an invariant's name comes after the calls that broke it."""
TESTS_OF = {
    "AttesterQuorum": "Attesters", "RootTip": "Claims|SortedPair", "PayeeAccount": "Claims|SortedPair",
    "RoyaltyDistributor": "RoyaltyDistributor|Claims", "L2BlockHash": "RoyaltyDistributor", "SortedPairProof": "SortedPair",
    "BlobElements": "Guilt|Innocence", "ChallengeEvidence": "Guilt|Innocence", "SetChallenges": "Guilt|Innocence",
    "SignedReceipts": "Guilt|Unposted", "UnpostedPenalties": "Unposted", "BlobDemands": "Demand",
    "FormatChallenges": "Guilt|Innocence", "ReceiptChallenges": "Guilt|Innocence", "TermsChallenges": "Guilt|Innocence",
    "BatchHash": "BatchHash|Voiding", "PaymentEscrow": "PaymentEscrow", "SpendPermissions": "SpendPermissions|PaymentEscrow",
    "ReceiptHash": "Vectors", "BatchLayout": "ReceiptLedger|Guilt", "RefundMarks": "Voiding", "ExactTransfer": "PaymentEscrow",
    "BlobAttestations": "ReceiptLedger", "ContributorTree": "Contributor", "ReceiptLedger": "ReceiptLedger|Voiding",
}  # fmt: skip
"""Test contracts that are likely to notice a mutant of a file; elsewhere those of its own name."""


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant by the tests of this digest: killed, survived, or not a program."""

    mutant: dict[str, Any]
    verdict: str
    seconds: int
    by: str = ""
    tests: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="./scripts/contracts mutate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=8453)
    parser.add_argument("--count", type=int, default=48, help="mutants that compile")
    parser.add_argument("--afresh", action="store_true", help="forget what earlier runs found")
    asked = parser.parse_args()
    drawn = draw(asked.seed)
    work = scratch()
    kept, tests = FOLDER / f"{asked.seed}-{digest('src', 'interfaces')}.jsonl", digest("test")
    if asked.afresh:
        kept.unlink(missing_ok=True)
    known = outcomes(kept, tests)
    require_green(work)
    done: list[Outcome] = []
    with kept.open("a") as record:
        for mutant in drawn:
            if sum(outcome.verdict != "no program" for outcome in done) >= asked.count:
                break
            outcome = known.get(key(mutant))
            if outcome is None:
                outcome = replace(tried(work, mutant), tests=tests)
                record.write(json.dumps(asdict(outcome)) + "\n")
                record.flush()
                show(outcome)
            done.append(outcome)
    return summary(asked.seed, done)


def draw(seed: int) -> list[dict[str, Any]]:
    python = STATE / "slither-venv" / "bin" / "python"
    command = [python, Path(__file__).with_name("draw_mutants.py"), str(seed)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def digest(*folders: str) -> str:
    """Of the contracts in these folders: results of others don't count."""
    files = sorted(path for folder in folders for path in (CHECKOUT / "contracts" / folder).rglob("*.sol"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def key(mutant: dict[str, Any]) -> str:
    return json.dumps(mutant, sort_keys=True)


def outcomes(kept: Path, tests: str) -> dict[str, Outcome]:
    """What stands of earlier runs with the same sources: all but survivors of other tests. The newest one counts."""
    lines = kept.read_text().splitlines() if kept.exists() else []
    found = {key(outcome.mutant): outcome for outcome in (Outcome(**json.loads(line)) for line in lines)}
    return {name: each for name, each in found.items() if each.verdict != "survived" or each.tests == tests}


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
        if "No tests " in output:
            continue
        if code:
            failed = FAILED.search(output)
            return "killed", failed[1] if failed else "setUp"
    return "survived", ""


def show(outcome: Outcome) -> None:
    m = outcome.mutant
    where = f"{m['file'].removeprefix('contracts/src/')}:{m['line']}"
    print(f"{outcome.verdict:10} {m['mutator']:4} {where} ({outcome.seconds} s) {outcome.by}", flush=True)


def summary(seed: int, done: list[Outcome]) -> int:
    """Writes the document; 1 if a survivor is not explained."""
    programs = [outcome for outcome in done if outcome.verdict != "no program"]
    survivors = [outcome for outcome in programs if outcome.verdict == "survived"]
    DOCUMENT.write_text(document(seed, done, programs))
    counted = f"{len(programs)} mutants, {len(programs) - len(survivors)} killed, {len(survivors)} survived"
    unexplained = [outcome for outcome in survivors if reason(outcome.mutant) is None]
    print(f"seed {seed}: {counted}, {len(unexplained)} of them unexplained")
    for outcome in unexplained:
        print(json.dumps(outcome.mutant, indent=1))
    return 1 if unexplained else 0


def reason(mutant: dict[str, Any]) -> str | None:
    """Why no test can notice this mutant, or why none needs to."""
    explained = tomllib.loads(EXPLANATIONS.read_text()).get("survivor", []) if EXPLANATIONS.exists() else []
    for entry in explained:
        if all(entry[key] == mutant[key] for key in ("file", "old", "new")):
            return " ".join(entry["reason"].split())
    return None


def document(seed: int, done: list[Outcome], programs: list[Outcome]) -> str:
    """Every mutant that is a program, with what killed it or why it survived."""
    killed = sum(outcome.verdict == "killed" for outcome in programs)
    lines = [
        "# Mutants of the contracts",
        "",
        f"Written by `./scripts/contracts mutate --seed {seed} --count {len(programs)}`. slither-mutate's mutators make every change that they",
        "know; the seed decides the order; each of the first ones that compile is put in alone and meets the forge tests.",
        f"**{killed} of {len(programs)} were killed**; {len(done) - len(programs)} of the {len(done)} drawn did not compile.",
        "",
        "| mutator | place | was | became | killed by |",
        "|---|---|---|---|---|",
    ]
    for outcome in programs:
        m = outcome.mutant
        place = f"{m['file'].removeprefix('contracts/src/')}:{m['line']}"
        fate = outcome.by if outcome.verdict == "killed" else f"**survived**: {reason(m) or 'not explained yet'}"
        lines.append(f"| {m['mutator']} | {place} | {' | '.join(changed(m['old'], m['new']))} | {fate} |")
    return "\n".join(lines) + "\n"


def changed(old: str, new: str) -> list[str]:
    """The differing part of two pieces of Solidity with some words around it, each for a cell of a table."""
    before, after = old.split(), new.split()
    same = alike(before, after)
    rest = alike(before[same:][::-1], after[same:][::-1])
    cells = []
    for words in (before, after):
        shown = " ".join(words[max(0, same - 4) : len(words) - rest + 4])
        cells.append(
            "`"
            + (shown if len(shown) <= SHOWN_CHARACTERS else shown[:SHOWN_CHARACTERS] + " …").replace("|", "\\|")
            + "`"
        )
    return cells


def alike(one: list[str], other: list[str]) -> int:
    """How many words both begin with."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


if __name__ == "__main__":
    sys.exit(main())
