"""A model of its own for one adapter: the base with the adapter's change added to its weights, as a folder of files."""

import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from ledger.config import CHECKOUT
from serving.engine.adapter import read_adapter
from serving.engine.checkpoint import read_shape
from serving.engine.files import read_folder

BASE = CHECKOUT / "models" / "base"
LIMIT = 1 << 30
BLOCKS = {"q_proj": "self_attn", "k_proj": "self_attn", "v_proj": "self_attn", "o_proj": "self_attn"}


def write_merged(adapter: Path, folder: Path) -> Path:
    """Writes the model to `folder`; in float32, so that it answers as base and adapter do."""
    shutil.copytree(BASE, folder)
    tensors = {name: tensor.astype(np.float32) for name, tensor in load_file(BASE / "model.safetensors").items()}
    weights = read_adapter(read_folder(adapter, LIMIT), read_shape((BASE / "config.json").read_bytes()), 64)
    for (layer, projection), pair in weights.pairs.items():
        block = BLOCKS.get(projection, "mlp")
        change = pair.up.astype(np.float32) @ pair.down.astype(np.float32)
        tensors[f"model.layers.{layer}.{block}.{projection}.weight"] += np.float32(weights.scaling) * change
    save_file(tensors, folder / "model.safetensors")
    return folder
