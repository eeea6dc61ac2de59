"""The forward pass: one call computes the next token's logits for a whole batch of different adapters.

The batch of one call is a number of decoding rows, one token each, and at most one row that takes in a part of its
prompt. Base weights multiply all of them at once; each row's own low-rank factors are added by a stacked product.
"""

import numpy as np

from serving.engine.checkpoint import BaseWeights, LayerWeights
from serving.engine.rows import Rows
from serving.engine.tensors import Float32Array

MASKED = np.float32(-1e30)


class ForwardPass:
    """A base model and the rows that it advances. Not thread-safe: one worker calls it."""

    def __init__(self, weights: BaseWeights, rows: Rows, context_tokens: int) -> None:
        self._weights = weights
        self._shape = weights.shape
        self._rows = rows
        self._cosine, self._sine = _rotation_tables(context_tokens, self._shape.head_width, self._shape.rope_theta)
        self._scale = np.float32(self._shape.head_width**-0.5)

    def advance(self, decoding_ids: list[int], prompt_ids: list[int] | None = None) -> Float32Array:
        """Logits after the given tokens, (rows, vocabulary): one line a row.

        The first len(decoding_ids) rows take one token each; if `prompt_ids` are given, the row after them takes all
        of these and its line stands last. The rows' lengths rise accordingly. A row whose numbers leave float32 gives
        logits that are not finite, and changes nothing in the other rows.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return self._advance(decoding_ids, prompt_ids or [])

    def _advance(self, decoding_ids: list[int], prompt_ids: list[int]) -> Float32Array:
        batch = _Batch(self._rows, len(decoding_ids), prompt_ids)
        hidden = self._weights.embedding[decoding_ids + batch.prompt_ids]
        cosine, sine = self._cosine[batch.positions, None], self._sine[batch.positions, None]
        for index, layer in enumerate(self._weights.layers):
            hidden = hidden + self._attention(batch, index, layer, hidden, cosine, sine)
            hidden = hidden + self._inner(batch, index, layer, hidden)
        batch.finish()
        last = hidden if not batch.prompt_ids else hidden[[*range(batch.decoding), -1]]
        return _normalised(last, self._weights.final_norm, self._shape.norm_epsilon) @ self._weights.unembedding

    def _attention(
        self,
        batch: "_Batch",
        index: int,
        layer: LayerWeights,
        hidden: Float32Array,
        cosine: Float32Array,
        sine: Float32Array,
    ) -> Float32Array:
        shape = self._shape
        normed = _normalised(hidden, layer.input_norm, shape.norm_epsilon)
        joined = batch.project("query_key_value", index, normed, layer.query_key_value)
        query, key, value = np.split(joined, [shape.query_width, shape.query_width + shape.kv_width], axis=1)
        tokens = len(hidden)
        query = _rotated(query.reshape(tokens, shape.heads, shape.head_width), cosine, sine) * self._scale
        key = _rotated(key.reshape(tokens, shape.kv_heads, shape.head_width), cosine, sine)
        batch.store(index, key, value.reshape(tokens, shape.kv_heads, shape.head_width))
        mixed = batch.attend(index, query.reshape(tokens, shape.kv_heads, -1, shape.head_width))
        return batch.project("output", index, mixed, layer.output)

    def _inner(self, batch: "_Batch", index: int, layer: LayerWeights, hidden: Float32Array) -> Float32Array:
        normed = _normalised(hidden, layer.inner_norm, self._shape.norm_epsilon)
        joined = batch.project("gate_up", index, normed, layer.gate_up)
        gate, up = joined[:, : self._shape.inner_width], joined[:, self._shape.inner_width :]
        activated = gate / (1 + np.exp(-gate)) * up  # exp(-gate) may reach infinity, and gate / infinity is the right 0
        return batch.project("down", index, activated, layer.down)


class _Batch:
    """One call's tokens: which rows they belong to, and the products that differ from row to row."""

    def __init__(self, rows: Rows, decoding: int, prompt_ids: list[int]) -> None:
        self.decoding = decoding
        self.prompt_ids = prompt_ids
        self._rows = rows
        self._lengths = rows.lengths[:decoding]
        self._longest = int(self._lengths.max(initial=0)) + 1
        self._past = int(rows.lengths[decoding]) if prompt_ids else 0
        self._end = self._past + len(prompt_ids)
        own = np.arange(self._past, self._end)
        self.positions = np.concatenate([self._lengths, own])
        adapters = rows.adapters[:decoding]
        self._adapted = any(adapter is not None for adapter in adapters)
        # One adapter for all rows needs one product instead of one for each, and reads its factors once.
        self._alike = decoding > 1 and all(adapter is adapters[0] for adapter in adapters)
        self._prompt_adapted = bool(prompt_ids) and rows.adapters[decoding] is not None
        seen = np.arange(self._longest) <= self._lengths[:, None]
        self._mask = np.where(seen, np.float32(0), MASKED)[:, None, None]
        self._prompt_mask = np.where(np.arange(self._end) <= own[:, None], np.float32(0), MASKED)

    def project(self, group: str, layer: int, inputs: Float32Array, weights: Float32Array) -> Float32Array:
        """The product inputs @ weights, plus each row's own low-rank change."""
        outputs: Float32Array = inputs @ weights
        lora, rows = self._rows.lora[group], self.decoding
        if self._adapted and self._alike:
            outputs[:rows] += lora.change(layer, slice(1), inputs[None, :rows])[0]
        elif self._adapted:
            outputs[:rows] += lora.change(layer, slice(rows), inputs[:rows, None])[:, 0]
        if self._prompt_adapted:
            outputs[rows:] += lora.change(layer, slice(rows, rows + 1), inputs[None, rows:])[0]
        return outputs

    def store(self, layer: int, keys: Float32Array, values: Float32Array) -> None:
        """Appends the tokens' keys and values to their rows' caches; both (tokens, kv_heads, head_width)."""
        rows = self.decoding
        for cache, new in ((self._rows.keys[layer], keys), (self._rows.values[layer], values)):
            cache[np.arange(rows), :, self._lengths] = new[:rows]
            if self.prompt_ids:
                cache[rows, :, self._past : self._end] = new[rows:].swapaxes(0, 1)

    def attend(self, layer: int, query: Float32Array) -> Float32Array:
        """Each token's mix of its own row's values: (tokens, heads · head_width)."""
        rows, (tokens, kv_heads, group, width) = self.decoding, query.shape
        mixed = np.empty((tokens, kv_heads * group * width), np.float32)
        keys, values = self._rows.keys[layer], self._rows.values[layer]
        if rows:
            scores = query[:rows] @ keys[:rows, :, : self._longest].swapaxes(2, 3) + self._mask
            mixed[:rows] = (_softmax(scores) @ values[:rows, :, : self._longest]).reshape(rows, -1)
        if self.prompt_ids:
            own = query[rows:].transpose(1, 2, 0, 3)
            scores = own @ keys[rows, :, None, : self._end].swapaxes(2, 3) + self._prompt_mask
            weighted = _softmax(scores) @ values[rows, :, None, : self._end]
            mixed[rows:] = weighted.transpose(2, 0, 1, 3).reshape(tokens - rows, -1)
        return mixed

    def finish(self) -> None:
        """Counts the tokens into their rows."""
        self._rows.lengths[: self.decoding] += 1
        if self.prompt_ids:
            self._rows.lengths[self.decoding] = self._end


def _normalised(hidden: Float32Array, weight: Float32Array, epsilon: float) -> Float32Array:
    squares = np.einsum("td,td->t", hidden, hidden)[:, None]
    length: Float32Array = np.sqrt(squares / np.float32(hidden.shape[1]) + np.float32(epsilon))
    return hidden / length * weight


def _rotated(heads: Float32Array, cosine: Float32Array, sine: Float32Array) -> Float32Array:
    """Rotary position embedding; the first half of a head pairs with its second half."""
    half = heads.shape[-1] // 2
    first, second = heads[..., :half], heads[..., half:]
    rotated = np.empty_like(heads)
    np.subtract(first * cosine, second * sine, out=rotated[..., :half])
    np.add(second * cosine, first * sine, out=rotated[..., half:])
    return rotated


def _rotation_tables(context_tokens: int, head_width: int, theta: float) -> tuple[Float32Array, Float32Array]:
    frequencies = 1.0 / theta ** (np.arange(0, head_width, 2) / head_width)
    angles = np.arange(context_tokens)[:, None] * frequencies
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _softmax(scores: Float32Array) -> Float32Array:
    weights: Float32Array = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights
