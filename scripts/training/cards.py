"""What each folder of weights says about itself: a model card for people, training.json for programs."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scripts.training.base import Phase
from scripts.training.corpus import Work

LICENCE = "Apache-2.0"
_PRIOR = (
    "- `prior.json` is the adapter's committed prior: what each text did for which word in training "
    "(docs/spec/prior.md)."
)
WEIGHTS_FILES = ("model.safetensors", "adapter_model.safetensors", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class Result:
    """What a training run was and what it reached.

    Attributes:
        losses: by dataset, mean negative log-likelihood a held-out token in nats, before and after.
    """

    name: str
    description: str
    parent: str | None
    seed: int
    phases: tuple[Phase, ...]
    peak_learning_rate: float
    optimizer: str
    works: tuple[Work, ...]
    text_sha256: dict[str, str]
    losses: dict[str, tuple[float, float]]
    parameters: int


def write_cards(folder: Path, result: Result) -> None:
    """Writes README.md and training.json beside the weights."""
    (folder / "training.json").write_text(json.dumps(_record(folder, result), indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_card(folder, result), encoding="utf-8")


def _record(folder: Path, result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "parent": result.parent,
        "licence": LICENCE,
        "parameters": result.parameters,
        "seed": result.seed,
        "optimizer": result.optimizer,
        "peak_learning_rate": result.peak_learning_rate,
        "phases": [asdict(phase) for phase in result.phases],
        "datasets": [{"name": work.name, "text_sha256": result.text_sha256[work.name]} for work in result.works],
        "held_out_loss": {
            name: {"before": round(before, 4), "after": round(after, 4)}
            for name, (before, after) in result.losses.items()
        },
        "weights_sha256": _digests(folder),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "tokenizers")},
        "machine": platform.machine(),
    }


def _digests(folder: Path) -> dict[str, str]:
    present = [name for name in WEIGHTS_FILES if (folder / name).exists()]
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in present}


def _card(folder: Path, result: Result) -> str:
    datasets = "\n".join(f"- {work.name}" for work in result.works)
    parent = f"base_model: {result.parent}\nlibrary_name: peft\n" if result.parent else "library_name: transformers\n"
    rows = "\n".join(
        f"| {work.title}, {work.author} | `{result.text_sha256[work.name]}` | {result.losses[work.name][0]:.3f} | "
        f"{result.losses[work.name][1]:.3f} |"
        for work in result.works
    )
    prior = f"{_PRIOR}\n" if result.parent else ""
    digests = "\n".join(f"- `{name}`: SHA-256 `{digest}`" for name, digest in _digests(folder).items())
    steps = ", then ".join(
        f"{phase.steps:,} steps of {phase.windows_a_step} windows of {phase.window_tokens} tokens"
        for phase in result.phases
    )
    return f"""---
license: apache-2.0
language: en
pipeline_tag: text-generation
{parent}datasets:
{datasets}
---
# {result.name}

{result.description} {result.parameters:,} parameters, float16.

| learnt from | SHA-256 of its text.txt | held-out loss before | after |
|---|---|---|---|
{rows}

Loss is the mean negative log-likelihood a token, in nats, over the tenth of each text that was held out from training
(every tenth block of whole paragraphs). "Before" is {"the base alone" if result.parent else "random weights"}; "after"
is measured with the float16 weights in this folder.

- Training: {steps}; {result.optimizer}, peak learning rate {result.peak_learning_rate:g}, seed {result.seed}.
  `scripts/train` repeats it; `training.json` has every number and the versions used.
{digests}
{prior}- Licence of the weights: {LICENCE}. The texts are in the public domain; their own cards are under `models/datasets`.
- It writes in the manner of its authors and knows nothing: it is small enough to run anywhere, and its purpose is to
  show an attribution ledger at work on real weights.
"""
