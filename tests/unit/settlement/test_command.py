"""Settings that are missing or wrong are named in one sentence, before anything is opened."""

from __future__ import annotations

import pytest
import typer

from ledger.errors import SettingsError
from settlement.command import app as settle
from settlement.command_attest import app as attest

pytestmark = pytest.mark.unit

COMPLETE = {
    "DATABASE_URL": "postgresql://localhost/none",
    "L2_RPC_URL": "http://127.0.0.1:9",
    "SETTLEMENT_PRIVATE_KEY": "0x" + "11" * 32,
    "SETTLEMENT_ATTESTER_URLS": "http://127.0.0.1:9",
    "ATTESTER_PRIVATE_KEY": "0x" + "11" * 32,
}


def run(app: typer.Typer, *words: str) -> None:
    typer.main.get_command(app).main(args=list(words), standalone_mode=False)


@pytest.mark.parametrize(
    ("app", "words", "missing"),
    [
        (settle, ["--once"], "SETTLEMENT_PRIVATE_KEY"),
        (settle, ["--once"], "SETTLEMENT_ATTESTER_URLS"),
        (settle, ["--dry-run"], "L2_RPC_URL"),
        (attest, ["serve"], "ATTESTER_PRIVATE_KEY"),
        (attest, ["watch", "--once"], "DATABASE_URL"),
    ],
)
def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, app: typer.Typer, words: list[str], missing: str
) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing)
    with pytest.raises(SettingsError, match=f"{missing} is not set"):
        run(app, *words)


@pytest.mark.parametrize("key", ["", "0x12", "11" * 32, "0x" + "zz" * 32])
def test_a_malformed_key_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SETTLEMENT_PRIVATE_KEY", key)
    with pytest.raises(SettingsError, match="SETTLEMENT_PRIVATE_KEY is wrong") as caught:
        run(settle, "--once")
    assert "0x12" not in str(caught.value)
    assert "zz" not in str(caught.value)
