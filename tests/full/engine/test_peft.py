"""The engine beside PEFT itself: one mixed batch, token by token, whatever the tokens and whoever sits beside whom."""

from dataclasses import dataclass

import numpy as np
import pytest

from serving.engine.adapter import read_adapter
from serving.engine.checkpoint import read_checkpoint
from serving.engine.files import read_folder
from serving.engine.forward import ForwardPass
from serving.engine.rows import Rows
from tests.factories.training_environment import CHECKOUT, run, training_python

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

MODELS = CHECKOUT / "models"
LIMIT = 1 << 30
CLOSE = 1e-4  # logits are of size 10; float32 sums in another order differ by about 1e-5


@dataclass
class Teller:
    """A mixed batch that is told its tokens: logits are compared at each place, so that no near-tie decides."""

    forward: ForwardPass
    ids: np.ndarray
    logits: np.ndarray
    taken: list[int]
    worst: float = 0.0

    def step(self, prompt: int = 0) -> None:
        """Every row that has begun takes its next token; the row after them, if `prompt` is given, its first ones."""
        decoding = len(self.taken)
        more = self.ids[decoding, :prompt].tolist() if prompt else []
        answer = self.forward.advance([int(self.ids[row, at]) for row, at in enumerate(self.taken)], more)
        self.taken = [at + 1 for at in self.taken] + ([prompt] if prompt else [])
        for row, at in enumerate(self.taken):
            self.worst = max(self.worst, float(np.abs(answer[row] - self.logits[row, at - 1]).max()))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_mixed_batch_gives_peft_s_logits_at_every_token(tmp_path, seed):
    run(training_python(), "-m", "scripts.training.mixed_batch", MODELS, seed, tmp_path / "peft.npz")
    peft = np.load(tmp_path / "peft.npz")
    names, ids, logits = peft["names"].tolist(), peft["ids"], peft["logits"]
    base = read_checkpoint(read_folder(MODELS / "base", LIMIT))
    rows = Rows(base.shape, len(names), ids.shape[1], 8)
    teller = Teller(ForwardPass(base, rows, ids.shape[1]), ids, logits, [])
    for row, name in enumerate(names):  # each prompt, of another length, is taken in while the rows before it decode
        adapter = read_adapter(read_folder(MODELS / "adapters" / name, LIMIT), base.shape, 8) if name else None
        rows.attach(row, adapter)
        teller.step(prompt=1 + (7 * row + seed) % 20)
    while max(teller.taken) < ids.shape[1]:
        teller.step()
    assert teller.worst < CLOSE
    assert len(set(names)) > 5


def test_the_comparison_notices_one_row_with_another_one_s_adapter(tmp_path):
    run(training_python(), "-m", "scripts.training.mixed_batch", MODELS, 4, tmp_path / "peft.npz")
    peft = np.load(tmp_path / "peft.npz")
    names, ids, logits = peft["names"].tolist(), peft["ids"], peft["logits"]
    base = read_checkpoint(read_folder(MODELS / "base", LIMIT))
    for row, name in enumerate(names):
        wrong = "jay" if name != "jay" else "austen"
        rows = Rows(base.shape, 1, ids.shape[1], 8)
        rows.attach(0, read_adapter(read_folder(MODELS / "adapters" / wrong, LIMIT), base.shape, 8))
        answer = ForwardPass(base, rows, ids.shape[1]).advance([], ids[row].tolist())[0]
        assert np.abs(answer - logits[row, -1]).max() > 100 * CLOSE
