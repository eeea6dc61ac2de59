"""A library that grows while programs read it: they take up what is new, and nothing that is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.attribution.errors import LibraryError
from ledger.attribution.following import FollowedLibrary
from ledger.attribution.library import Library
from ledger.attribution.part import finder_among
from ledger.attribution.published import PublishedFolder
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.errors import NotFoundError
from ledger.protocol.attribution import NO_PRIOR, Scan, Texts, attribute
from tests.factories.datasets import QUOTES, dataset

pytestmark = pytest.mark.unit

METHOD = standard_method()
EVERYTHING = " ".join(QUOTES)


@pytest.fixture
def first(tmp_path: Path) -> Library:
    """A library with datasets 2 and 4; 4 has the words of 2 too."""
    texts = [dataset(tmp_path, 2, QUOTES[0]), dataset(tmp_path, 4, f"{QUOTES[1]} {QUOTES[0]}")]
    return Library.create(tmp_path / "library", METHOD, BACKGROUND).adding(texts)


def test_what_is_added_is_taken_up_and_what_was_opened_stays_as_it_was(tmp_path: Path, first: Library) -> None:
    followed = FollowedLibrary(tmp_path / "library", METHOD)
    before = followed.look()
    assert before is followed.current
    assert before is followed.look()
    first.adding([dataset(tmp_path, 7, QUOTES[2])])
    assert followed.current is before
    after = followed.look()
    assert [entry.asset_id for entry in after.corpus] == [2, 4, 7]
    assert followed.look() is after
    assert [entry.asset_id for entry in before.corpus] == [2, 4]
    assert owned(before, EVERYTHING) == {2, 4}
    assert owned(after, EVERYTHING) == {2, 4, 7}


def test_a_library_that_can_t_be_opened_is_not_taken_up_until_it_can(tmp_path: Path, first: Library) -> None:
    followed = FollowedLibrary(tmp_path / "library", METHOD)
    before = followed.current
    first.adding([dataset(tmp_path, 7, QUOTES[2])])
    text = tmp_path / "library" / "texts" / "7.text"
    right = text.read_bytes()
    text.write_bytes(right.replace(b"comets", b"planets"))
    for _ in range(2):
        with pytest.raises(LibraryError):
            followed.look()
        assert followed.current is before
    text.write_bytes(right)
    assert [entry.asset_id for entry in followed.look().corpus] == [2, 4, 7]
    (tmp_path / "library" / "library.json").rename(tmp_path / "away.json")
    with pytest.raises(LibraryError, match="There is no library"):
        followed.look()
    (tmp_path / "away.json").rename(tmp_path / "library" / "library.json")
    assert [entry.asset_id for entry in followed.look().corpus] == [2, 4, 7]


def test_a_library_that_is_built_again_in_its_folder_leaves_readers_what_they_read(
    tmp_path: Path, first: Library
) -> None:
    """Texts are mapped into memory: one that was written over, or made shorter, would end the program."""
    followed = FollowedLibrary(tmp_path / "library", METHOD)
    before = followed.current
    (tmp_path / "library" / "library.json").unlink()
    fresh = Library.create(tmp_path / "library", METHOD, BACKGROUND)
    fresh.adding([dataset(tmp_path / "again", 2, QUOTES[2])])
    assert owned(before, EVERYTHING) == {2, 4}
    assert owned(followed.look(), EVERYTHING) == {2}


def test_some_of_a_library_s_datasets_are_searched_as_if_there_were_no_others(tmp_path: Path, first: Library) -> None:
    library = first.adding([dataset(tmp_path, 7, f"{QUOTES[2]} {QUOTES[1]}"), dataset(tmp_path, 3, QUOTES[2])])
    corpora = [
        [entry for entry in library.corpus if entry.asset_id in chosen]
        for chosen in ((), (2,), (2, 3), (2, 3, 4), (2, 3, 4, 7), (4,), (3, 7), (2, 4, 7), (7,))
    ]
    for corpus in corpora:
        wanted = {0, *(entry.asset_id for entry in corpus)}
        naive = Scan([file for file in library.files() if file.asset_id in wanted], METHOD)
        finder = finder_among(library, corpus)
        for answer in (EVERYTHING, *QUOTES, "Nothing that anybody registered."):
            texts = Texts((answer,), ())
            mine, theirs = (attribute(texts, each, wanted, NO_PRIOR, METHOD) for each in (finder, naive))
            assert (mine.entries, mine.spans) == (theirs.entries, theirs.spans)
            assert wanted.issuperset(mine.weights)
    assert not isinstance(finder_among(library, corpora[2]), Scan)  # later ones are left out without reading all
    with pytest.raises(NotFoundError, match="dataset 4, which the library lacks"):
        finder_among(library, [library.corpus[2]._replace(content_hash=bytes(32))])


def test_an_asset_that_is_published_later_is_found_then(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    early = dataset(folder, 1, QUOTES[0])
    published = PublishedFolder(folder)
    assert published.get(early.content_hash) is not None
    assert published.get(bytes(32)) is None
    late = dataset(folder, 2, QUOTES[1])
    found = published.get(late.content_hash)
    assert found is not None
    assert [file.content.decode() for file in found.files(2)] == [QUOTES[1]]


def owned(library: Library, answer: str) -> set[int]:
    return set(attribute(Texts((answer,), ()), library, range(1, 100), NO_PRIOR, METHOD).weights)
