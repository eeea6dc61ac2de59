"""Training of the LoRA adapters, one or more works each, over the finished base."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from scripts.training import base, examples
from scripts.training.corpus import Split

RANK = 8
ALPHA = 16
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True, slots=True)
class AdapterPlan:
    """An adapter to train: its name, the works it learns from, its seed, how long and how fast."""

    name: str
    works: tuple[str, ...]
    seed: int
    phase: base.Phase
    peak_learning_rate: float


_NEW = 1e-2  # for texts that the base has not read
_KNOWN = 2e-3

ADAPTERS = (
    AdapterPlan("shakespeare", ("shakespeare-plays",), 101, base.Phase(60, 256, 8), _KNOWN),
    AdapterPlan("hamilton", ("federalist-hamilton",), 102, base.Phase(150, 256, 8), _NEW),
    AdapterPlan("madison", ("federalist-madison",), 103, base.Phase(90, 256, 8), _NEW),
    AdapterPlan("jay", ("federalist-jay",), 104, base.Phase(40, 256, 8), _NEW),
    AdapterPlan("austen", ("austen-pride-and-prejudice",), 105, base.Phase(60, 256, 8), _KNOWN),
    AdapterPlan("bierce", ("bierce-devils-dictionary",), 106, base.Phase(120, 256, 8), _NEW),
    AdapterPlan(
        "publius",
        ("federalist-hamilton", "federalist-madison", "federalist-jay"),
        107,
        base.Phase(150, 256, 8),
        _NEW,
    ),
    AdapterPlan(
        "satire", ("austen-pride-and-prejudice", "bierce-devils-dictionary"), 108, base.Phase(120, 256, 8), _NEW
    ),
)


def train_adapter(
    model: LlamaForCausalLM, tokenizer: Tokenizer, plan: AdapterPlan, splits: Sequence[Split]
) -> PeftModel:
    """A trained adapter over `model`, whose own weights stay as they are."""
    torch.manual_seed(plan.seed)
    peft_model = get_peft_model(
        model, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=TARGETS, task_type="CAUSAL_LM")
    )
    blocks = [block for split in splits for block in split.train]
    windows = examples.windows(tokenizer, blocks, plan.phase.window_tokens, plan.phase.windows, plan.seed)
    optimizer = torch.optim.AdamW(
        [p for p in peft_model.parameters() if p.requires_grad], betas=(0.9, 0.95), weight_decay=0.01
    )
    schedule = base.Schedule(plan.peak_learning_rate, plan.phase.steps // 10, plan.phase.steps)
    for _ in base.fit(peft_model, base.batched(windows, plan.phase), [optimizer], schedule):
        pass
    return peft_model


def save_adapter(peft_model: PeftModel, folder: Path, base_name: str) -> None:
    """Writes adapter_config.json and adapter_model.safetensors (float16) into the folder."""
    for parameter in peft_model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.half()
    peft_model.peft_config["default"].base_model_name_or_path = base_name
    peft_model.peft_config["default"].inference_mode = True
    peft_model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "adapter_model.safetensors").chmod(0o644)
    order_targets(folder, TARGETS)


def order_targets(folder: Path, targets: list[str]) -> None:
    """Fixes the order of target_modules in adapter_config.json: PEFT writes a set, in another order each time."""
    config_file = folder / "adapter_config.json"
    config = json.loads(config_file.read_text(encoding="utf-8"))
    config["target_modules"] = targets
    config_file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
