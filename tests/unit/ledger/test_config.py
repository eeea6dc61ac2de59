"""Settings come from arguments, the environment and secret files, and complain in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pydantic
import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ledger.config import ChainSettings, DatabaseSettings, state_folder
from ledger.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.unit


class StageSettings(DatabaseSettings, ChainSettings):
    """Settings as a stage has them."""

    model_config = SettingsConfigDict(env_prefix="STAGE_")

    port: int = Field(default=1, description="Port to listen on")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:secret@h/d")
    monkeypatch.setenv("L1_RPC_URL", "http://one/, http://two")
    monkeypatch.setenv("BEACON_URL", "http://beacon")
    monkeypatch.setenv("L2_RPC_URL", "http://three")
    return monkeypatch


def test_a_stages_prefix_is_for_its_own_fields_alone(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STAGE_PORT", "7")
    settings = StageSettings.load()
    assert (settings.port, settings.l1_rpc_url) == (7, ("http://one", "http://two"))
    assert StageSettings.variable("port") == "STAGE_PORT"
    assert StageSettings.variable("database_url") == "DATABASE_URL"


def test_an_argument_wins_over_the_environment_and_none_is_no_argument() -> None:
    settings = StageSettings.load(l1_rpc_url="http://mine", port=None, database_url="postgres://u@h/other")
    assert (settings.l1_rpc_url, settings.port) == (("http://mine",), 1)
    assert settings.sqlalchemy_url == "postgresql+psycopg://u@h/other"


def test_a_secret_file_gives_what_the_environment_does_not(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("SECRETS_DIR", str(tmp_path))
    environment.delenv("DATABASE_URL")
    (tmp_path / "database_url").write_text("postgresql://u:fromfile@h/d\n")
    assert StageSettings.load().database_url.get_secret_value() == "postgresql://u:fromfile@h/d"


def test_a_missing_setting_is_named_with_its_purpose(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("BEACON_URL")
    with pytest.raises(SettingsError, match=r"^BEACON_URL is not set \(Beacon API .*\); see docs/settings.md\.$"):
        StageSettings.load()


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("STAGE_PORT", "many", r"^STAGE_PORT is wrong \(Port to listen on\): Input should be a valid integer"),
        ("L2_RPC_URL", " , ", r"^L2_RPC_URL is wrong"),
        ("DATABASE_URL", "mysql://u:secret@h/d", r"^DATABASE_URL is wrong .*: it must begin with postgresql://\.$"),
        ("SECRETS_DIR", "/absent", r"^SECRETS_DIR names /absent, which is not a folder\.$"),
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(
    environment: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    environment.setenv(variable, value)
    with pytest.raises(SettingsError, match=sentence) as caught:
        StageSettings.load()
    assert "secret" not in str(caught.value)


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        StageSettings.load().port = 9  # type: ignore[misc]


def test_the_state_folder_can_be_elsewhere(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("TRIBUTARY_STATE_DIR", str(tmp_path / "state"))
    assert state_folder() == tmp_path / "state"
    environment.delenv("TRIBUTARY_STATE_DIR")
    assert state_folder().name == ".tributary"


@pytest.mark.parametrize(
    "address",
    ["nonsense/with-a-key", "ftp://h/with-a-key", "http:///with-a-key", "http://h:99999/with-a-key", "http://[::1"],
)
def test_an_address_that_nothing_can_be_asked_at_is_told_and_not_repeated(
    environment: pytest.MonkeyPatch, address: str
) -> None:
    environment.setenv("L2_RPC_URL", f"http://good, {address}")
    with pytest.raises(SettingsError, match=r"^L2_RPC_URL is wrong \(JSON-RPC .*\): an address is http://") as told:
        StageSettings.load()
    assert "with-a-key" not in str(told.value)


@pytest.mark.parametrize("spoil", [lambda file: file.write_bytes(b"\xff\xfe"), Path.mkdir])
def test_a_secret_file_that_can_not_be_read_is_named(
    environment: pytest.MonkeyPatch, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    environment.setenv("SECRETS_DIR", str(tmp_path))
    spoil(tmp_path / "database_url")
    with pytest.raises(SettingsError, match=r"^The secret file .*/database_url can't be read as text\.$"):
        StageSettings.load()
