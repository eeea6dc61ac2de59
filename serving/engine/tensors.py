"""Safetensors bytes as numpy arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from ledger.errors import CheckpointError

FloatArray = NDArray[np.floating[Any]]
Float32Array = NDArray[np.float32]


def read_tensors(content: bytes) -> dict[str, FloatArray]:
    """Every tensor of a safetensors file, float16 and float32 as stored, bfloat16 widened to float32.

    Raises:
        CheckpointError: not a safetensors file, a tensor of another type, or one that holds an infinity or no number.
    """
    try:
        entries: list[tuple[str, dict[str, Any]]] = deserialize(content)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise CheckpointError(f"The weights are no safetensors file: {error}.") from error
    return {name: _array(name, entry) for name, entry in entries}


def take(tensors: Mapping[str, FloatArray], name: str, shape: tuple[int, ...]) -> FloatArray:
    """The tensor `name`, which must have this shape.

    Raises:
        CheckpointError: it is missing or of another shape.
    """
    tensor = tensors.get(name)
    if tensor is None:
        raise CheckpointError(f"The weights hold no tensor {name}.")
    if tensor.shape != shape:
        raise CheckpointError(f"The tensor {name} has shape {tensor.shape}, and {shape} is expected.")
    return tensor


def _array(name: str, entry: Mapping[str, Any]) -> FloatArray:
    dtype, shape, data = entry["dtype"], entry["shape"], entry["data"]
    if dtype == "BF16":
        widened = np.frombuffer(data, "<u2").astype("<u4") << 16
        return _finite(name, widened.view("<f4").reshape(shape))
    if dtype not in ("F16", "F32"):
        raise CheckpointError(f"The tensor {name} is of type {dtype}; float16, bfloat16 and float32 are understood.")
    # Bytes with one array over them: frombuffer over the library's bytearray keeps half a kilobyte more for each tensor.
    return _finite(name, np.ndarray(shape, "<f2" if dtype == "F16" else "<f4", bytes(data)))


def _finite(name: str, tensor: FloatArray) -> FloatArray:
    if not np.isfinite(tensor).all():
        raise CheckpointError(f"The tensor {name} holds values that are no finite numbers.")
    return tensor
