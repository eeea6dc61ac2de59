"""An adapter's committed prior: its file, its arithmetic, and what the shipped adapters commit to."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.config import CHECKOUT
from ledger.errors import MalformedInputError
from ledger.protocol.attribution.prior import NO_PRIOR, PRIOR_FILE, Prior, PriorFile, parse_prior, prior_bytes
from ledger.protocol.units import PPM
from serving.engine.manifest import load_manifest

pytestmark = pytest.mark.unit

MODELS = CHECKOUT / "models"
WEIGHT = st.integers(-1_000_000, 1_000_000)
SMALL = PriorFile("by hand", (b"\1" * 32, b"\2" * 32), (PPM, 500_000), (3, -4), {"the": (5, 6), "é": (0, -1)})


@st.composite
def prior_files(draw: st.DrawFn) -> PriorFile:
    hashes = sorted(draw(st.sets(st.binary(min_size=32, max_size=32), min_size=1, max_size=5)))
    rows = st.tuples(*[WEIGHT] * len(hashes))
    return PriorFile(
        draw(st.text("abc/1- é", min_size=1, max_size=31)),
        tuple(hashes),
        draw(st.tuples(*[st.integers(0, PPM)] * len(hashes))),
        draw(rows),
        draw(st.dictionaries(st.text(max_size=8), rows, max_size=6)),
    )


@given(prior_files())
def test_a_prior_reads_back_as_it_was_written(prior: PriorFile) -> None:
    assert parse_prior(prior_bytes(prior)) == prior


@given(prior_files(), st.data())
@settings(max_examples=300)
def test_a_changed_byte_is_refused_or_another_prior_that_writes_itself(prior: PriorFile, data: st.DataObject) -> None:
    content = bytearray(prior_bytes(prior))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = parse_prior(bytes(content))
    except MalformedInputError:
        return
    assert prior_bytes(read) == bytes(content)


@given(st.binary(max_size=200) | st.from_regex(r'\{"format": "tributary prior 1".*\}', fullmatch=True).map(str.encode))
def test_bytes_of_any_other_form_are_refused_in_one_way(content: bytes) -> None:
    with pytest.raises(MalformedInputError):
        parse_prior(content)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("format", "tributary prior 2"),
        ("method", ""),
        ("method", "m" * 32),
        ("method", 7),
        ("datasets", []),
        ("datasets", [{"contentHash": "0x" + "00" * 32, "mostPpm": 1_000_001, "other": 0}]),
        ("datasets", [{"contentHash": "0x" + "00" * 32, "mostPpm": True, "other": 0}]),
        ("datasets", [{"contentHash": "0x" + "00" * 32, "mostPpm": 1, "other": 1.0}]),
        ("datasets", 2 * [{"contentHash": "0x" + "00" * 32, "mostPpm": 1, "other": 1}]),
        ("words", {"the": [1]}),
        ("words", {"the": [1, 2_000_000]}),
        ("words", {"the": None}),
        ("words", []),
        ("more", 1),
    ],
)
def test_a_prior_that_breaks_a_rule_is_refused(member: str, value: object) -> None:
    document = json.loads(prior_bytes(SMALL)) | {member: value}
    with pytest.raises(MalformedInputError):
        parse_prior(json.dumps(document).encode())
    with pytest.raises(MalformedInputError):
        parse_prior(json.dumps(document, indent=1).encode() + b"\n")


def test_harm_earns_nothing_and_what_a_bound_cuts_off_goes_to_nobody_else() -> None:
    prior = SMALL.prior({b"\1" * 32: 7, b"\2" * 32: 9})
    assert prior.divide(PPM, ["é"] * 4) == {}  # weights 0 and -4
    assert prior.divide(PPM, ["other"]) == {7: PPM}  # 3 and -4
    assert prior.divide(PPM, ["the"]) == {7: 454_545, 9: 500_000}  # 5 and 6 of 11: 545,454 is cut to 500,000
    assert prior.divide(3, ["the"]) == {7: 1, 9: 1}


def test_a_dataset_that_is_not_admitted_or_not_registered_leaves_its_part_to_the_terms() -> None:
    prior = SMALL.prior({b"\1" * 32: 7, b"\2" * 32: 9})
    assert prior.admitting({7}).divide(PPM, ["the"]) == {7: 454_545}
    assert SMALL.prior({b"\2" * 32: 9}).divide(PPM, ["the"]) == {9: 500_000}
    assert NO_PRIOR.divide(PPM, ["the"]) == {}


@given(prior_files(), st.integers(0, PPM), st.lists(st.text(max_size=3), max_size=30))
def test_parts_are_positive_bounded_and_never_more_than_the_rest(file: PriorFile, rest: int, units: list[str]) -> None:
    prior = file.prior({content_hash: number for number, content_hash in enumerate(file.datasets, 1)})
    parts = prior.divide(rest, units)
    assert sum(parts.values()) <= rest
    for dataset, ppm in parts.items():
        assert 0 < ppm <= rest * prior.most_ppm[dataset - 1] // PPM


@given(st.dictionaries(st.integers(1, 99), st.integers(0, PPM // 10), max_size=10), st.text(min_size=1, max_size=9))
def test_a_flat_prior_gives_its_ppm_whatever_the_words(shares: dict[int, int], word: str) -> None:
    assert Prior.flat(shares).divide(PPM, [word] * 3) == {dataset: ppm for dataset, ppm in shares.items() if ppm}


def test_every_shipped_adapter_commits_to_a_prior_over_the_datasets_that_it_learnt_from() -> None:
    assets = load_manifest(MODELS)
    hashes = {asset.name: asset.content_hash for asset in assets}
    adapters = [asset for asset in assets if asset.kind == "Adapter"]
    assert adapters
    for adapter in adapters:
        assert PRIOR_FILE in {file.path for file in adapter.files}
        prior = parse_prior((adapter.path / PRIOR_FILE).read_bytes())
        assert set(prior.datasets) == {hashes[name] for name in adapter.datasets}
        assert bool(prior.words) == (len(adapter.datasets) > 1)
