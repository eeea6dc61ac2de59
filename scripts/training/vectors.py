"""Reference logits and greedy answers, computed by transformers and PEFT, for the engine's tests.

    python -m scripts.training.vectors models tests/unit/engine/reference

Written: `shipped.json` and `shipped.npz` over the shipped weights, `chats.json` over the chat template, and `tiny/`: a
random checkpoint of another shape (own head width, no shared embedding, bfloat16 weights, another rotary base) with an
adapter of another kind (rank 3, rank-stabilised scaling, some projections only) and its reference.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from scripts.training.adapters import order_targets

PROMPTS = {
    "": "It is a truth universally acknowledged, that",
    "shakespeare": "ROMEO:\nWhat light is this",
    "hamilton": "To the People of the State of New York:\n\nThe necessity of a",
    "madison": "The powers delegated by the proposed Constitution",
    "jay": "Safety from external danger",
    "austen": "“My dear Mr. Bennet,” said",
    "bierce": "POLITICS, n.",
    "publius": "An objection of a nature",
    "satire": "MARRIAGE, n.",
}
ANSWER_TOKENS = 40

CHATS = [
    [{"role": "user", "content": "What light is this?"}],
    [{"role": "system", "content": " Be brief.\n"}, {"role": "user", "content": "“Who's there?”\n\nStand!"}],
    [
        {"role": "developer", "content": "Speak as a senator."},
        {"role": "user", "content": "Naïve — {{ braces }} {% and %} <b>tags</b> 😀"},
        {"role": "assistant", "content": "Ay."},
        {"role": "user", "content": ""},
    ],
]


def write_shipped(models_path: Path, folder: Path) -> None:
    """References over the shipped base (the empty name) and every adapter."""
    tokenizer = Tokenizer.from_file(str(models_path / "base" / "tokenizer.json"))
    cases, logits = {}, {}
    for name, prompt in PROMPTS.items():
        model: torch.nn.Module = LlamaForCausalLM.from_pretrained(models_path / "base", dtype=torch.float32)
        if name:
            model = PeftModel.from_pretrained(model, str(models_path / "adapters" / name)).float()
        ids = tokenizer.encode(prompt).ids
        cases[name] = {"prompt_ids": ids, "greedy_ids": _greedy(model, ids, ANSWER_TOKENS)}
        logits[name or "base"] = _last_logits(model, ids)
    (folder / "shipped.json").write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")
    np.savez_compressed(folder / "shipped.npz", **logits)


def write_chats(models_path: Path, folder: Path) -> None:
    """Chats as transformers renders and encodes them with the shipped tokenizer and its template."""
    tokenizer = AutoTokenizer.from_pretrained(models_path / "base")
    cases = [
        {
            "messages": messages,
            "text": tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True),
            "ids": tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False),
        }
        for messages in CHATS
    ]
    (folder / "chats.json").write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")


def write_tiny(folder: Path) -> None:
    """A random checkpoint of another shape, its adapter, and their references."""
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=67,
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=8,
        max_position_embeddings=64,
        tie_word_embeddings=False,
        rms_norm_eps=1e-5,
        rope_theta=500.0,
        initializer_range=0.3,
        eos_token_id=[1, 2],
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    targets = ["q_proj", "v_proj", "up_proj"]
    lora = LoraConfig(r=3, lora_alpha=5, use_rslora=True, target_modules=targets)
    peft_model = get_peft_model(LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32), lora)
    for parameter in peft_model.parameters():
        if parameter.requires_grad:
            parameter.data = torch.randn_like(parameter)
    peft_model.peft_config["default"].base_model_name_or_path = "tiny"
    peft_model.save_pretrained(folder / "adapter", save_embedding_layers=False)
    order_targets(folder / "adapter", targets)
    (folder / "adapter" / "README.md").unlink()
    for file in folder.rglob("*.safetensors"):
        file.chmod(0o644)
    ids = [5, 66, 0, 12, 12, 33, 41, 7, 8, 9]
    with peft_model.disable_adapter():
        base = _all_logits(peft_model, ids)
    np.savez_compressed(folder / "logits.npz", ids=np.array(ids), base=base, adapted=_all_logits(peft_model, ids))


def _all_logits(model: torch.nn.Module, ids: list[int]) -> np.ndarray:
    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([ids])).logits[0].float().numpy()


def _last_logits(model: torch.nn.Module, ids: list[int]) -> np.ndarray:
    return _all_logits(model, ids)[-1]


def _greedy(model: torch.nn.Module, ids: list[int], count: int) -> list[int]:
    """The likeliest continuation, token by token, without a cache and past any end-of-text token."""
    answer: list[int] = []
    for _ in range(count):
        answer.append(int(_last_logits(model, ids + answer).argmax()))
    return answer


if __name__ == "__main__":
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    target = Path(sys.argv[2])
    (target / "tiny").mkdir(parents=True, exist_ok=True)
    write_shipped(Path(sys.argv[1]), target)
    write_chats(Path(sys.argv[1]), target)
    write_tiny(target / "tiny")
