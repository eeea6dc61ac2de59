"""Commits a prior to every adapter: prior.json in its folder, from its own training gradients.

    python -m scripts.training.prior models

makes it for adapters that are there; scripts/train does the same after training. The file is part of the folder's
content, so the contentHash under which the adapter is registered covers it (docs/spec/prior.md).
"""

import hashlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM
from transformers.utils import logging

from ledger.attribution.standard import standard_method
from ledger.protocol.attribution.prior import PRIOR_FILE, PriorFile, parse_prior, prior_bytes
from ledger.protocol.content import ContentFile, content_hash
from scripts.training import examples
from scripts.training.adapters import ADAPTERS
from scripts.training.corpus import Split, read_split, work_named
from scripts.training.influence import dataset_directions, token_influence, window_gradients
from scripts.training.manifest import write_manifest
from scripts.training.word_weights import Passage, Table, passages, weigh

METHOD = "datainf-words/1"
ONE_DATASET = "one-dataset/1"
WINDOW_TOKENS = 256
MOST_WINDOWS = 128
"""Training windows of a work that are looked at, evenly spread; the others count as like them."""
MOST_PASSAGES = 64
"""Held-out passages of a work that the datasets' influence is measured on."""
MOST_WORDS = 2_048
CAP = 4
"""No dataset gets more of the rest than this times its part of the training tokens: a poisoned text can inflate its
own influence several times over (arXiv 2409.05657)."""

_T = TypeVar("_T")


def write_prior(
    model: PeftModel, tokenizer: Tokenizer, folder: Path, datasets: Path, works: Sequence[str]
) -> PriorFile:
    """Makes an adapter's prior and writes it into its folder."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
    hashes = {folder_content_hash(datasets / name): name for name in works}
    splits = [read_split(work_named(hashes[digest]), datasets) for digest in sorted(hashes)]
    if len(splits) == 1:
        prior = PriorFile(ONE_DATASET, tuple(hashes), (1_000_000,), (1,), {})
    else:
        tokens = [sum(map(len, _windows(tokenizer, split.train))) for split in splits]
        most = tuple(min(1_000_000, CAP * 1_000_000 * count // sum(tokens)) for count in tokens)
        table = table_of(model, tokenizer, splits)
        prior = PriorFile(METHOD, tuple(sorted(hashes)), most, table.other, table.words)
    content = prior_bytes(prior)
    parse_prior(content)
    (folder / PRIOR_FILE).write_bytes(content)
    return prior


def table_of(model: torch.nn.Module, tokenizer: Tokenizer, splits: Sequence[Split]) -> Table:
    """DataInf of each work's training windows on the words of all works' held-out text."""
    folding = standard_method().folding
    learnt = [_windows(tokenizer, split.train) for split in splits]
    looked_at = [spread(windows, MOST_WINDOWS) for windows in learnt]
    gradients = window_gradients(model, [window for windows in looked_at for window in windows])
    found: list[Passage] = []
    for split in splits:
        cut = [p for block in split.held_out for p in passages(tokenizer, folding, block, WINDOW_TOKENS)]
        found += spread(cut, MOST_PASSAGES)
    influence = []
    for direction, all_windows, some in zip(
        dataset_directions(gradients, [len(windows) for windows in looked_at]), learnt, looked_at, strict=True
    ):
        of_some = token_influence(model, direction, [passage.window for passage in found])
        influence.append([values * (len(all_windows) / len(some)) for values in of_some])
    return weigh(found, influence, MOST_WORDS)


def folder_content_hash(folder: Path) -> bytes:
    """The contentHash of a folder of files."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith(".")]
    return content_hash(
        ContentFile(f.relative_to(folder).as_posix(), f.stat().st_size, hashlib.sha256(f.read_bytes()).digest())
        for f in files
    )


def _windows(tokenizer: Tokenizer, blocks: Sequence[str]) -> list[torch.Tensor]:
    return examples.held_out_windows(tokenizer, blocks, WINDOW_TOKENS)


def spread(items: list[_T], most: int) -> list[_T]:
    """At most so many of them, evenly spread."""
    return items if len(items) <= most else [items[len(items) * i // most] for i in range(most)]


def main(models: Path) -> None:
    """Makes the prior of every adapter in the folder and writes the manifest again."""
    began = time.monotonic()
    tokenizer = Tokenizer.from_file(str(models / "base" / "tokenizer.json"))
    for plan in ADAPTERS:
        base = LlamaForCausalLM.from_pretrained(models / "base", dtype=torch.float32)
        folder = models / "adapters" / plan.name
        model = PeftModel.from_pretrained(base, str(folder)).float()
        prior = write_prior(model, tokenizer, folder, models / "datasets", plan.works)
        print(f"{time.monotonic() - began:7.1f} s  {plan.name}: {prior.method}, other {prior.other}", flush=True)
    write_manifest(models)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "adapters").is_dir():
        sys.exit("Say the folder of the models: python -m scripts.training.prior models")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    main(Path(sys.argv[1]))
