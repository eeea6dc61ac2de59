"""Any number of different adapters, each a folder of real files with a content hash of its own.

Each is one of the shipped adapters whose every weight is moved by a seeded draw of two per cent of its size.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from ledger.config import CHECKOUT
from ledger.protocol.content import content_hash
from serving.engine.files import read_folder
from serving.engine.request import AdapterReference

SHIPPED = CHECKOUT / "models" / "adapters"
WEIGHTS, CONFIGURATION = "adapter_model.safetensors", "adapter_config.json"
MOVED_BY = 0.02
LIMIT = 1 << 30


@dataclass(frozen=True, slots=True)
class MadeAdapter:
    """One adapter on disk."""

    name: str
    path: str
    content_hash: str

    def pin(self) -> AdapterReference:
        """As a gateway pins it for a request."""
        return AdapterReference(self.name, Path(self.path), bytes.fromhex(self.content_hash))


def make_adapters(folder: Path, count: int) -> list[MadeAdapter]:
    """Writes `count` adapters below the folder, and `adapters.json`, which lists them."""
    shipped = sorted(SHIPPED.iterdir())
    tensors = [load_file(one / WEIGHTS) for one in shipped]
    made = []
    for number in range(count):
        place = folder / f"adapter-{number}"
        place.mkdir()
        kind = number % len(shipped)
        save_file(_moved(tensors[kind], number), place / WEIGHTS)
        (place / CONFIGURATION).write_bytes((shipped[kind] / CONFIGURATION).read_bytes())
        digest = content_hash(read_folder(place, LIMIT).listing())
        made.append(MadeAdapter(place.name, str(place), digest.hex()))
    (folder / "adapters.json").write_text(json.dumps([asdict(one) for one in made]))
    if hasattr(os, "sync"):
        os.sync()  # the page cache lets go of a file only once it is on the disk
    return made


def read_made(folder: Path) -> list[MadeAdapter]:
    """What `make_adapters` left there."""
    return [MadeAdapter(**one) for one in json.loads((folder / "adapters.json").read_text())]


def _moved(tensors: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    values = np.concatenate([tensor.ravel() for tensor in tensors.values()]).astype(np.float32)
    values *= 1 + MOVED_BY * random.standard_normal(len(values), np.float32)
    return dict(_cut(values.astype(np.float16), tensors))


def _cut(values: np.ndarray, like: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    start = 0
    for name, tensor in like.items():
        yield name, values[start : start + tensor.size].reshape(tensor.shape)
        start += tensor.size
