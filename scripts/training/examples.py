"""Training text as token windows: plain passages, and passages set as a chat turn and its continuation."""

import random
from collections.abc import Iterator, Sequence

import torch
from tokenizers import Tokenizer

from scripts.training.vocabulary import ASSISTANT, END, USER

PROMPT_CHARACTERS = 240
ANSWER_CHARACTERS = 700


def windows(tokenizer: Tokenizer, blocks: Sequence[str], length: int, count: int, seed: int) -> Iterator[torch.Tensor]:
    """`count` windows of length + 1 token ids, in an order fixed by the seed.

    The blocks are passed over as often as needed; every pass sets each block once plain and once as chat.
    """
    generator = random.Random(seed)  # noqa: S311 - a training run must repeat, it guards nothing
    made = 0
    while made < count:
        passing = _one_pass(tokenizer, blocks, length, generator)
        yield from passing[: count - made]
        made += len(passing)


def held_out_windows(tokenizer: Tokenizer, blocks: Sequence[str], length: int) -> list[torch.Tensor]:
    """The plain text of the blocks in windows of at most length + 1 ids that share one id at each seam."""
    windows_: list[torch.Tensor] = []
    for block in blocks:
        ids = tokenizer.encode(f"{END}{block}").ids
        windows_ += [torch.tensor(ids[i : i + length + 1]) for i in range(0, len(ids) - 1, length)]
    return windows_


def _one_pass(tokenizer: Tokenizer, blocks: Sequence[str], length: int, generator: random.Random) -> list[torch.Tensor]:
    texts = [f"{block}{END}" for block in blocks] + [_as_chat(block) for block in blocks]
    generator.shuffle(texts)
    ids = torch.tensor([i for encoding in tokenizer.encode_batch(texts) for i in encoding.ids])
    start = generator.randrange(length)
    cut = [ids[i : i + length + 1] for i in range(start, len(ids) - length, length)]
    generator.shuffle(cut)
    return cut or [ids[-length - 1 :]]


def _as_chat(block: str) -> str:
    """The block's paragraphs as turns: a passage of the user, then its continuation as the answer."""
    paragraphs = block.split("\n\n")
    turns: list[str] = []
    while paragraphs:
        prompt = _take(paragraphs, PROMPT_CHARACTERS)
        turns.append(f"{USER}{prompt}{ASSISTANT}{_take(paragraphs, ANSWER_CHARACTERS)}{END}")
    return "".join(turns)


def _take(paragraphs: list[str], characters: int) -> str:
    """Removes and joins leading paragraphs until the length is reached; a longer one is cut at a word."""
    taken = ""
    while paragraphs and len(taken) < characters:
        paragraph = paragraphs.pop(0)
        cut = paragraph.rfind(" ", 0, characters) if len(paragraph) > 2 * characters else -1
        if cut > 0:
            paragraphs.insert(0, paragraph[cut + 1 :])
            paragraph = paragraph[:cut]
        taken = f"{taken}\n\n{paragraph}" if taken else paragraph
        if cut > 0:
            break
    return taken
