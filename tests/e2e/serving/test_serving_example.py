"""The example in examples/ does what it says, and notices a receipt that does not hold."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from audit.attribution.transcripts import load_transcripts
from ledger.config import CHECKOUT
from tests.factories.operator_flow import key_of
from tests.factories.serving_world import RunningGateway, ServingWorld

pytestmark = pytest.mark.e2e


def run(gateway: RunningGateway, key: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "examples/chat_and_verify.py", "--url", gateway.url, "--key", key, *words]
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_example_checks_its_receipts_against_the_chain(
    gateway: RunningGateway, api_key: str, serving_world: ServingWorld, tmp_path: Path
) -> None:
    chain = ("--l2-rpc", serving_world.flow.devnet.l2_url, "--deployments", str(serving_world.flow_folder))
    done = run(gateway, api_key, *chain, "--keep", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("  ok ") == 18
    assert "NOT" not in done.stdout
    assert "asset" in done.stdout
    kept = load_transcripts(tmp_path)
    assert len(kept) == 2  # one whole, one streamed
    for transcript in kept:
        receipt = transcript.kept.receipt
        assert transcript.hashes == (receipt.request_hash, receipt.response_hash)
        assert transcript.texts.answers
        assert transcript.texts.prompts == ("Shall I compare thee to a summer's day?",)


def test_the_example_says_in_one_sentence_why_it_cannot(gateway: RunningGateway) -> None:
    done = run(gateway, "sk-trib-nobody")
    assert done.returncode == 1
    assert "Incorrect API key" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_example_refuses_a_receipt_that_another_key_signed(
    gateway: RunningGateway, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Planted into the running gateway: none starts, or goes on, with a key that is not its lane's.
    stranger = replace(gateway.gateway.signer, key=key_of("stranger"))
    monkeypatch.setattr(gateway.gateway.journal, "signer", stranger)
    done = run(gateway, api_key)
    assert done.returncode == 1
    assert "NOT signer" in done.stdout
