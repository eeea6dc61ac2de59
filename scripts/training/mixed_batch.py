"""Logits of one batch whose rows go through different adapters, as PEFT computes them, for the engine's test.

    python -m scripts.training.mixed_batch models SEED FILE.npz

Written: `names` (one adapter a row, empty for the base alone), `ids` (rows, tokens) and `logits` (rows, tokens,
vocabulary), of tokens drawn at random.
"""

import random
import sys
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from transformers import LlamaForCausalLM
from transformers.utils import logging

ROWS, TOKENS = 20, 48
BASE_ALONE = "__base__"
"""What PEFT calls a row that goes through no adapter."""


def adapted(models_path: Path, names: list[str]) -> torch.nn.Module:
    """The base with every adapter attached, in float32."""
    base = LlamaForCausalLM.from_pretrained(models_path / "base", dtype=torch.float32)
    folder = models_path / "adapters"
    model = PeftModel.from_pretrained(base, str(folder / names[0]), adapter_name=names[0])
    for name in names[1:]:
        model.load_adapter(str(folder / name), adapter_name=name)
    return model.float().eval()


def main(models_path: Path, seed: int, file: Path) -> None:
    names = sorted(folder.name for folder in (models_path / "adapters").iterdir())
    model = adapted(models_path, names)
    rng = random.Random(seed)  # noqa: S311  a reference must repeat, it guards nothing
    rows = [rng.choice(["", *names]) for _ in range(ROWS)]
    ids = [[rng.randrange(model.config.vocab_size) for _ in range(TOKENS)] for _ in rows]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor(ids), adapter_names=[name or BASE_ALONE for name in rows]).logits
    np.savez(file, names=np.array(rows), ids=np.array(ids), logits=logits.numpy())


if __name__ == "__main__":
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
