"""A PEFT LoRA adapter: its adapter_config.json and its weights."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.errors import CheckpointError
from serving.engine.checkpoint import ModelShape
from serving.engine.files import Folder
from serving.engine.json_bytes import parse_json
from serving.engine.tensors import FloatArray, read_tensors

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

_OTHER_KINDS = (
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "modules_to_save",
    "rank_pattern",
    "alpha_pattern",
    "fan_in_fan_out",
    "layer_replication",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
    "arrow_config",
)

_TENSOR = re.compile(
    r"base_model\.model\.model\.layers\.(?P<layer>\d+)\.(?:self_attn|mlp)\.(?P<projection>\w+)\.lora_(?P<side>[AB])\.weight"
)


@dataclass(frozen=True, slots=True)
class LoraPair:
    """One projection's low-rank change, as stored: `down` is (rank, in), `up` is (out, rank)."""

    down: FloatArray
    up: FloatArray


@dataclass(frozen=True, slots=True)
class AdapterWeights:
    """A whole adapter in memory.

    Attributes:
        rank: the low rank, the same for every projection.
        scaling: what the product up @ down is multiplied by.
        pairs: by (layer, projection); a projection that the adapter leaves alone is absent.
        token: an object of this load's own, by which a row remembers whose factors it has copied, without keeping the
            weights themselves in memory.
    """

    rank: int
    scaling: float
    pairs: Mapping[tuple[int, str], LoraPair]
    token: object = field(default_factory=object, compare=False, repr=False)

    @property
    def size_bytes(self) -> int:
        """Memory that the weights take."""
        return sum(pair.down.nbytes + pair.up.nbytes for pair in self.pairs.values())


def read_adapter(folder: Folder, shape: ModelShape, max_rank: int) -> AdapterWeights:
    """The adapter in a PEFT folder, checked against the base that it is to stand on.

    Raises:
        CheckpointError: a file is missing or malformed, the adapter does not fit the base, its rank is above
            `max_rank`, or it uses a part of PEFT that this forward pass does not compute.
    """
    rank, scaling = _read_config(folder.file(CONFIG_FILE))
    if rank > max_rank:
        raise CheckpointError(f"The adapter has rank {rank}, and the engine was started for ranks up to {max_rank}.")
    sides: dict[tuple[int, str], dict[str, FloatArray]] = {}
    for name, tensor in read_tensors(folder.file(WEIGHTS_FILE)).items():
        match = _TENSOR.fullmatch(name)
        if match is None or int(match["layer"]) >= shape.layers or match["projection"] not in PROJECTIONS:
            raise CheckpointError(f"The adapter changes {name}, which the engine does not compute.")
        sides.setdefault((int(match["layer"]), match["projection"]), {})[match["side"]] = tensor
    widths = projection_widths(shape)
    pairs = {key: _pair(key, both, rank, widths[key[1]]) for key, both in sides.items()}
    if not pairs:
        raise CheckpointError("The adapter holds no weights.")
    return AdapterWeights(rank, scaling, pairs)


def projection_widths(shape: ModelShape) -> dict[str, tuple[int, int]]:
    """(in, out) of every projection that an adapter may change."""
    return {
        "q_proj": (shape.width, shape.query_width),
        "k_proj": (shape.width, shape.kv_width),
        "v_proj": (shape.width, shape.kv_width),
        "o_proj": (shape.query_width, shape.width),
        "gate_proj": (shape.width, shape.inner_width),
        "up_proj": (shape.width, shape.inner_width),
        "down_proj": (shape.inner_width, shape.width),
    }


def _read_config(content: bytes) -> tuple[int, float]:
    try:
        config = parse_json(content)
        _refuse_unknown_kinds(config)
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
        if rank < 1 or not math.isfinite(alpha):
            raise CheckpointError("adapter_config.json states a rank below 1, or an alpha that is no finite number.")
        return rank, alpha / (rank**0.5 if config.get("use_rslora") else rank)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CheckpointError(f"adapter_config.json is not that of a LoRA adapter ({error!r}).") from error


def _refuse_unknown_kinds(config: dict[str, Any]) -> None:
    if config.get("peft_type") != "LORA":
        raise CheckpointError(f"The adapter is of kind {config.get('peft_type')!r}, and the engine computes LORA.")
    if config.get("bias", "none") != "none":
        raise CheckpointError("The adapter changes biases, which the engine does not compute.")
    for key in _OTHER_KINDS:
        if config.get(key):
            raise CheckpointError(f"The adapter uses {key}, which the engine does not compute.")


def _pair(key: tuple[int, str], both: Mapping[str, FloatArray], rank: int, widths: tuple[int, int]) -> LoraPair:
    inputs, outputs = widths
    if set(both) != {"A", "B"} or both["A"].shape != (rank, inputs) or both["B"].shape != (outputs, rank):
        raise CheckpointError(f"The adapter's weights of layer {key[0]}, {key[1]} do not fit the base.")
    return LoraPair(both["A"], both["B"])
