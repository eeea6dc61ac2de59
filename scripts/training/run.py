"""The whole training run: tokenizer, base, adapters, cards, manifest. Called by scripts/train."""

import argparse
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import GenerationConfig, LlamaForCausalLM
from transformers.utils import logging

from scripts.training import base, cards, examples
from scripts.training.adapters import ADAPTERS, AdapterPlan, save_adapter, train_adapter
from scripts.training.corpus import WORKS, read_split, text_sha256, work_named
from scripts.training.manifest import BASE_NAME, BASE_WORKS, write_manifest
from scripts.training.prior import write_prior
from scripts.training.vocabulary import CONTEXT_TOKENS, save_tokenizer, train_tokenizer

BASE_SEED = 1
BASE_PHASES = (base.Phase(2_400, 256, 4), base.Phase(200, CONTEXT_TOKENS, 3))
BASE_PEAK_LEARNING_RATE = 6e-3


class Run:
    """One training run over the datasets in `models_path`, written into the same folder."""

    def __init__(self, models_path: Path, shorten: int) -> None:
        self.models_path = models_path
        self._shorten = shorten
        self._splits = {work.name: read_split(work, models_path / "datasets") for work in WORKS}
        self._started = time.monotonic()

    def everything(self, *, keep_base: bool) -> None:
        """Trains the tokenizer and the base (unless they are kept), then every adapter."""
        if keep_base:
            tokenizer = Tokenizer.from_file(str(self.models_path / "base" / "tokenizer.json"))
        else:
            tokenizer = self._tokenizer()
            self._base(tokenizer)
        for plan in ADAPTERS:
            self._adapter(tokenizer, plan)
        write_manifest(self.models_path)
        self._say("manifest.json written")

    def _tokenizer(self) -> Tokenizer:
        self._empty("base")
        tokenizer = train_tokenizer(self._training_blocks())
        save_tokenizer(tokenizer, self.models_path / "base")
        self._say(f"tokenizer of {tokenizer.get_vocab_size():,} tokens")
        return tokenizer

    def _base(self, tokenizer: Tokenizer) -> None:
        model = base.new_base(BASE_SEED)
        before = self._losses(model, tokenizer, BASE_WORKS)
        phases = tuple(self._shortened(phase) for phase in BASE_PHASES)
        schedule = base.Schedule(BASE_PEAK_LEARNING_RATE, 50, sum(phase.steps for phase in phases))
        optimizers, step = base.base_optimizers(model), 0
        for number, phase in enumerate(phases):
            windows = examples.windows(
                tokenizer, self._training_blocks(), phase.window_tokens, phase.windows, BASE_SEED + number
            )
            for done, loss in base.fit(model, base.batched(windows, phase), optimizers, schedule, step):
                if done % 100 == 0:
                    self._say(f"base step {done:,}: training loss {loss:.3f}")
            step += phase.steps
        folder = self.models_path / "base"
        model.half().save_pretrained(folder)
        (folder / "model.safetensors").chmod(0o644)
        GenerationConfig(bos_token_id=0, eos_token_id=0, pad_token_id=0).save_pretrained(folder)
        after = self._losses(self._shipped_base(), tokenizer, BASE_WORKS)
        self._card("base", BASE_NAME, None, BASE_WORKS, before, after)
        self._say(f"base: {_changes(before, after)}")

    def _adapter(self, tokenizer: Tokenizer, plan: AdapterPlan) -> None:
        path = f"adapters/{plan.name}"
        folder = self._empty(path)
        before = self._losses(self._shipped_base(), tokenizer, plan.works)
        shortened = replace(plan, phase=self._shortened(plan.phase))
        trained = train_adapter(self._shipped_base(), tokenizer, shortened, [self._splits[name] for name in plan.works])
        save_adapter(trained, folder, BASE_NAME)
        after = self._losses(
            PeftModel.from_pretrained(self._shipped_base(), str(folder)).float(), tokenizer, plan.works
        )
        self._card(path, f"{BASE_NAME}:{plan.name}", plan, plan.works, before, after)
        shipped = PeftModel.from_pretrained(self._shipped_base(), str(folder)).float()
        prior = write_prior(shipped, tokenizer, folder, self.models_path / "datasets", plan.works)
        self._say(f"{plan.name}: {_changes(before, after)}; prior by {prior.method}")

    def _card(
        self,
        path: str,
        name: str,
        plan: AdapterPlan | None,
        works: tuple[str, ...],
        before: dict[str, float],
        after: dict[str, float],
    ) -> None:
        folder = self.models_path / path
        weights = folder / ("adapter_model.safetensors" if plan else "model.safetensors")
        authors = sorted({work_named(name).author.partition(" (")[0] for name in works})
        cards.write_cards(
            folder,
            cards.Result(
                name=name,
                description=(
                    f"A LoRA adapter over `{BASE_NAME}` that writes in the manner of {' and '.join(authors)}."
                    if plan
                    else "A small Llama-shaped language model of English letters from 1590 to 1813."
                ),
                parent=BASE_NAME if plan else None,
                seed=plan.seed if plan else BASE_SEED,
                phases=tuple(self._shortened(phase) for phase in ((plan.phase,) if plan else BASE_PHASES)),
                peak_learning_rate=plan.peak_learning_rate if plan else BASE_PEAK_LEARNING_RATE,
                optimizer="AdamW" if plan else "Muon (matrices) and AdamW (embedding, norms)",
                works=tuple(work_named(name) for name in works),
                text_sha256={name: text_sha256(work_named(name), self.models_path / "datasets") for name in works},
                losses={name: (before[name], after[name]) for name in works},
                parameters=_parameters(weights),
            ),
        )

    def _losses(self, model: torch.nn.Module, tokenizer: Tokenizer, works: tuple[str, ...]) -> dict[str, float]:
        windows = {name: examples.held_out_windows(tokenizer, self._splits[name].held_out, 256) for name in works}
        return {name: base.held_out_loss(model, cut) for name, cut in windows.items()}

    def _shipped_base(self) -> LlamaForCausalLM:
        """The base as shipped: float16 weights, computed in float32."""
        return LlamaForCausalLM.from_pretrained(self.models_path / "base", dtype=torch.float32)

    def _training_blocks(self) -> list[str]:
        return [block for name in BASE_WORKS for block in self._splits[name].train]

    def _shortened(self, phase: base.Phase) -> base.Phase:
        return base.Phase(max(1, phase.steps // self._shorten), phase.window_tokens, phase.windows_a_step)

    def _empty(self, path: str) -> Path:
        folder = self.models_path / path
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _say(self, line: str) -> None:
        print(f"{time.monotonic() - self._started:7.1f} s  {line}", flush=True)


def _changes(before: dict[str, float], after: dict[str, float]) -> str:
    return ", ".join(f"{name} {before[name]:.3f} → {after[name]:.3f}" for name in before)


def _parameters(weights: Path) -> int:
    from safetensors import safe_open  # noqa: PLC0415 - only here

    with safe_open(weights, framework="pt") as tensors:
        return sum(tensors.get_tensor(name).numel() for name in tensors.keys())  # noqa: SIM118 - not a mapping


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="scripts/train", description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder with datasets/ (default: models)")
    parser.add_argument("--shorten", type=int, default=1, help="divide every number of steps by this, to try it out")
    parser.add_argument("--keep-base", action="store_true", help="train the adapters only, over the base that is there")
    options = parser.parse_args(arguments)
    if not (options.models / "datasets").is_dir():
        sys.exit(f"{options.models} holds no folder datasets to learn from.")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    Run(options.models, options.shorten).everything(keep_base=options.keep_base)


if __name__ == "__main__":
    main(sys.argv[1:])
