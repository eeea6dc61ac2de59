"""Folders that do not hold what the forward pass computes are refused, each with a sentence that says why."""

import json
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from ledger.errors import CheckpointError
from serving.engine.adapter import read_adapter
from serving.engine.checkpoint import read_checkpoint
from serving.engine.files import Folder, read_folder
from serving.engine.tensors import read_tensors

pytestmark = pytest.mark.unit

LIMIT = 1 << 30


@pytest.fixture
def base_copy(reference_path, tmp_path):
    return shutil.copytree(reference_path / "tiny", tmp_path / "base", ignore=shutil.ignore_patterns("adapter"))


@pytest.fixture
def adapter_copy(models_path, tmp_path):
    return shutil.copytree(models_path / "adapters" / "jay", tmp_path / "jay")


@pytest.fixture(scope="module")
def jay_files(models_path):
    return dict(read_folder(models_path / "adapters" / "jay", LIMIT).contents)


def change_json(file, **changes):
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def change_tensors(file, change):
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"model_type": "gpt2"}, "gpt2"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"attention_bias": True}, "attention_bias"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "yarn"),
        ({"hidden_size": None}, "config.json"),
        ({"num_hidden_layers": 3}, "layers.2"),
        ({"intermediate_size": 41}, "shape"),
    ],
)
def test_a_base_of_another_kind_is_refused(base_copy, changes, word):
    change_json(base_copy / "config.json", **changes)
    with pytest.raises(CheckpointError, match=word):
        read_checkpoint(read_folder(base_copy, LIMIT))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_base_without_one_of_its_files_is_refused_by_the_file_s_name(base_copy, name):
    (base_copy / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        read_checkpoint(read_folder(base_copy, LIMIT))


def test_weights_that_are_no_safetensors_are_refused(base_copy):
    file = base_copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(CheckpointError, match="safetensors"):
        read_checkpoint(read_folder(base_copy, LIMIT))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"peft_type": "IA3"}, "IA3"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "biases"),
        ({"rank_pattern": {"q_proj": 4}}, "rank_pattern"),
        ({"r": 4}, "fit the base"),
        ({"r": 9}, "rank 9"),
        ({"r": 0}, "rank"),
        ({"lora_alpha": None}, "adapter_config.json"),
        ({"lora_alpha": float("inf")}, "adapter_config.json"),
        ({"lora_alpha": "inf"}, "alpha"),
        ({"lora_alpha": "nan"}, "alpha"),
        ({"r": 10**400}, "adapter_config.json"),
    ],
)
def test_an_adapter_of_another_kind_is_refused(base, adapter_copy, changes, word):
    change_json(adapter_copy / "adapter_config.json", **changes)
    with pytest.raises(CheckpointError, match=word):
        read_adapter(read_folder(adapter_copy, LIMIT), base.shape, 8)


@pytest.mark.parametrize("case", ["unknown tensor", "layer beyond the base", "half a pair", "other shape", "nothing"])
def test_adapter_weights_that_do_not_fit_the_base_are_refused(base, adapter_copy, case):
    first = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"

    def change(tensors):
        if case == "unknown tensor":
            tensors["base_model.model.model.embed_tokens.lora_embedding_A"] = np.zeros((8, 4), np.float16)
        elif case == "layer beyond the base":
            tensors[first.replace("layers.0", "layers.4")] = tensors[first]
        elif case == "half a pair":
            del tensors[first]
        elif case == "other shape":
            tensors[first] = tensors[first][:, :-1].copy()
        else:
            tensors.clear()

    change_tensors(adapter_copy / "adapter_model.safetensors", change)
    with pytest.raises(CheckpointError):
        read_adapter(read_folder(adapter_copy, LIMIT), base.shape, 8)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_weights_that_are_no_finite_numbers_are_refused_by_the_tensor_s_name(base, adapter_copy, value, dtype):
    name = "base_model.model.model.layers.2.mlp.up_proj.lora_B.weight"

    def change(tensors):
        tensors[name] = tensors[name].astype(dtype)
        tensors[name][5, 3] = value

    change_tensors(adapter_copy / "adapter_model.safetensors", change)
    with pytest.raises(CheckpointError, match=name):
        read_adapter(read_folder(adapter_copy, LIMIT), base.shape, 8)


def test_a_configuration_nested_without_end_is_refused_whatever_the_recursion_limit(base, base_copy, adapter_copy):
    before = sys.getrecursionlimit()
    (adapter_copy / "adapter_config.json").write_text("[" * 200_000)
    (base_copy / "config.json").write_text('{"a":' * 200_000)
    sys.setrecursionlimit(1_000_000)  # as libraries do: the standard library's parser would end the process
    try:
        with pytest.raises(CheckpointError, match=r"adapter_config\.json"):
            read_adapter(read_folder(adapter_copy, LIMIT), base.shape, 8)
        with pytest.raises(CheckpointError, match=r"config\.json"):
            read_checkpoint(read_folder(base_copy, LIMIT))
    finally:
        sys.setrecursionlimit(before)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_an_adapter_damaged_anywhere_is_read_or_refused_and_nothing_else(base, jay_files, data):
    """Owners register whatever bytes they like: only a whole adapter or a CheckpointError may come of them."""
    name = data.draw(st.sampled_from(["adapter_config.json", "adapter_model.safetensors"]))
    content = bytearray(jay_files[name])
    head = min(len(content), 8_000)  # where the structure is
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, head - 1))
        content[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    end = data.draw(st.sampled_from([None, data.draw(st.integers(0, len(content)))]))
    with suppress(CheckpointError):
        weights = read_adapter(Folder(Path("fuzzed"), {**jay_files, name: bytes(content[:end])}), base.shape, 8)
        assert weights.pairs
        assert all(np.isfinite(pair.up).all() and np.isfinite(pair.down).all() for pair in weights.pairs.values())


def test_tensors_of_integers_are_refused(tmp_path):
    save_file({"a": np.zeros(3, np.int32)}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="I32"):
        read_tensors((tmp_path / "a.safetensors").read_bytes())


def test_a_folder_larger_than_allowed_is_refused_before_it_is_read(adapter_copy):
    with pytest.raises(CheckpointError, match="1,000"):
        read_folder(adapter_copy, 1_000)


def test_hidden_files_are_no_content_and_symbolic_links_are_refused(adapter_copy):
    before = read_folder(adapter_copy, LIMIT).listing()
    (adapter_copy / ".DS_Store").write_bytes(b"left by a file browser")
    (adapter_copy / ".cache").mkdir()
    (adapter_copy / ".cache" / "note").write_bytes(b"and by a downloader")
    assert read_folder(adapter_copy, LIMIT).listing() == before
    (adapter_copy / "card.md").symlink_to(adapter_copy / "README.md")
    with pytest.raises(CheckpointError, match="symbolic link"):
        read_folder(adapter_copy, LIMIT)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="not a folder"):
        read_folder(tmp_path / "nowhere", LIMIT)
