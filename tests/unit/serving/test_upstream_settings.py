"""The file of upstreams: one sentence for whatever is wrong with it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ledger.config import CHECKOUT
from ledger.errors import AdapterMismatchError, SettingsError
from serving.upstream.models import declared_models
from serving.upstream.settings import NodeSettings, read_upstreams

pytestmark = pytest.mark.unit

NODE = '[[node]]\nurl = "http://127.0.0.1:1/v1"\n'
MODEL = f'[[model]]\nid = "m"\ncontent_hash = "0x{"11" * 32}"\ncontext_tokens = 100\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "upstreams.toml"


def test_the_smallest_file_is_a_node_and_a_model(path: Path) -> None:
    path.write_text(NODE + MODEL)
    file = read_upstreams(path)
    (one,) = declared_models(file)
    assert (file.node[0].label, file.node[0].origin) == ("127.0.0.1:1", "http://127.0.0.1:1")
    assert (one.name, one.local.identity, one.local.content_hash) == ("m", "declared", b"\x11" * 32)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "node"),
        (NODE, "names no model"),
        (NODE + NODE + MODEL, "same name"),
        ('[[node]]\nurl = "127.0.0.1"\n' + MODEL, "node.0.url"),
        (NODE + 'colour = "red"\n' + MODEL, "node.0.colour"),
        (NODE + MODEL.replace("0x11", "0x1"), "contentHash"),
        (NODE + MODEL + 'kind = "adapter"\n', "names its base"),
        (NODE + MODEL + MODEL, "same name"),
        (NODE + MODEL + 'kind = "adapter"\nbase = "x"\n', "names the base x"),
        ("[[node", "not TOML"),
        (NODE + MODEL + 'adapter_path = "/a"\n', "kind vllm"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(path: Path, text: str, words: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError) as failed:
        declared_models(read_upstreams(path))
    assert words in str(failed.value)
    assert str(failed.value).count("\n") == 0


@pytest.mark.parametrize(
    ("name", "told"), [("none", "can't be read: No such file"), ("/dev/zero", "is larger than any")]
)
def test_a_file_that_is_gone_or_has_no_end_is_a_wrong_setting_like_any_other(path: Path, name: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read_upstreams(path.parent / name)


def test_a_key_is_never_in_the_sentence(path: Path) -> None:
    path.write_text(NODE + 'api_key = ["sk-secret"]\n' + MODEL)
    with pytest.raises(SettingsError) as failed:
        read_upstreams(path)
    assert "sk-secret" not in str(failed.value)


@given(st.text(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_refused(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SettingsError):
        read_upstreams(path)


def test_shipped_models_are_declared_with_their_adapters_named_by_content(path: Path) -> None:
    folders = f'models_dir = {json.dumps(str(CHECKOUT / "models"))}\nnode_models_dir = "/srv/models"\n'
    path.write_text(f'{folders}{NODE}kind = "vllm"\n')
    models = {one.local.model_id: one for one in declared_models(read_upstreams(path))}
    austen = models["quill:austen"]
    assert austen.name == f"quill:austen@{austen.local.content_hash.hex()[:8]}"
    assert austen.adapter_path == "/srv/models/adapters/austen"
    assert (models["quill"].name, models["quill"].adapter_path, austen.local.base_id) == ("quill", None, "quill")
    assert {one.context_tokens for one in models.values()} == {512}


def test_an_adapter_whose_files_were_swapped_is_not_loaded(path: Path, tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "models" / "adapters" / "austen", tmp_path / "austen")
    path.write_text(f"models_dir = {json.dumps(str(CHECKOUT / 'models'))}\n{NODE}")
    austen = next(m for m in declared_models(read_upstreams(path)) if m.local.model_id == "quill:austen")
    austen.check_content()
    swapped = replace(austen, local=replace(austen.local, path=CHECKOUT / "models" / "adapters" / "bierce"))
    with pytest.raises(AdapterMismatchError):
        swapped.check_content()


@pytest.mark.parametrize("key", ["sk\r\nx-more: 1", "schlüssel", "a\tb"])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="no bearer can have"):
        NodeSettings(url="http://node:8000/v1", api_key=SecretStr(key)).bearer()
