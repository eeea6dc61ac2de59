"""The programs that put the contracts through Slither, coverage and mutants read and say the right things."""

import importlib.util
import json
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.unit

CHECKOUT = Path(__file__).resolve().parents[2]
LCOV = """TN:
SF:contracts/src/Escrow.sol
DA:10,3
BRDA:10,0,0,3
BRDA:10,0,1,0
BRDA:12,1,0,-
end_of_record
SF:contracts/src/TestToken.sol
BRDA:5,0,0,0
end_of_record
SF:contracts/test/World.sol
BRDA:7,0,0,0
end_of_record
"""


def program(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, CHECKOUT / "scripts" / "solidity" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_branches_are_read_from_what_is_deployed_alone() -> None:
    found = program("branch_coverage").read(LCOV)
    assert found == {"contracts/src/Escrow.sol": {(10, "0", "0"): True, (10, "0", "1"): False, (12, "1", "0"): False}}


@pytest.mark.parametrize(("hits", "fails"), [((1, 0), 1), ((1, 1), 0)])
def test_the_bar_of_branch_coverage_can_be_missed(
    hits: tuple[int, int], fails: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "coverage.lcov"
    report.write_text(f"SF:contracts/src/A.sol\nBRDA:1,0,0,{hits[0]}\nBRDA:1,0,1,{hits[1]}\n")
    monkeypatch.setattr("sys.argv", ["coverage", "--lcov", str(report)])
    assert program("branch_coverage").main() == fails


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("[FAIL: panic; counterexample: calldata=0x args=[1]] testFuzz_a(uint256) (runs: 0)", "testFuzz_a"),
        (
            "[FAIL: EvmError]\n\t[Sequence]\n\t\tcalldata=attest(uint256) args=[1]\n invariant_b() (runs: 1)",
            "invariant_b",
        ),
        ("[PASS] test_c() (gas: 1)\n[FAIL: it never ended] timeout()", "timeout"),
    ],
)
def test_a_killed_mutant_names_the_test_that_failed(output: str, name: str) -> None:
    found = program("run_mutants").FAILED.search(f"Ran 2 tests\n{output}")
    assert found[1] == name


def test_a_mutant_is_shown_by_the_words_that_differ() -> None:
    mutants = program("run_mutants")
    body = " ".join(f"word{n}" for n in range(40))
    old, new = f"{body} a < b {body}", f"{body} a <= b {body}"
    assert mutants.changed(old, new) == [
        "`word37 word38 word39 a < b word0 word1 word2`",
        "`word37 word38 word39 a <= b word0 word1 word2`",
    ]
    assert mutants.changed("x |= y", "") == [r"`x \|= y`", "``"]


def test_a_survivor_is_tried_again_when_the_tests_have_changed(tmp_path: Path) -> None:
    mutants = program("run_mutants")
    kept = tmp_path / "kept.jsonl"
    lines = [({"n": 1}, "killed", "old"), ({"n": 2}, "survived", "old"), ({"n": 3}, "survived", "new")]
    lines.append(({"n": 3}, "killed", "new"))
    kept.write_text(
        "".join(
            json.dumps({"mutant": mutant, "verdict": verdict, "seconds": 1, "tests": tests}) + "\n"
            for mutant, verdict, tests in lines
        )
    )
    assert {name: each.verdict for name, each in mutants.outcomes(kept, "new").items()} == {
        mutants.key({"n": 1}): "killed",
        mutants.key({"n": 3}): "killed",
    }
    assert len(mutants.outcomes(kept, "old")) == 3
    assert mutants.outcomes(tmp_path / "nothing.jsonl", "new") == {}


def test_every_answer_to_slither_names_places_and_a_reason() -> None:
    answers = tomllib.loads((CHECKOUT / "contracts" / "slither.toml").read_text())["answer"]
    assert answers
    for answer in answers:
        assert set(answer) == {"detector", "places", "reason"}
        assert answer["places"]
        assert len(answer["reason"].split()) >= 5, answer
