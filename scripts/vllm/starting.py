"""How to start a vLLM with the shipped weights."""

from __future__ import annotations

from ledger.config import CHECKOUT

BASE = "quill"
HOW_TO_START = f"""\
./scripts/check-vllm ADDRESS [--node-models DIR] [--api-key-file FILE]

puts a gateway of its own (with a devnet and a PostgreSQL of its own) before the vLLM at ADDRESS and runs the client
suite through it: models, chats, completions, streams, tools' fields, log-probabilities, stops, cut streams, and
adapters loaded at run time. DIR is the folder `models` as that vLLM sees it, if it is another machine.

To start one with the shipped weights, in an environment that has vLLM:

    export VLLM_ALLOW_RUNTIME_LORA_UPDATING=True     # the gateway loads adapters when they are first asked for
    vllm serve {CHECKOUT}/models/base --served-model-name quill --host 127.0.0.1 --port 8100 \\
        --enable-lora --max-lora-rank 8 --max-loras 4 --max-cpu-loras 32

on a GPU; on a CPU, with vLLM's CPU build, add

        --dtype float32 --enforce-eager --max-num-seqs 8

and set VLLM_CPU_KVCACHE_SPACE=1 (GiB). Runtime loading is an administrator's interface: let nobody but the gateway
reach that port. Then: ./scripts/check-vllm http://127.0.0.1:8100/v1
"""
