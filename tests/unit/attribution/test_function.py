"""What `attr/1` promises about spelling, seniority, splitting, repetition and sums."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.attribution.standard import PARAMETERS, TABLES, standard_method
from ledger.config import CHECKOUT
from ledger.errors import InvalidAttributionSetError, MalformedInputError
from ledger.protocol.attribution import (
    METHOD_WORD,
    NO_PRIOR,
    CorpusEntry,
    Method,
    Prior,
    Scan,
    TextFile,
    Texts,
    attribute,
    parameters_listing,
    params_hash,
    placed_in_file,
)
from ledger.protocol.attribution.shares import by_text, set_of
from ledger.protocol.attribution.windows import windows_of
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import PPM
from scripts import fold_table
from tests.unit.attribution.naive import constants_in

pytestmark = pytest.mark.unit

METHOD = standard_method()
QUOTE = (
    "Quixotic lamplighters gathered beneath the crumbling aqueduct while seventeen cartographers argued about "
    "longitude and the melancholy of unfinished lighthouses."
)


def entries(answer: str, *datasets: str, admitted=None, prior=None, prompts=()) -> dict[int, int]:
    files = [TextFile(number, "text.txt", text.encode()) for number, text in enumerate(datasets, 1)]
    ids = range(1, len(datasets) + 1) if admitted is None else admitted
    found = attribute(Texts((answer,), tuple(prompts)), Scan(files, METHOD), ids, Prior.flat(prior or {}), METHOD)
    return {entry.asset_id: entry.ppm for entry in found.entries}


def test_the_page_has_the_values_of_the_code() -> None:
    page = (CHECKOUT / "docs" / "spec" / "attribution.md").read_text()
    constants = constants_in(page)
    assert constants == {name: getattr(PARAMETERS, name) for name in constants}
    assert len(constants) == 6
    for name in ("fold_hash", "surprisal_hash", "background"):
        assert f"| `{name}` | `{getattr(PARAMETERS, name).hex()}` |" in page


def test_a_changed_table_is_refused() -> None:
    fold, surprisal = (TABLES / "fold.txt").read_bytes(), (TABLES / "surprisal.txt").read_bytes()
    with pytest.raises(MalformedInputError):
        Method.load(PARAMETERS, fold.replace(b"= 0061 007A", b"= 0061 0079"), surprisal)
    with pytest.raises(MalformedInputError):
        Method.load(PARAMETERS, fold, surprisal + b"9000 quern\n")


# Runs on the least supported Python, 3.11, whose tables the shipped one was made from; newer Pythons know more letters.
@pytest.mark.skipif(
    unicodedata.unidata_version != fold_table.VERSION, reason="this Python is of another Unicode version"
)
def test_the_shipped_table_is_what_its_program_makes() -> None:
    scattered = range(0x3000, 0x30000, 37)
    for code_point in [*range(0x3000), *scattered, *range(0xF900, 0x10000), *range(0x1D400, 0x1D800)]:
        if not 0xD800 <= code_point < 0xE000:
            made = "".join(chr(part) for part in fold_table.folded(code_point)).split()
            joined = "".join(METHOD.folding[code_point].split())
            assert joined == "".join(made), hex(code_point)


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_every_normal_form_and_case_has_the_same_units(text: str) -> None:
    units = METHOD.folding.units(text)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        normal = unicodedata.normalize(form, text)
        if all(unicodedata.ucd_3_2_0.category(c) != "Cn" for c in text):  # known to every version of the tables
            assert METHOD.folding.units(normal) == units
            assert METHOD.folding.units(unicodedata.normalize(form, normal.casefold())) == units


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_placed_units_are_the_units(text: str) -> None:
    placed = METHOD.folding.placed_units(text)
    assert [unit.text for unit in placed] == METHOD.folding.units(text)
    assert all(0 <= unit.start < unit.end <= len(text) for unit in placed)


@given(st.binary())
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_file(content: bytes) -> None:
    for path in ("a.txt", "a.jsonl"):
        placed = placed_in_file(METHOD.folding, content, path)
        assert all(0 <= unit.start < unit.end <= len(content) for unit in placed)


@pytest.mark.parametrize(
    "spelling",
    [
        QUOTE.upper(),
        QUOTE.replace(" ", "\u00a0"),
        QUOTE.replace("e", "e\u0301"),
        QUOTE.replace("a", "a\u200b"),
        QUOTE.replace("i", "\u00ad\u0456").replace("\u0456", "i"),
        "> " + QUOTE.replace(" ", "\n> "),
        QUOTE.replace("fi", "\ufb01"),
        QUOTE.translate({c: 0xFEE0 + c for c in range(0x61, 0x7B)}),
    ],
)
def test_another_spelling_of_a_quotation_is_still_found(spelling: str) -> None:
    assert entries(spelling, QUOTE) == {1: PPM}


def test_json_text_is_found_through_its_escapes() -> None:
    content = b'{"text": "' + QUOTE.replace(" ", "\\n").replace("g", "\\u0067").encode() + b'"}'
    found = attribute(Texts((QUOTE,), ()), Scan([TextFile(3, "a.jsonl", content)], METHOD), [3], NO_PRIOR, METHOD)
    assert [tuple(entry) for entry in found.entries] == [(3, PPM)]


def test_the_earliest_registrant_owns_what_both_hold() -> None:
    assert entries(QUOTE, QUOTE, QUOTE + " and more") == {1: PPM}


def test_a_text_of_a_senior_that_is_not_admitted_pays_nobody_and_is_shown() -> None:
    files = [TextFile(number, "text.txt", QUOTE.encode()) for number in (1, 2)]
    found = attribute(Texts((QUOTE,), ()), Scan(files, METHOD), [2], NO_PRIOR, METHOD)
    assert found.entries == ()
    assert [(span.asset_id, span.start, span.end) for span in found.unlicensed] == [(1, 0, 19)]


def test_what_the_prompt_said_is_nobodys() -> None:
    assert entries(QUOTE, QUOTE, prompts=["Repeat this: " + QUOTE]) == {}
    assert entries(QUOTE, QUOTE, prompts=["Tell me of lighthouses."]) == {1: PPM}


def test_common_text_is_nobodys() -> None:
    licence = (TABLES / "background" / "GPL-3.txt").read_text()[2000:3000]
    files = [TextFile(0, "GPL-3.txt", licence.encode()), TextFile(1, "text.txt", licence.encode())]
    assert attribute(Texts((licence,), ()), Scan(files, METHOD), [1], NO_PRIOR, METHOD).entries == ()


def test_repetition_is_no_evidence() -> None:
    zeros = "0 " * 500
    assert windows_of(METHOD.folding.units(zeros), METHOD) == []
    assert entries(zeros, zeros) == {}


def test_the_prior_takes_what_no_text_explains() -> None:
    assert entries("Nothing of the kind.", QUOTE, "", prior={1: 300_000, 2: 700_000}) == {1: 300_000, 2: 700_000}
    assert entries("Nothing of the kind.", QUOTE, "", prior={1: 300_000, 9: 700_000}) == {0: 700_000, 1: 300_000}
    assert entries(QUOTE, QUOTE, "", prior={2: PPM}) == {1: PPM}


def test_shares_of_more_than_everything_are_refused() -> None:
    with pytest.raises(InvalidAttributionSetError):
        set_of({1: PPM}, {2: 1})


def test_an_answer_without_text_goes_by_the_terms() -> None:
    for texts in (Texts((), ()), Texts(("",), ("?",)), Texts(("…",), ())):
        assert attribute(texts, Scan([], METHOD), [1], Prior.flat({1: PPM}), METHOD).entries == ()


@given(st.dictionaries(st.integers(1, 40), st.integers(0, 10**6), max_size=30), st.data())
@settings(max_examples=300, deadline=None)
def test_every_set_sums_to_a_million_and_keeps_the_largest(weights: dict[int, int], data: st.DataObject) -> None:
    total = sum(weights.values()) + data.draw(st.integers(1, 10**6))
    entries_ = set_of(by_text(weights, total, set(weights), 0))
    assert sum(entry.ppm for entry in entries_) == (PPM if entries_ else 0)
    kept = {entry.asset_id for entry in entries_ if entry.asset_id}
    shares = {d: PPM * w // total for d, w in weights.items()}
    left = [ppm for d, ppm in shares.items() if d not in kept and ppm]
    assert not left or (len(kept) == 15 and min(shares[d] for d in kept) >= max(left))


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=40), st.integers(0, 10**8))
@settings(max_examples=200, deadline=None)
def test_a_weight_in_parts_never_earns_more_than_in_one(parts: list[int], others: int) -> None:
    total = sum(parts) + others + 1
    whole = dict(set_of(by_text({1: sum(parts)}, total, {1}, 72_000)))
    split = dict(set_of(by_text(dict(enumerate(parts, 1)), total, range(1, len(parts) + 1), 72_000)))
    assert sum(ppm for d, ppm in split.items() if d) <= whole.get(1, 0)


def test_the_parameters_hash_commits_to_constants_and_datasets() -> None:
    corpus = [CorpusEntry(1, b"\x01" * 32), CorpusEntry(7, b"\x07" * 32)]
    listing = parameters_listing(PARAMETERS, corpus)
    assert listing.startswith(b"tributary attribution parameters 1\nmethod attr/1\nwindow_millibits 56000\n")
    assert listing.endswith(b"dataset 1 " + b"01" * 32 + b"\ndataset 7 " + b"07" * 32 + b"\n")
    assert params_hash(PARAMETERS, corpus) == keccak256(listing)
    others = [
        params_hash(PARAMETERS, corpus[:1]),
        params_hash(replace(PARAMETERS, claim_millibits=1), corpus),
        params_hash(PARAMETERS, [CorpusEntry(2, b"\x01" * 32), corpus[1]]),
    ]
    assert len({params_hash(PARAMETERS, corpus), *others}) == 4
    with pytest.raises(MalformedInputError):
        parameters_listing(PARAMETERS, corpus[::-1])
    assert b"attr/1" + bytes(26) == METHOD_WORD
