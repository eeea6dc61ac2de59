"""Writes models/datasets from the origin files: run once when a text is added, not by scripts/train.

    python -m scripts.training.datasets ORIGIN_FOLDER models/datasets

ORIGIN_FOLDER holds tinyshakespeare.txt, federalist.jsonl, austen_pride_and_prejudice.txt and
bierce_devils_dictionary.txt as described in each dataset's card; their digests are checked.
"""

import hashlib
import json
import sys
from pathlib import Path

from scripts.training.corpus import WORKS, Work

_FEDERALIST = "federalist.jsonl"
_ORIGINS = {
    "shakespeare-plays": "tinyshakespeare.txt",
    "federalist-hamilton": _FEDERALIST,
    "federalist-madison": _FEDERALIST,
    "federalist-jay": _FEDERALIST,
    "austen-pride-and-prejudice": "austen_pride_and_prejudice.txt",
    "bierce-devils-dictionary": "bierce_devils_dictionary.txt",
}


def write_datasets(origins: Path, datasets_path: Path) -> None:
    """Writes one folder per work (text.txt and README.md); SystemExit if an origin file is another one."""
    for work in WORKS:
        folder = datasets_path / work.name
        folder.mkdir(parents=True, exist_ok=True)
        text = _text(work, _checked(work, origins / _ORIGINS[work.name]))
        (folder / "text.txt").write_bytes(text)
        (folder / "README.md").write_text(_card(work, text), encoding="utf-8")


def _checked(work: Work, origin: Path) -> bytes:
    content = origin.read_bytes()
    if hashlib.sha256(content).hexdigest() != work.origin_sha256:
        raise SystemExit(f"{origin.name} is not the file that the card of {work.name} names (SHA-256 differs).")
    return content


def _text(work: Work, origin: bytes) -> bytes:
    if not work.name.startswith("federalist-"):
        return origin
    author = work.name.removeprefix("federalist-").capitalize()
    papers = [json.loads(line) for line in origin.decode().splitlines()]
    own = [paper for paper in papers if paper["author"] == author and not paper["disputed"]]
    return ("\n\n".join(f"{paper['title']}\n\n{paper['text'].strip()}" for paper in own) + "\n").encode()


def _card(work: Work, text: bytes) -> str:
    return f"""---
license: cc0-1.0
language: en
pretty_name: {work.title}
---
# {work.title}

- Author: {work.author}; written {work.year}.
- Origin: {work.origin}.
- SHA-256 of the origin file: `{work.origin_sha256}`
- {work.note}
- `text.txt`: {len(text):,} bytes of UTF-8, SHA-256 `{hashlib.sha256(text).hexdigest()}`
- Rights: published before 1929 by an author who died more than 70 years ago, and so in the public domain in the
  United States and wherever the term is life plus 70 years. No rights are claimed in this copy.
"""


if __name__ == "__main__":
    write_datasets(Path(sys.argv[1]), Path(sys.argv[2]))
