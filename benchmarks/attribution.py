"""Attribution: how fast texts are indexed and an answer's set is made, beside suffix-array engines on the same text."""

import os
import random
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from benchmarks.measuring.local_text import LocalText
from benchmarks.measuring.other_engines import ENGINES, engines_python, measure_engine
from benchmarks.measuring.progress import progress
from benchmarks.measuring.report import Options, Row, finish, options
from benchmarks.measuring.serving_rate import rates
from ledger.attribution.library import Library, RegisteredDataset
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.attribution.texts import folder_hash
from ledger.protocol.attribution import NO_PRIOR, Texts, attribute

MEGABYTE = 1_000_000
SMALL, LARGE = 10 * MEGABYTE, 250 * MEGABYTE
ENOUGH = 0.98
DATASETS = 100
TOKENS = 256
VOCABULARY = 32_000
TRAINED_ON = 5 * MEGABYTE
ANSWERS, QUICK_ANSWERS = 1_000, 300
WARM_UP = 20
TURNS, QUICK_TURNS, QUICK_TOKENS = 7, 3, 64
FOLDER = "TRIBUTARY_BENCH_TEXT"
P50_MS, P99_MS = 2.0, 10.0
PROMPT = "Explain in your own words what the following means, and give an example of its use."


@dataclass(frozen=True)
class Corpus:
    """Some of the machine's text, as datasets and as tokens."""

    documents: list[bytes]
    tokenizer: Tokenizer

    @property
    def size(self) -> int:
        return sum(map(len, self.documents))

    def label(self) -> str:
        return f"{self.size / MEGABYTE:,.0f} MB"

    def datasets(self, folder: Path) -> list[RegisteredDataset]:
        """The text cut into datasets of about one size, a file each."""
        made, each, held = [], self.size / DATASETS, list[bytes]()
        for number, document in enumerate(self.documents):
            held.append(document)
            last = number + 1 == len(self.documents)
            if sum(map(len, held)) >= each or last:
                source = folder / str(len(made) + 1)
                source.mkdir(parents=True)
                (source / "text.txt").write_bytes(b"\n\n".join(held))
                made.append(RegisteredDataset(len(made) + 1, folder_hash(source), source))
                held = []
        return made

    def tokens(self) -> np.ndarray:
        texts = [document.decode(errors="replace") for document in self.documents]
        parts = [
            np.array(encoded.ids, np.uint16)
            for at in range(0, len(texts), 256)
            for encoded in self.tokenizer.encode_batch_fast(texts[at : at + 256])
        ]
        return np.concatenate(parts)

    def answers(self, count: int) -> list[str]:
        """Answers of 256 tokens: passages of the text of 5 to 40 words with 2 to 8 words of its own between them."""
        rng = random.Random(1)
        words = b" ".join(self.documents[:50]).decode(errors="replace").split()
        return [self._answer(rng, words) for _ in range(count)]

    def _answer(self, rng: random.Random, words: list[str]) -> str:
        text = ""
        while len(encoded := self.tokenizer.encode(text)) < TOKENS:
            document = rng.choice(self.documents)
            at = rng.randrange(max(1, len(document) - 600))
            quoted = document[at : at + 600].decode(errors="replace").split()[1 : rng.randrange(6, 42)]
            text += " ".join([*quoted, *rng.choices(words, k=rng.randrange(2, 9))]) + " "
        return text[: encoded.offsets[TOKENS - 1][1]]


def main() -> None:
    asked = options(__doc__ or "")
    named = os.environ.get(FOLDER)
    wanted = SMALL if asked.quick else LARGE
    text = LocalText(wanted, (Path(named),)) if named else LocalText(wanted)
    progress(f"reading {wanted // MEGABYTE} MB of text")
    text.read()
    tokenizer = trained(text.documents)
    sizes = [SMALL] if asked.quick else [SMALL, LARGE]
    rows: list[Row] = []
    for size in sizes:
        corpus = Corpus(cut(text.documents, size), tokenizer)
        last = size == sizes[-1]
        with tempfile.TemporaryDirectory(prefix="tributary-bench-") as folder:
            rows += measured(corpus, asked, Path(folder), held=size == LARGE and corpus.size >= ENOUGH * LARGE)
            rows += [served(Path(folder) / "library", corpus, asked)] if last else []
    finish("attribution", rows, asked, notes(text, wanted))


def notes(text: LocalText, wanted: int) -> tuple[str, ...]:
    lines = [text.source()]
    if text.size < ENOUGH * wanted:
        lines.append(
            f"This machine has only {text.size / MEGABYTE:.0f} MB of text where it was looked for, so the bars at "
            f"{LARGE // MEGABYTE} MB are not judged: name a folder of more in {FOLDER}."
        )
    lines.append(
        f"An answer has {TOKENS} tokens of a vocabulary of {VOCABULARY:,}; ours is the whole function on one core: units, "
        "windows, origins compared with the text, ownership, set. The engines' figures are look-ups of the next eight "
        "tokens at each position, without any of that."
    )
    return tuple(lines)


def cut(documents: list[bytes], size: int) -> list[bytes]:
    """Documents from all over, up to a size."""
    order = list(documents)
    random.Random(0).shuffle(order)
    kept, total = [], 0
    for document in order:
        if total >= size:
            break
        kept.append(document[: size - total])
        total += len(kept[-1])
    return kept


def trained(documents: list[bytes]) -> Tokenizer:
    progress("training a tokenizer")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator((part.decode(errors="replace") for part in cut(documents, TRAINED_ON)), trainer)
    return tokenizer


def measured(corpus: Corpus, asked: Options, folder: Path, *, held: bool) -> list[Row]:
    """Rows for one size of registered text; `held` if the bars apply."""
    datasets, method = corpus.datasets(folder / "datasets"), standard_method()
    library = Library.create(folder / "library", method, BACKGROUND)
    progress(f"indexing {corpus.label()}")
    began = time.perf_counter()
    library = library.adding(datasets)
    seconds = time.perf_counter() - began
    answers = corpus.answers(QUICK_ANSWERS if asked.quick else ANSWERS)
    progress(f"making {len(answers)} sets")
    found = latencies(library, answers)
    tokens, (python, have) = corpus.tokens(), engines_python(may_install=not asked.quick)
    others: dict[str, dict[str, Any] | None] = dict.fromkeys(ENGINES)
    for name in ENGINES:
        if python is not None and name in have:
            others[name] = measure_engine(name, python, tokens, corpus.tokenizer, answers, folder)
    return rows(corpus, library, (seconds, found), len(tokens), others, held=held)


def served(folder: Path, corpus: Corpus, asked: Options) -> Row:
    """The embedded engine's throughput with a set for every answer, beside the same without."""
    progress("serving with and without attribution")
    library = Library.open(folder, standard_method())
    found = rates(library, QUICK_TURNS, QUICK_TOKENS) if asked.quick else rates(library, TURNS, TOKENS)
    share = round(found["with"] / found["without"], 3)
    return Row(
        f"serving with attribution, {corpus.label()}", round(found["with"]), "tokens/s",
        beside={"without": round(found["without"]), "share": share},
    )  # fmt: skip


@dataclass
class Latencies:
    """Milliseconds for each answer, by the clock and on the processor; what the answers weigh, and what is owned."""

    took: list[float]
    busy: list[float]
    total: int = 0
    owned: int = 0


def latencies(library: Library, answers: list[str]) -> Latencies:
    """One answer after the other, the first ones twice."""
    admitted, found = [entry.asset_id for entry in library.corpus], Latencies([], [])
    for number, answer in enumerate([*answers[:WARM_UP], *answers]):
        began, busy = time.perf_counter(), time.thread_time()
        made = attribute(Texts((answer,), (PROMPT,)), library, admitted, NO_PRIOR, library.method)
        if number >= WARM_UP:
            found.busy.append(1000 * (time.thread_time() - busy))
            found.took.append(1000 * (time.perf_counter() - began))
            found.total, found.owned = found.total + made.total, found.owned + sum(made.weights.values())
    return found


def rows(
    corpus: Corpus, library: Library, ours: tuple[float, Latencies], tokens: int, others: dict, *, held: bool
) -> list[Row]:
    seconds, found = ours
    label = corpus.label()
    index = sum(shard.words.nbytes for shard in library.shards)
    built = {
        name: beside(other, lambda o: corpus.size / MEGABYTE / o["build_seconds"]) for name, other in others.items()
    }
    sizes = {name: beside(other, lambda o: o["index_bytes"] / tokens) for name, other in others.items()}
    p50 = {name: beside(other, lambda o: statistics.median(o["milliseconds"])) for name, other in others.items()}
    p99 = {name: beside(other, lambda o: percentile(o["milliseconds"], 99)) for name, other in others.items()}
    middle, high = statistics.median(found.took), percentile(found.took, 99)
    return [
        Row(f"build, {label}", round(corpus.size / MEGABYTE / seconds, 1), "MB/s", beside=built),
        Row(
            f"index, {label}",
            round(index / tokens, 2),
            "bytes/token",
            beside={"bytes per byte of text": round(index / corpus.size, 2), **sizes},
        ),
        Row(
            f"answer p50, {label}",
            round(middle, 2),
            "ms",
            f"<= {P50_MS:g} ms" if held else None,
            middle <= P50_MS if held else None,
            {
                "of the answers owned": f"{found.owned / found.total:.0%}",
                "on the processor": round(statistics.median(found.busy), 2),
                **p50,
            },
        ),
        Row(
            f"answer p99, {label}",
            round(high, 2),
            "ms",
            f"<= {P99_MS:g} ms" if held else None,
            high <= P99_MS if held else None,
            {"on the processor": round(percentile(found.busy, 99), 2), **p99},
        ),
    ]


def beside(other: dict | None, figure) -> float | str:  # noqa: ANN001
    return "not installed" if other is None else round(figure(other), 2)


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


if __name__ == "__main__":
    main()
