"""What a library of registered texts believes, what it survives, and how it grows."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from ledger.attribution import library as library_module
from ledger.attribution import reading, shards, windowing
from ledger.attribution.errors import LibraryError
from ledger.attribution.hashing import HashKey
from ledger.attribution.library import Library, RegisteredDataset
from ledger.attribution.reading import PIECE_BYTES, Reader
from ledger.attribution.standard import BACKGROUND, PARAMETERS, standard_method
from ledger.attribution.texts import folder_hash
from ledger.protocol.attribution import NO_PRIOR, Attribution, Texts, attribute, placed_in_file
from tests.factories.datasets import QUOTES, dataset
from tests.unit.attribution.cases import sentence

pytestmark = pytest.mark.unit

METHOD = standard_method()


def made(folder: Path, *texts: str) -> Library:
    registered = [dataset(folder, number, text) for number, text in enumerate(texts, 1)]
    return Library.create(folder / "library", METHOD, BACKGROUND).adding(registered)


def ask(library: Library, answer: str) -> Attribution:
    return attribute(Texts((answer,), ()), library, range(1, 100), NO_PRIOR, METHOD)


def test_the_shipped_background_is_the_one_that_the_parameters_name() -> None:
    assert folder_hash(BACKGROUND) == PARAMETERS.background


def test_a_passage_is_found_with_its_place(tmp_path: Path) -> None:
    library = made(tmp_path, *(f"{quote}\nAnd so on." for quote in QUOTES))
    (span,) = ask(library, f"As they say: {QUOTES[1]}").spans
    assert (span.asset_id, span.path, span.offset) == (2, "text.txt", 0)
    assert ask(library, "Nothing that anybody registered.").entries == ()


def test_a_text_that_is_not_the_registered_one_is_refused(tmp_path: Path) -> None:
    registered = dataset(tmp_path, 1, QUOTES[0])
    (registered.folder / "text.txt").write_text(QUOTES[1])
    library = Library.create(tmp_path / "library", METHOD, BACKGROUND)
    with pytest.raises(LibraryError, match="was registered with"):
        library.adding([registered])
    assert Library.open(tmp_path / "library", METHOD).corpus == ()


def test_a_text_that_changed_in_the_library_is_refused(tmp_path: Path) -> None:
    made(tmp_path, *QUOTES)
    text = tmp_path / "library" / "texts" / "2.text"
    text.write_bytes(text.read_bytes().replace(b"marsh", b"swamp"))
    with pytest.raises(LibraryError, match="dataset 2 has been changed"):
        Library.open(tmp_path / "library", METHOD)


def test_a_listing_that_changed_with_its_text_is_not_the_registered_content(tmp_path: Path) -> None:
    made(tmp_path, *QUOTES)
    listing = tmp_path / "library" / "texts" / "2.json"
    document = json.loads(listing.read_text())
    document["files"][0]["path"] = "other.txt"
    listing.write_text(json.dumps(document))
    with pytest.raises(LibraryError, match="not the one that was registered"):
        Library.open(tmp_path / "library", METHOD)


def test_a_shard_that_changed_is_refused(tmp_path: Path) -> None:
    made(tmp_path, *QUOTES)
    shard, *_ = (tmp_path / "library" / "shards").iterdir()
    content = shard.read_bytes()
    shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(LibraryError, match="has been changed"):
        Library.open(tmp_path / "library", METHOD)


def test_an_index_that_lies_makes_no_match(tmp_path: Path) -> None:
    library = made(tmp_path, QUOTES[0], QUOTES[1])
    # Every word of the index now points into the other dataset, or into the middle of a word.
    background, honest = library.shards
    sizes = honest.sizes
    for shift in (1, sizes[0] - 3, sizes[1]):
        places = (honest.words + np.uint64(shift)) & np.uint64(0xFFFFFFFF)
        lying = (honest.words & ~np.uint64(0xFFFFFFFF)) | places % np.uint64(sum(sizes))
        forged = Library(
            library.folder, METHOD, library.texts, (background, shards.Shard(honest.asset_ids, sizes, lying, b"")),
            library.seed,
            library.reader, library.key,
        )  # fmt: skip
        assert ask(forged, QUOTES[1]).weights == {}
    assert ask(library, QUOTES[1]).weights.keys() == {2}


@pytest.mark.parametrize("step", ["store", "write", "_compacted"])
def test_an_interrupted_addition_leaves_the_library_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    library = made(tmp_path, QUOTES[0])
    added = dataset(tmp_path, 2, QUOTES[1])
    owner = shards if step == "write" else library_module
    honest = getattr(owner, step)

    def cut(*arguments: object) -> object:
        honest(*arguments)  # the step itself is done; what is planted is only the end of the process after it
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, cut)
        with pytest.raises(KeyboardInterrupt):
            library.adding([added])
    again = Library.open(tmp_path / "library", METHOD)
    assert again.corpus == library.corpus
    assert ask(again.adding([added]), QUOTES[1]).weights.keys() == {2}


def test_two_who_add_at_once_lose_nothing(tmp_path: Path) -> None:
    library = made(tmp_path, QUOTES[0])
    other = Library.open(tmp_path / "library", METHOD)
    second, third = dataset(tmp_path, 2, QUOTES[1]), dataset(tmp_path, 3, QUOTES[2])
    library.adding([second])
    with pytest.raises(LibraryError, match="added to meanwhile"):
        other.adding([third])
    with library_module._alone(tmp_path / "library"), pytest.raises(LibraryError, match="Another program is adding"):
        other.adding([third])
    again = Library.open(tmp_path / "library", METHOD).adding([third])
    assert [entry.asset_id for entry in again.corpus] == [1, 2, 3]


def test_many_small_additions_make_few_shards(tmp_path: Path) -> None:
    library = made(tmp_path)
    rng = random.Random(7)
    texts = [sentence(rng, 60) + QUOTES[number % 3].replace("the", f"the {number}") for number in range(40)]
    before = {}
    for number, text in enumerate(texts, 1):
        library = library.adding([dataset(tmp_path, number, text)])
        before.update({shard.checksum: number for shard in library.shards})
    assert len(library.shards) <= 8
    assert sorted(a for shard in library.shards for a in shard.asset_ids) == list(range(41))
    assert {file.name for file in (tmp_path / "library" / "shards").iterdir()} == {
        each["file"] for each in json.loads((tmp_path / "library" / "library.json").read_text())["shards"]
    }
    assert all(ask(library, text).weights for text in texts)


def test_files_longer_than_a_piece_are_read_like_short_ones(tmp_path: Path) -> None:
    rng = random.Random(3)
    text = " ".join(rng.choice(("quern", "zymurgy", "éclair", "the", "oubliette,", "w" * 90)) for _ in range(150_000))
    content = text.encode()
    assert len(content) > PIECE_BYTES
    library = made(tmp_path, QUOTES[0])
    units = library.reader.whole(content, "text.txt")
    placed = placed_in_file(METHOD.folding, content, "text.txt")
    assert units.starts.tolist() == [unit.start for unit in placed]
    assert units.ends.tolist() == [unit.end for unit in placed]
    assert units.millibits.tolist() == METHOD.surprisal.of([unit.text for unit in placed])


def test_windows_across_the_parts_of_a_long_file_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(4)
    text = " ".join(sentence(rng, 200) for _ in range(20))
    whole = made(tmp_path / "whole", text)
    monkeypatch.setattr(reading, "PIECE_BYTES", 200)  # bounds made small, so that a small text crosses them often
    monkeypatch.setattr(windowing, "PART_UNITS", 50)
    parts = made(tmp_path / "parts", text)
    assert len(whole.shards[-1].words) == len(parts.shards[-1].words)
    for answer in (text, text[5_000:6_000]):
        assert ask(whole, answer).weights == ask(parts, answer).weights != {}


@pytest.mark.parametrize("path", ["a.txt", "a.jsonl"])
def test_a_long_line_of_chinese_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    line = "".join(f"\u6771\u4eac{n}\u90fd\u3002\\\\u3002x\uff0c" for n in range(400))
    content = json.dumps(line).encode() if path.endswith("l") else line.encode()
    monkeypatch.setattr(reading, "PIECE_BYTES", 100)  # small bounds again: the naive reading is slow
    monkeypatch.setattr(reading, "MOST_PIECE_BYTES", 400)
    pieces = list(Reader(METHOD, HashKey(bytes(32))).pieces(content, path))
    assert len(pieces) > 20
    placed = placed_in_file(METHOD.folding, content, path)
    assert [start for piece in pieces for start in piece.starts.tolist()] == [unit.start for unit in placed]
    assert [end for piece in pieces for end in piece.ends.tolist()] == [unit.end for unit in placed]


def test_a_file_without_any_separator_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE_BYTES", 1 << 10)  # and here, for a small file to pass them
    monkeypatch.setattr(reading, "MOST_PIECE_BYTES", 1 << 12)
    with pytest.raises(LibraryError, match="it is no text"):
        made(tmp_path, "x" * (1 << 13))
    assert Library.open(tmp_path / "library", METHOD).corpus == ()


def test_a_symbolic_link_is_no_content(tmp_path: Path) -> None:
    registered = dataset(tmp_path, 1, QUOTES[0])
    (registered.folder / "link.txt").symlink_to(registered.folder / "text.txt")
    with pytest.raises(LibraryError, match="symbolic link"):
        folder_hash(registered.folder)


def test_a_dataset_is_added_once(tmp_path: Path) -> None:
    library = made(tmp_path, QUOTES[0])
    with pytest.raises(LibraryError, match="already"):
        library.adding([RegisteredDataset(1, b"", tmp_path)])
    with pytest.raises(LibraryError, match="There is a library"):
        Library.create(tmp_path / "library", METHOD, BACKGROUND)
