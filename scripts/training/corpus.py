"""The works the shipped models learn from, and how they are cut into training text.

A work is a folder under models/datasets: `text.txt` and its card. Everything here is a pure function of those
files, so that a run of scripts/train can be repeated from a clone of the repository alone.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_CHARACTERS = 4_000
HELD_OUT_EVERY = 10


@dataclass(frozen=True, slots=True)
class Work:
    """One dataset: a text with a known author, and whether its lines are wrapped at a fixed width."""

    name: str
    title: str
    author: str
    year: str
    wrapped: bool
    origin: str
    origin_sha256: str
    note: str


WORKS = (
    Work(
        name="shakespeare-plays",
        title="A selection of the plays (tinyshakespeare)",
        author="William Shakespeare (1564-1616)",
        year="1590-1613",
        wrapped=False,
        origin="github.com/karpathy/char-rnn, data/tinyshakespeare/input.txt, "
        "commit 6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e",
        origin_sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        note="Byte for byte the origin file.",
    ),
    Work(
        name="federalist-hamilton",
        title="The Federalist, the papers by Hamilton",
        author="Alexander Hamilton (1755-1804)",
        year="1787-1788",
        wrapped=False,
        origin="github.com/nicholasjhorton/FederalistPapers, data-raw/pg18.txt and data-raw/title_author.csv "
        "(text from Project Gutenberg no. 18)",
        origin_sha256="b4c704fb75a91785313b72a3cd0f8b0635a6e5319b726a033e79ab6c9f3b0919",
        note="The 51 undisputed papers, titles kept, line breaks inside paragraphs folded, the closing signature "
        "dropped. The fifteen papers of joint or disputed authorship are left out. The digest is that of the JSON "
        "Lines file of all 85 papers from which this file was cut.",
    ),
    Work(
        name="federalist-madison",
        title="The Federalist, the papers by Madison",
        author="James Madison (1751-1836)",
        year="1787-1788",
        wrapped=False,
        origin="github.com/nicholasjhorton/FederalistPapers, data-raw/pg18.txt and data-raw/title_author.csv "
        "(text from Project Gutenberg no. 18)",
        origin_sha256="b4c704fb75a91785313b72a3cd0f8b0635a6e5319b726a033e79ab6c9f3b0919",
        note="The 14 undisputed papers, titles kept, line breaks inside paragraphs folded, the closing signature "
        "dropped. The fifteen papers of joint or disputed authorship are left out. The digest is that of the JSON "
        "Lines file of all 85 papers from which this file was cut.",
    ),
    Work(
        name="federalist-jay",
        title="The Federalist, the papers by Jay",
        author="John Jay (1745-1829)",
        year="1787-1788",
        wrapped=False,
        origin="github.com/nicholasjhorton/FederalistPapers, data-raw/pg18.txt and data-raw/title_author.csv "
        "(text from Project Gutenberg no. 18)",
        origin_sha256="b4c704fb75a91785313b72a3cd0f8b0635a6e5319b726a033e79ab6c9f3b0919",
        note="The 5 papers, titles kept, line breaks inside paragraphs folded, the closing signature dropped. The "
        "digest is that of the JSON Lines file of all 85 papers from which this file was cut.",
    ),
    Work(
        name="austen-pride-and-prejudice",
        title="Pride and Prejudice",
        author="Jane Austen (1775-1817)",
        year="1813",
        wrapped=True,
        origin="github.com/GITenberg/Pride-and-Prejudice_1342, 1342-0.txt, "
        "commit 81db45c9c48c592f0b77f01fc59e677ad0a5634e",
        origin_sha256="d02c06ecdee0120842aa1274288a07fe68d5316d1e8285853eaf4fc65a0b39a0",
        note="The distributor's header, footer, licence text and producer line were cut off; otherwise unchanged. "
        "The digest is that of the file after this cut.",
    ),
    Work(
        name="bierce-devils-dictionary",
        title="The Devil's Dictionary",
        author="Ambrose Bierce (1842-about 1914)",
        year="1906-1911",
        wrapped=True,
        origin="github.com/GITenberg/The-Devil-s-Dictionary_972, 972.txt, "
        "commit fcea6b9736136ae4bd6bb76b398d56b7cd62e3c8",
        origin_sha256="0b71ed93464cc447af08e50caa966b609cc971c810d66e78fbaa748eb1764d2b",
        note="Re-encoded from Latin-1 to UTF-8; the distributor's header, footer, licence text and producer line "
        "were cut off; otherwise unchanged. The digest is that of the file after this cut.",
    ),
)


@dataclass(frozen=True, slots=True)
class Split:
    """A work cut into blocks of whole paragraphs: those learnt from and those held out."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]


def work_named(name: str) -> Work:
    """The work with this dataset name (KeyError if there is none)."""
    return {work.name: work for work in WORKS}[name]


def read_split(work: Work, datasets_path: Path) -> Split:
    """The work's training and held-out blocks; every tenth block is held out."""
    blocks = list(_blocks(_paragraphs(work, read_text(work, datasets_path))))
    held_out = tuple(block for i, block in enumerate(blocks) if i % HELD_OUT_EVERY == HELD_OUT_EVERY - 1)
    train = tuple(block for i, block in enumerate(blocks) if i % HELD_OUT_EVERY != HELD_OUT_EVERY - 1)
    return Split(train, held_out)


def read_text(work: Work, datasets_path: Path) -> str:
    """The shipped text, exactly as it stands in the dataset's folder."""
    return (datasets_path / work.name / "text.txt").read_text(encoding="utf-8")


def text_sha256(work: Work, datasets_path: Path) -> str:
    """SHA-256 of the shipped text, in hex."""
    return hashlib.sha256((datasets_path / work.name / "text.txt").read_bytes()).hexdigest()


def _paragraphs(work: Work, text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n[ \t]*\n+", text):
        if paragraph.strip():
            yield _unwrap(paragraph) if work.wrapped else paragraph.strip("\n")


def _unwrap(paragraph: str) -> str:
    """Joins lines that were only broken for width; indented lines are verse and stay."""
    lines: list[str] = []
    for line in paragraph.strip("\n").split("\n"):
        verse = line.startswith((" ", "\t")) or (lines and lines[-1].startswith((" ", "\t")))
        if lines and not verse:
            lines[-1] = f"{lines[-1]} {line.strip()}"
        else:
            lines.append(line.rstrip())
    return "\n".join(lines)


def _blocks(paragraphs: Iterator[str]) -> Iterator[str]:
    """Runs of whole paragraphs of at least BLOCK_CHARACTERS, so that a held-out block is a passage."""
    held: list[str] = []
    for paragraph in paragraphs:
        held.append(paragraph)
        if sum(map(len, held)) >= BLOCK_CHARACTERS:
            yield "\n\n".join(held)
            held = []
    if held:
        yield "\n\n".join(held)
