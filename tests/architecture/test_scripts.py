"""The scripts behind the launchers, and the compiler's wrapper."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.config import CHECKOUT

pytestmark = pytest.mark.unit


def script(name: str, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHECKOUT / "scripts" / f"{name}.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)  # type: ignore[call-overload, no-any-return]


def solc(*words: str, text: str = "", **options: object) -> subprocess.CompletedProcess[str]:
    command = [str(CHECKOUT / "scripts" / "solc"), *words]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=120, **options)  # type: ignore[call-overload, no-any-return]


def test_a_check_that_is_not_there_is_refused_with_the_names_of_those_that_are() -> None:
    done = script("checks", "--only", "astrology")
    assert done.returncode == 1
    assert done.stderr.startswith("There is no check astrology; there are ruff check, ")


def test_one_check_alone_says_what_it_left_out() -> None:
    done = script("checks", "--only", "pytest", "tests/unit/ledger/test_config.py", "-q", "-k", "frozen or change")
    assert done.returncode == 0, done.stdout
    assert "left out: every check but pytest (--only)" in done.stdout
    assert "left out: forge test, optimised; slither; branch coverage; tests that need a browser or Java" in done.stdout
    assert "(run ./scripts/test --full)" in done.stdout
    assert "1 passed" in done.stdout.splitlines()[-1]


def test_selecting_no_test_at_all_is_a_failure() -> None:
    done = script("checks", "--only", "pytest", "tests/unit/ledger/test_config.py", "-k", "nothing_is_called_so")
    assert done.returncode == 1
    assert "FAILED no test was selected" in done.stdout


def test_the_full_suite_without_its_tools_is_refused_before_anything_runs(tmp_path: Path) -> None:
    done = script("checks", "--full", env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr.startswith("./scripts/test --full needs chromium, java on PATH; ")
    assert done.stdout == ""


def test_a_benchmark_that_is_not_there_is_refused() -> None:
    done = script("benchmark", "nothing")
    assert done.returncode == 1
    assert done.stderr.startswith("There is no benchmark nothing; there are ")


def test_every_benchmark_is_listed_with_its_purpose() -> None:
    done = script("benchmark")
    assert done.returncode == 0
    listed = done.stdout.splitlines()[1:]
    assert [line for line in listed if len(line.split()) < 3] == []


def test_the_compiler_speaks_as_the_native_one_does() -> None:
    pinned = json.loads((CHECKOUT / "package.json").read_text())["dependencies"]["solc"]
    assert f"Version: {pinned}+commit." in solc("--version").stdout
    source = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.20;\ncontract A { uint256 public b; }"
    request = {
        "language": "Solidity",
        "sources": {"A.sol": {"content": source}},
        "settings": {"outputSelection": {"*": {"*": ["abi"]}}},
    }
    answer = json.loads(solc("--standard-json", text=json.dumps(request)).stdout)
    assert answer["contracts"]["A.sol"]["A"]["abi"][0]["name"] == "b"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(("--optimize",), "solc: does not know the option --optimize"), ((), "solc: needs --version or --standard-json.")],
)
def test_the_compiler_refuses_what_it_does_not_speak(words: tuple[str, ...], sentence: str) -> None:
    done = solc(*words)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)


def test_the_compiler_reads_no_file_outside_the_folders_that_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "secret.sol").write_text("contract Secret {}")
    (tmp_path / "given").mkdir()
    request = {
        "language": "Solidity",
        "sources": {"A.sol": {"content": 'import "../secret.sol"; contract A is Secret {}'}},
        "settings": {"outputSelection": {"*": {"*": ["abi"]}}},
    }
    done = solc("--standard-json", "--base-path", str(tmp_path / "given"), text=json.dumps(request))
    assert "not found" in done.stdout


def test_continuous_integration_installs_what_is_missing_and_runs_everything(tmp_path: Path) -> None:
    for folder in ("scripts", ".ci", "bin"):
        (tmp_path / folder).mkdir()
    (tmp_path / ".ci" / "run").write_text((CHECKOUT / ".ci" / "run").read_text())
    for name in ("scripts/test", "bin/apt-get", "bin/java"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (tmp_path / name).chmod(0o755)
    (tmp_path / "bin" / "dirname").symlink_to("/usr/bin/dirname")
    (tmp_path / "bin" / "bash").symlink_to("/bin/bash")
    done = subprocess.run(
        ["/bin/bash", str(tmp_path / ".ci" / "run"), "-x"],
        env={"PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "bin/apt-get update --quiet",
        "bin/apt-get install --quiet --yes --no-install-recommends chromium",
        "scripts/test --full -x",
    ]


def test_the_full_suite_runs_the_tests_of_every_marker() -> None:
    words = ["-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/architecture"]
    everything = subprocess.run(
        [sys.executable, *words, "-m", ""], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert "deselected" not in everything.stdout


def check_vllm(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.vllm", *words]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120)


def test_check_vllm_says_how_to_start_one() -> None:
    done = check_vllm()
    assert done.returncode == 0
    assert "vllm serve" in done.stdout
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True" in done.stdout


def test_check_vllm_says_in_a_sentence_that_nobody_answers() -> None:
    done = check_vllm("http://127.0.0.1:9/v1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "No OpenAI-compatible server answers at http://127.0.0.1:9/v1; ./scripts/check-vllm says how to start a vLLM.\n"
    )
