"""The quick reading of attribution sets is the walk's, for whatever bytes stand there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.protocol.attribution import SetEntry
from ledger.protocol.blob.decode import decode
from ledger.protocol.blob.elements import set_elements
from ledger.protocol.blob.encode import encode
from ledger.protocol.blob.faults import _read_sets
from ledger.protocol.blob.sets import _table, well_formed_sets
from tests.unit.protocol.strategies import attribution_sets, batches

pytestmark = pytest.mark.unit


class Elements:
    """Set elements where `_read_sets` looks for them, from FE 10 on."""

    class header:  # noqa: N801
        count, payer_count = 4, 0

    def __init__(self, elements):
        self.set_elements = elements


def walked(elements):
    return dict(_read_sets(Elements(elements)))


def quick(elements):
    table = _table(elements, 10)
    if table is None:
        return None
    cut = [slice(a, b) for a, b in zip(table.first[:-1], table.first[1:], strict=True)]
    return {
        position: tuple(map(SetEntry, table.asset_ids[part].tolist(), table.ppms[part].tolist()))
        for position, part in zip(table.positions.tolist(), cut, strict=True)
    }


def same(elements):
    expected = walked(elements)
    assert quick(elements) == (None if None in expected.values() else expected)


def as_array(raw):
    return np.frombuffer(b"".join(raw), np.uint8).reshape(-1, 32)


chosen = st.lists(attribution_sets().filter(bool), max_size=5)


@settings(max_examples=50, deadline=None)
@given(chosen)
def test_well_formed_sets_are_read_alike(sets):
    elements = as_array([e for entries in sets for e in set_elements(entries)])
    assert quick(elements) is not None
    same(elements)


@settings(max_examples=150, deadline=None)
@given(chosen.filter(bool), st.data())
def test_sets_with_changed_bytes_are_judged_alike(sets, data):
    raw = bytearray(b"".join(e for entries in sets for e in set_elements(entries)))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.sampled_from([0, 1, 2, 3, 4, 5, 255]))
    same(as_array([bytes(raw)]))


@settings(max_examples=60, deadline=None)
@given(chosen.filter(bool), st.randoms(use_true_random=False))
def test_sets_with_elements_shuffled_dropped_or_doubled_are_judged_alike(sets, random):
    raw = [e for entries in sets for e in set_elements(entries)]
    same(as_array(random.choices(raw, k=random.randint(1, len(raw) + 1))))


@settings(max_examples=50, deadline=None)
@given(batches())
def test_positions_are_those_that_receipts_name(entries):
    columns = decode(encode(entries).blobs)
    table = well_formed_sets(columns)
    ordered = sorted(entries, key=lambda e: (e.receipt.payer, e.receipt.seq))
    for entry, index in zip(ordered, table.index_of(columns.set_position), strict=True):
        found = () if index < 0 else tuple(
            map(
                SetEntry,
                table.asset_ids[table.first[index] : table.first[index + 1]].tolist(),
                table.ppms[table.first[index] : table.first[index + 1]].tolist(),
            )
        )  # fmt: skip
        assert found == entry.attribution
