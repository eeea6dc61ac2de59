"""What each answer in the batch carries through the forward pass: its keys and values, and its adapter.

A row is one place in the batch. Rows in use are always the first ones, so that the whole batch is a view of these
arrays and nothing is gathered from step to step; when an answer ends, the last row moves into its place.
"""

import numpy as np

from serving.engine.adapter import AdapterWeights, projection_widths
from serving.engine.checkpoint import ModelShape
from serving.engine.tensors import Float32Array

GROUPS = {
    "query_key_value": ("q_proj", "k_proj", "v_proj"),
    "output": ("o_proj",),
    "gate_up": ("gate_proj", "up_proj"),
    "down": ("down_proj",),
}


class LoraRows:
    """Low-rank factors by layer and row, for projections that share an input and are computed as one.

    The change of one row's outputs is inputs @ down @ up. Projections of equal width are blocks of their own; others
    are one block, in which `up` is zero wherever a projection's rank meets another one's outputs.

    Attributes:
        down: (layers, rows, in, blocks · block_rank)
        up: (layers, rows, blocks, block_rank, block_out)
    """

    def __init__(self, shape: ModelShape, projections: tuple[str, ...], rows: int, rank: int) -> None:
        widths = projection_widths(shape)
        self._projections = projections
        self._widths = [widths[name][1] for name in projections]
        self._rank = rank
        self._blocks = len(projections) if len(set(self._widths)) == 1 else 1
        joined, out = rank * len(projections), sum(self._widths)
        self.down = np.zeros((shape.layers, rows, widths[projections[0]][0], joined), np.float32)
        self.up = np.zeros((shape.layers, rows, self._blocks, joined // self._blocks, out // self._blocks), np.float32)

    def attach(self, row: int, adapter: AdapterWeights | None) -> None:
        """Fills the row with the adapter's factors, scaled; None empties it."""
        self.down[:, row] = 0
        self.up[:, row] = 0
        if adapter is None:
            return
        for layer in range(len(self.down)):
            for place, name in enumerate(self._projections):
                pair = adapter.pairs.get((layer, name))
                if pair is not None:
                    rank = place * self._rank
                    self.down[layer, row, :, rank : rank + adapter.rank] = pair.down.T
                    self._up_block(layer, row, place)[: adapter.rank] = pair.up.T
        self.up[:, row] *= np.float32(adapter.scaling)

    def change(self, layer: int, rows: slice, inputs: Float32Array) -> Float32Array:
        """What each row's adapter adds to the outputs for its tokens; (rows, tokens, in) to (rows, tokens, out)."""
        low = np.matmul(inputs, self.down[layer, rows])
        count, tokens = low.shape[:2]
        split = low.reshape(count, tokens, self._blocks, -1).swapaxes(1, 2)
        changed: Float32Array = np.matmul(split, self.up[layer, rows]).swapaxes(1, 2).reshape(count, tokens, -1)
        return changed

    def move(self, source: int, target: int) -> None:
        """Copies one row over another."""
        self.down[:, target] = self.down[:, source]
        self.up[:, target] = self.up[:, source]

    def _up_block(self, layer: int, row: int, place: int) -> Float32Array:
        """The part of `up` that belongs to one projection: (rank, out)."""
        if self._blocks > 1:
            block: Float32Array = self.up[layer, row, place]
            return block
        rank, start = place * self._rank, sum(self._widths[:place])
        part: Float32Array = self.up[layer, row, 0, rank : rank + self._rank, start : start + self._widths[place]]
        return part


class Rows:
    """All rows of a batch.

    Cells of a row's cache beyond its length are zero. A batch is computed over the longest of its rows and the cells
    beyond the others' lengths are masked; but not even a mask keeps out what is not finite (0 times infinity is no
    number), so what one answer left behind must be gone before the next one takes its row.

    Attributes:
        lengths: (rows,), tokens already in each row's cache; a row that was left keeps its length until it is reused.
        keys: (layers, rows, kv_heads, context, head_width); the values likewise.
        lora: the low-rank factors of each group of projections.
        adapters: the token of each row's adapter; None for the base alone.
    """

    def __init__(self, shape: ModelShape, count: int, context_tokens: int, rank: int) -> None:
        cache = (shape.layers, count, shape.kv_heads, context_tokens, shape.head_width)
        self.lengths = np.zeros(count, np.int64)
        self.keys: Float32Array = np.zeros(cache, np.float32)
        self.values: Float32Array = np.zeros(cache, np.float32)
        self.lora = {group: LoraRows(shape, names, count, rank) for group, names in GROUPS.items()}
        self.adapters: list[object | None] = [None] * count

    def attach(self, row: int, adapter: AdapterWeights | None) -> None:
        """Starts an answer in this row, with nothing in its cache."""
        self._empty(row, 0)
        token = None if adapter is None else adapter.token
        if token is not self.adapters[row]:  # else its factors are there already
            for group in self.lora.values():
                group.attach(row, adapter)
        self.adapters[row] = token

    def move(self, source: int, target: int) -> None:
        """Moves an answer to another row; the source row is free afterwards."""
        if source == target:
            return
        length = int(self.lengths[source])
        self._empty(target, length)
        self.keys[:, target, :, :length] = self.keys[:, source, :, :length]
        self.values[:, target, :, :length] = self.values[:, source, :, :length]
        self.lengths[target] = length
        if self.adapters[source] is not self.adapters[target]:
            for group in self.lora.values():
                group.move(source, target)
        self.adapters[target] = self.adapters[source]

    def reset(self) -> None:
        """Empties all rows, after a step that broke off somewhere."""
        self.keys[:] = 0
        self.values[:] = 0
        self.lengths[:] = 0

    def _empty(self, row: int, start: int) -> None:
        """Zeroes what the row holds from cell `start` on."""
        length = int(self.lengths[row])
        self.keys[:, row, :, start:length] = 0
        self.values[:, row, :, start:length] = 0
        self.lengths[row] = start
