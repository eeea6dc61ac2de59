"""Trains adapters over the shipped base on halves of the contributors, and keeps what they make of every answer.

Runs in the environment of scripts/train:  python -m benchmarks.quality.retraining PLAN.json PART OUT.json
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.nn import functional
from transformers import LlamaForCausalLM
from transformers.utils import logging

from benchmarks.quality.plan import Plan
from ledger.attribution.standard import standard_method
from ledger.protocol.attribution.prior import PriorFile, prior_bytes
from scripts.training.adapters import ALPHA, RANK, TARGETS
from scripts.training.influence import dataset_directions, token_influence, window_gradients
from scripts.training.prior import CAP, METHOD, MOST_WORDS, spread
from scripts.training.word_weights import passages, weigh

if TYPE_CHECKING:
    from benchmarks.quality.bed import Bed

BATCH = 16
EPOCHS = 4
PEAK_LEARNING_RATE = 1e-2


class Trainer:
    """One adapter that is trained again and again from fresh random weights."""

    def __init__(self, plan: Plan, bed: Bed) -> None:
        base = LlamaForCausalLM.from_pretrained(Path(plan.models) / "base", dtype=torch.float32)
        config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=TARGETS, task_type="CAUSAL_LM")
        self.model: PeftModel = get_peft_model(base, config)
        self._named = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        self._chunks = [torch.tensor(c.chunks) for c in bed.contributors]
        self._answers = torch.tensor([answer.tokens for answer in bed.answers])

    def train(self, subset: tuple[int, ...], seed: int) -> None:
        """An adapter of these contributors alone."""
        generator = torch.Generator().manual_seed(seed)
        self._reset(generator)
        windows = torch.cat([self._chunks[number] for number in subset])
        parameters = [p for _, p in self._named]
        optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.95), weight_decay=0.01)
        steps, step = EPOCHS * math.ceil(len(windows) / BATCH), 0
        self.model.train()
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(windows), generator=generator).split(BATCH):
                for group in optimizer.param_groups:
                    group["lr"] = _rate(step, steps)
                self._loss(windows[rows]).backward()
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                step += 1

    def losses(self) -> list[float]:
        """Mean loss a token of every answer."""
        self.model.eval()
        with torch.no_grad():
            logits = self.model(input_ids=self._answers[:, :-1]).logits.float()
        losses = functional.cross_entropy(logits.transpose(1, 2), self._answers[:, 1:], reduction="none")
        return [float(loss) for loss in losses.mean(dim=1)]

    def _loss(self, batch: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.model(input_ids=batch[:, :-1]).logits
        return functional.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())

    def _reset(self, generator: torch.Generator) -> None:
        for name, parameter in self._named:
            if "lora_A" in name:
                bound = 1 / math.sqrt(parameter.shape[1])
                parameter.data = torch.empty_like(parameter).uniform_(-bound, bound, generator=generator)
            else:
                parameter.data.zero_()


def _rate(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / (0.1 * steps))
    return PEAK_LEARNING_RATE * warm * (0.1 + 0.45 * (1 + math.cos(math.pi * step / steps)))


def retrained(plan: Plan, part: int) -> list[dict[str, Any]]:
    """Every subset of this part: its number, and the answers' losses by seed."""
    bed = plan.bed()
    trainer, rows = Trainer(plan, bed), []
    for number in range(part, plan.subsets, plan.parts):
        losses = []
        for seed in range(plan.seeds):
            trainer.train(bed.subsets[number], 1_000 * (number + 1) + seed)
            losses.append(trainer.losses())
        rows.append({"subset": number, "losses": losses})
        print(f"{number}", flush=True)
    return rows


def gradient_scores(plan: Plan) -> dict[str, Any]:
    """From one adapter of all contributors: its prior, and DataInf and grad-dot for every answer, by contributor."""
    bed = plan.bed()
    trainer, size = Trainer(plan, bed), len(bed.contributors)
    trainer.train(tuple(range(size)), 1)
    gradients = window_gradients(trainer.model, [torch.tensor(c) for one in bed.contributors for c in one.chunks])
    answers = [torch.tensor(answer.tokens) for answer in bed.answers]
    asked = window_gradients(trainer.model, answers)
    products = torch.stack([v.double() @ g.double().T for v, g in zip(asked, gradients, strict=True)]).sum(dim=0)
    directions = dataset_directions(gradients, [plan.chunks] * size)
    influence = [
        [float(t.mean()) for t in token_influence(trainer.model, direction, answers)] for direction in directions
    ]
    known, prior = _prior(plan, bed, trainer, directions)
    return {
        "grad_dot": products.view(len(answers), size, plan.chunks).sum(dim=2).tolist(),
        "datainf": torch.tensor(influence).T.tolist(),
        "datainf_known": known,
        "prior": prior_bytes(prior).decode(),
    }


def _prior(plan: Plan, bed: Bed, trainer: Trainer, directions: list[Any]) -> tuple[list[float], PriorFile]:
    """Influence on known text as a whole, and the prior as scripts/train makes it; contributor k is content k + 1."""
    folding = standard_method().folding
    texts = sorted({contributor.known for contributor in bed.contributors})
    each = [spread(list(passages(bed.tokenizer, folding, text, 64)), plan.known_passages) for text in texts]
    found = [passage for some in each for passage in some]
    windows = [passage.window for passage in found]
    influence = [token_influence(trainer.model, direction, windows) for direction in directions]
    table = weigh(found, influence, MOST_WORDS)
    known = [float(torch.cat(of_tokens).sum()) for of_tokens in influence]
    size = len(directions)
    hashes = tuple((number + 1).to_bytes(32, "big") for number in range(size))
    most = (min(1_000_000, CAP * 1_000_000 // size),) * size
    return known, PriorFile(METHOD, hashes, most, table.other, table.words)


def main(plan_file: Path, part: str, out: Path) -> None:
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    plan = Plan(**json.loads(plan_file.read_text()))
    found = gradient_scores(plan) if part == "gradients" else retrained(plan, int(part))
    out.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
