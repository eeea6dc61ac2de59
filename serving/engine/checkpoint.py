"""A Llama-shaped checkpoint: its config.json and its weights, laid out for row vectors."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ledger.errors import CheckpointError
from serving.engine.files import Folder
from serving.engine.json_bytes import parse_json
from serving.engine.tensors import Float32Array, FloatArray, read_tensors, take

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The numbers of config.json that the forward pass depends on."""

    vocabulary: int
    width: int
    inner_width: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    context_tokens: int
    rope_theta: float
    norm_epsilon: float
    tied_embeddings: bool
    end_ids: frozenset[int]

    @property
    def query_width(self) -> int:
        """Width of all query heads together."""
        return self.heads * self.head_width

    @property
    def kv_width(self) -> int:
        """Width of all key heads (or value heads) together."""
        return self.kv_heads * self.head_width


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One transformer block; matrices are (in, out), float32, projections that share an input joined."""

    input_norm: Float32Array
    query_key_value: Float32Array
    output: Float32Array
    inner_norm: Float32Array
    gate_up: Float32Array
    down: Float32Array


@dataclass(frozen=True, slots=True)
class BaseWeights:
    """A whole checkpoint in memory, resident once however many adapters stand on it."""

    shape: ModelShape
    embedding: Float32Array
    layers: tuple[LayerWeights, ...]
    final_norm: Float32Array
    unembedding: Float32Array

    @property
    def size_bytes(self) -> int:
        """Memory that the weights take."""
        layers = sum(getattr(layer, field.name).nbytes for layer in self.layers for field in fields(layer))
        return int(layers + self.embedding.nbytes + self.final_norm.nbytes + self.unembedding.nbytes)


def read_checkpoint(folder: Folder) -> BaseWeights:
    """The base model in a folder of config.json and model.safetensors.

    Raises:
        CheckpointError: a file is missing, malformed, or describes a model that this forward pass does not compute.
    """
    shape = read_shape(folder.file(CONFIG_FILE))
    tensors = read_tensors(folder.file(WEIGHTS_FILE))
    embedding = _float32(take(tensors, "model.embed_tokens.weight", (shape.vocabulary, shape.width)))
    head = embedding
    if not shape.tied_embeddings:
        head = _float32(take(tensors, "lm_head.weight", (shape.vocabulary, shape.width)))
    return BaseWeights(
        shape=shape,
        embedding=embedding,
        layers=tuple(_layer(tensors, shape, index) for index in range(shape.layers)),
        final_norm=_float32(take(tensors, "model.norm.weight", (shape.width,))),
        unembedding=np.ascontiguousarray(head.T),
    )


def read_shape(content: bytes) -> ModelShape:
    """The shape that a config.json describes.

    Raises:
        CheckpointError: not such a JSON file, or a model that this forward pass does not compute.
    """
    try:
        config = parse_json(content)
        _refuse_unknown_shapes(config)
        heads = int(config["num_attention_heads"])
        width = int(config["hidden_size"])
        return ModelShape(
            vocabulary=int(config["vocab_size"]),
            width=width,
            inner_width=int(config["intermediate_size"]),
            layers=int(config["num_hidden_layers"]),
            heads=heads,
            kv_heads=int(config.get("num_key_value_heads") or heads),
            head_width=int(config.get("head_dim") or width // heads),
            context_tokens=int(config["max_position_embeddings"]),
            rope_theta=_rope_theta(config),
            norm_epsilon=float(config["rms_norm_eps"]),
            tied_embeddings=bool(config.get("tie_word_embeddings", False)),
            end_ids=_end_ids(config.get("eos_token_id")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"config.json is not that of a Llama-shaped model ({error!r}).") from error


def _refuse_unknown_shapes(config: dict[str, Any]) -> None:
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kinds = {
        "model_type": (config.get("model_type"), "llama"),
        "hidden_act": (config.get("hidden_act", "silu"), "silu"),
        "attention_bias": (bool(config.get("attention_bias")), False),
        "mlp_bias": (bool(config.get("mlp_bias")), False),
        "rope_type": (rope.get("rope_type", rope.get("type", "default")), "default"),
    }
    for key, (found, understood) in kinds.items():
        if found != understood:
            raise CheckpointError(
                f"The engine computes models whose {key} is {understood!r}, and this one's is {found!r}."
            )


def _rope_theta(config: dict[str, Any]) -> float:
    parameters = config.get("rope_parameters") or {}
    return float(parameters.get("rope_theta", config.get("rope_theta", 10_000.0)))


def _end_ids(eos: int | list[int] | None) -> frozenset[int]:
    if eos is None:
        return frozenset()
    return frozenset(eos) if isinstance(eos, list) else frozenset({eos})


def _layer(tensors: dict[str, FloatArray], shape: ModelShape, index: int) -> LayerWeights:
    def matrix(name: str, outputs: int, inputs: int) -> Float32Array:
        return _float32(take(tensors, f"model.layers.{index}.{name}.weight", (outputs, inputs))).T

    def norm(name: str) -> Float32Array:
        return _float32(take(tensors, f"model.layers.{index}.{name}.weight", (shape.width,)))

    query = matrix("self_attn.q_proj", shape.query_width, shape.width)
    key = matrix("self_attn.k_proj", shape.kv_width, shape.width)
    value = matrix("self_attn.v_proj", shape.kv_width, shape.width)
    gate = matrix("mlp.gate_proj", shape.inner_width, shape.width)
    up = matrix("mlp.up_proj", shape.inner_width, shape.width)
    return LayerWeights(
        input_norm=norm("input_layernorm"),
        query_key_value=np.ascontiguousarray(np.hstack([query, key, value])),
        output=np.ascontiguousarray(matrix("self_attn.o_proj", shape.width, shape.query_width)),
        inner_norm=norm("post_attention_layernorm"),
        gate_up=np.ascontiguousarray(np.hstack([gate, up])),
        down=np.ascontiguousarray(matrix("mlp.down_proj", shape.width, shape.inner_width)),
    )


def _float32(tensor: FloatArray) -> Float32Array:
    return np.ascontiguousarray(tensor, dtype=np.float32)
