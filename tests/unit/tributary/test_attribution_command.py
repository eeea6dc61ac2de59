"""`tributary attribution`: index, explain and recompute, as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ledger.attribution.library import Library
from ledger.attribution.standard import standard_method
from ledger.config import CHECKOUT
from ledger.protocol.attribution import SetEntry
from tests.factories.transcripts import keep_transcript
from tributary.attribution.command import app

pytestmark = pytest.mark.unit

DATASETS = CHECKOUT / "models" / "datasets"
BIERCE, JAY = DATASETS / "bierce-devils-dictionary", DATASETS / "federalist-jay"


def run(*words: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=stdin)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attribution") / "library"
    done = run("index", f"3={BIERCE}", f"8={JAY}", "--library", folder)
    assert done.exit_code == 0, done.output
    assert "added" in done.output
    assert "attributionParamsHash 0x" in done.output
    return folder


def quotation() -> str:
    text = (BIERCE / "text.txt").read_text()
    return text[60_000:60_700]


def test_indexing_again_adds_nothing(library: Path) -> None:
    done = run("index", f"8={JAY}", "--library", library)
    assert done.exit_code == 0
    assert "added" not in done.output


def test_explain_names_words_dataset_and_byte(library: Path) -> None:
    done = run("explain", "--json", "--library", library, stdin=quotation())
    found = json.loads(done.stdout)
    content = (BIERCE / "text.txt").read_bytes()
    for passage in found["passages"]:
        source = passage["source"].encode()
        assert passage["asset_id"] == 3
        assert content[passage["offset"] : passage["offset"] + len(source)] == source
        assert passage["source"].casefold().split()[0] == passage["words"].casefold().split()[0]
        assert quotation()[passage["start"] : passage["end"]] == passage["words"]
    assert found["set"][-1]["assetId"] == 3
    assert sum(entry["ppm"] for entry in found["set"]) == 1_000_000


def test_explain_says_what_is_not_admitted(library: Path) -> None:
    done = run("explain", "--library", library, "--admit", "8", stdin=quotation())
    assert "not admitted" in done.stdout
    assert "by the terms' weights" in done.stdout


def test_explain_without_a_library_is_one_sentence(tmp_path: Path) -> None:
    done = run("explain", "--library", tmp_path / "none", stdin="words")
    assert done.exit_code == 1
    assert "There is no library in" in str(done.exception)


def test_recompute_agrees_with_an_honest_receipt(library: Path, tmp_path: Path) -> None:
    kept = keep_transcript(library, tmp_path, quotation())
    done = run("recompute", kept, "--admit", "3", "--library", library)
    assert done.exit_code == 0, done.output
    assert "It is the receipt's: attributionHash 0x" in done.stdout


def test_recompute_reads_the_texts_where_the_operator_matched_fewer(library: Path, tmp_path: Path) -> None:
    held = Library.open(library, standard_method())
    kept = keep_transcript(library, tmp_path, quotation(), corpus=held.corpus[:1])
    done = run("recompute", kept, "--admit", "3", "--library", library)
    assert done.exit_code == 0, done.output


def test_recompute_names_what_differs(library: Path, tmp_path: Path) -> None:
    other = run("recompute", keep_transcript(library, tmp_path, quotation()), "--admit", "8", "--library", library)
    assert other.exit_code == 1
    assert "NOT the same: attributionHash is" in other.stdout
    swapped = keep_transcript(library, tmp_path, quotation(), entries=(SetEntry(3, 1_000_000),))
    done = run("recompute", swapped, "--admit", "3", "--library", library)
    assert done.exit_code == 1
    assert "not of the set that came" in done.stdout
    body = json.dumps({"choices": [{"index": 0, "message": {"content": "Something else."}}]}).encode()
    done = run(
        "recompute",
        keep_transcript(library, tmp_path, quotation(), produced=body),
        "--admit",
        "3",
        "--library",
        library,
    )
    assert done.exit_code == 1
    assert "responseHash is not of the bytes" in done.stdout


def test_recompute_wants_the_datasets_that_were_matched(library: Path, tmp_path: Path) -> None:
    held = Library.open(library, standard_method())
    more = (*held.corpus, held.corpus[0]._replace(asset_id=20))
    done = run(
        "recompute", keep_transcript(library, tmp_path, quotation(), corpus=more), "--admit", "3", "--library", library
    )
    assert done.exit_code == 1
    assert "dataset 20, which the library lacks" in str(done.exception)
