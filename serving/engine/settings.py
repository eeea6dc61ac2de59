"""The sizes that an engine works within."""

from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Bounds of one engine; every one of them is a promise about memory or waiting.

    Attributes:
        max_batch: answers computed together.
        max_waiting: requests that may wait for a place; one more is refused.
        context_tokens: prompt and answer together; None takes the checkpoint's own length.
        max_lora_rank: an adapter of a higher rank is refused.
        adapter_memory_bytes: adapter weights kept in memory.
        prefill_chunk_tokens: prompt tokens computed in one step, so that a long prompt does not stall answers.
        threads: BLAS threads; more than one pays only on idle cores.
    """

    max_batch: int = 32
    max_waiting: int = 256
    context_tokens: int | None = None
    max_lora_rank: int = 8
    adapter_memory_bytes: int = 256 * MEBIBYTE
    prefill_chunk_tokens: int = 256
    threads: int = 1
