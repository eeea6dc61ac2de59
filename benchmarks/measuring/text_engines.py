# ruff: noqa: PLC0415  # each engine is imported by the one process that runs it
"""Other engines on the same tokens and answers, each in the process of an environment that has it.

    python text_engines.py NAME TOKENS ANSWERS FOLDER

prints one JSON object: seconds to build, bytes of the index beyond the tokens, and milliseconds for each answer. Asked
of each is what it can do: for every position of an answer, whether the next eight tokens stand in the corpus. None of
them says in which dataset first, or makes a set.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

RUN = 8
SEPARATOR = 0xFFFF
Ask = Callable[[list[int]], object]


def pydivsufsort(tokens: np.ndarray, _: Path) -> tuple[float, int, Ask]:
    from pydivsufsort import divsufsort, sa_search

    # It sorts bytes, so each token's two; the table keeps those that begin a token.
    text = tokens.astype(">u2").view(np.uint8)
    began = time.perf_counter()
    table = divsufsort(text)
    seconds = time.perf_counter() - began
    return seconds, table.nbytes // 2, lambda run: sa_search(text, table, np.array(run, ">u2").view(np.uint8))


def tokengrams(tokens: np.ndarray, folder: Path) -> tuple[float, int, Ask]:
    from tokengrams import MemmapIndex

    text, table = folder / "tokens.bin", folder / "table.bin"
    tokens.astype("<u2").tofile(text)
    began = time.perf_counter()
    index = MemmapIndex.build(str(text), str(table))
    return time.perf_counter() - began, table.stat().st_size, index.contains


def infini_gram(tokens: np.ndarray, folder: Path) -> tuple[float, int, Ask]:
    from infini_gram import indexing
    from infini_gram.engine import InfiniGramEngine

    (folder / "tokenized.0").write_bytes(np.concatenate([[SEPARATOR], tokens]).astype("<u2").tobytes())
    (folder / "offset.0").write_bytes(np.zeros(1, "<u8").tobytes())
    arguments = argparse.Namespace(
        save_dir=str(folder), temp_dir=str(folder), worker_id=0, workers=1, shards=1, mem=4, cpus=os.cpu_count(),
        token_width=2,
    )  # fmt: skip
    began, home = time.perf_counter(), Path.cwd()
    indexing.build_sa(arguments)
    seconds = time.perf_counter() - began
    os.chdir(home)
    engine = InfiniGramEngine(index_dir=str(folder), eos_token_id=0, vocab_size=SEPARATOR, version=4, token_dtype="u16")
    return seconds, (folder / "table.0").stat().st_size, lambda run: engine.find(input_ids=run)


ENGINES = {"pydivsufsort": pydivsufsort, "tokengrams": tokengrams, "infini-gram": infini_gram}


def main() -> None:
    name, tokens_file, answers_file, folder = sys.argv[1:]
    tokens = np.fromfile(tokens_file, "<u2")
    answers = json.loads(Path(answers_file).read_text())
    with contextlib.redirect_stdout(sys.stderr):
        seconds, size, ask = ENGINES[name](tokens, Path(folder))
        took = [timed(ask, answer) for answer in [*answers[:5], *answers]][5:]
    print(json.dumps({"build_seconds": seconds, "index_bytes": size, "milliseconds": took}))


def timed(ask: Ask, answer: list[int]) -> float:
    began = time.perf_counter()
    for at in range(len(answer) - RUN + 1):
        ask(answer[at : at + RUN])
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
