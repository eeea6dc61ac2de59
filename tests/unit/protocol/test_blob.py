"""Blob format 1: encode and decode are inverses, rules catch every broken field, KZG opens it."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BatchOverflowError, BlobFormatError, KzgError
from ledger.protocol.blob import elements, kzg, layout
from ledger.protocol.blob.decode import decode
from ledger.protocol.blob.encode import BatchEntry, encode
from ledger.protocol.blob.faults import Rule, attribution_sets, find_faults
from ledger.protocol.receipt import Receipt
from tests.unit.protocol.strategies import batches

pytestmark = pytest.mark.unit


def entry(seq: int, payer: int = 1, fee: int = 5, started_at: int = 1000, **fields) -> BatchEntry:
    receipt = Receipt(
        operator=bytes([9]) * 20, lane=0, seq=seq, payer=bytes([payer]) * 20, asset_id=1, request_hash=bytes(32),
        response_hash=bytes(32), input_units=3, output_units=4, fee_units=fee, attribution_hash=bytes(32),
        started_at=started_at, duration_ms=1,
    )  # fmt: skip
    return BatchEntry(receipt, bytes([seq % 256]) * 32, **fields)


def element(blobs, position: int) -> bytes:
    blob, at = divmod(position, layout.FES_PER_BLOB)
    return blobs[blob][32 * at : 32 * at + 32]


@settings(max_examples=60, deadline=None)
@given(batches())
def test_decoding_gives_back_what_was_encoded(entries):
    batch = encode(entries)
    columns = decode(batch.blobs)
    assert columns.header == batch.header
    first, base = batch.header.first_seq, batch.header.base_time
    sets = attribution_sets(columns)
    charges = dict(batch.charges)
    for i, e in enumerate(batch.entries):
        assert columns.digests[i].tobytes() == e.digest[:31]
        assert first + int(columns.seq_offset[i]) == e.receipt.seq
        assert batch.charges[int(columns.payer_index[i])].payer == e.receipt.payer
        assert int(columns.asset_id[i]) == e.receipt.asset_id
        assert int(columns.fee_units[i]) == e.receipt.fee_units
        assert int(columns.input_units[i]) == e.receipt.input_units
        assert int(columns.output_units[i]) == e.receipt.output_units
        assert base + int(columns.time_offset[i]) == e.receipt.started_at
        assert sets.get(int(columns.set_position[i]), ()) == e.attribution
        charges[e.receipt.payer] -= e.receipt.fee_units
    assert not any(charges.values())
    assert sum(c.amount_units for c in batch.charges) == batch.header.total_fee_units
    assert find_faults(columns, batch.header, batch.charges) == []


@settings(max_examples=30, deadline=None)
@given(batches(most=12))
def test_single_elements_say_the_same_as_the_columns(entries):
    batch = encode(entries)
    columns = decode(batch.blobs)
    n, payers = batch.header.count, batch.header.payer_count
    for i in range(n):
        public = elements.read_public_element(element(batch.blobs, layout.b_position(i)))
        assert public == (
            columns.seq_offset[i], columns.payer_index[i], columns.asset_id[i], columns.set_position[i],
            columns.cumulative_fee_units[i], columns.input_units[i], columns.output_units[i], columns.time_offset[i],
        )  # fmt: skip
        assert elements.public_element(public) == element(batch.blobs, layout.b_position(i))
    for p in range(payers):
        read = elements.read_payer_element(element(batch.blobs, layout.p_position(n, p)))
        assert (read.payer, read.total_units) == batch.charges[p]
        assert batch.entries[read.last_index].receipt.payer == read.payer


@settings(max_examples=80, deadline=None)
@given(batches(most=8), st.integers(0, 2**32), st.integers(1, 255))
def test_a_changed_byte_of_any_used_element_is_noticed(entries, place, flip):
    """By a rule of the bytes themselves, or because a column that a receipt signs has changed."""
    batch = encode(entries)
    used = layout.used_fes(batch.header.count, batch.header.payer_count, batch.header.set_fe_count)
    position = place % (used * 32)
    blob = bytearray(batch.blobs[0])
    blob[position] ^= flip
    try:
        columns = decode([bytes(blob)])
    except BlobFormatError:
        return
    honest = decode(batch.blobs)
    signed_differs = any(
        not np.array_equal(getattr(columns, name), getattr(honest, name))
        for name in ("digests", "seq_offset", "asset_id", "cumulative_fee_units", "input_units", "output_units",
                     "time_offset", "set_position", "payer_index", "set_elements")
    )  # fmt: skip
    assert find_faults(columns, batch.header, batch.charges) or signed_differs


def tampered(position: int, new: bytes, batch):
    blob = bytearray(batch.blobs[0])
    blob[32 * position : 32 * position + 32] = new
    return find_faults(decode([bytes(blob)]), batch.header, batch.charges)


def test_each_rule_names_its_fault():
    batch = encode([entry(10, 1), entry(11, 1), entry(12, 2), entry(13, 3)])
    read = elements.read_public_element
    b = [read(element(batch.blobs, layout.b_position(i))) for i in range(4)]

    def change(i, **fields):
        return {f.rule for f in tampered(layout.b_position(i), elements.public_element(b[i]._replace(**fields)), batch)}

    assert Rule.SEQ_RANGE in change(0, seq_offset=4)
    assert {Rule.SEQ_DUPLICATE, Rule.SEQ_ORDER} <= change(0, seq_offset=1)
    assert Rule.PAYER_RANGE in change(3, payer_index=3)
    assert Rule.PAYER_ORDER in change(1, payer_index=2)
    assert Rule.FEE_ORDER in change(1, cumulative_fee_units=4)
    assert Rule.FEE_TOTAL in change(3, cumulative_fee_units=21)
    assert Rule.PAYER_TOTAL in change(2, cumulative_fee_units=16)
    assert Rule.SET_POINTER in change(0, set_position=2)
    p = layout.p_position(4, 0)
    payer = elements.read_payer_element(element(batch.blobs, p))
    wrong_total = elements.payer_element(payer._replace(total_units=11))
    assert {f.rule for f in tampered(p, wrong_total, batch)} == {Rule.PAYER_CHARGE}
    wrong_last = elements.payer_element(payer._replace(last_index=0))
    assert {f.rule for f in tampered(p, wrong_last, batch)} == {Rule.PAYER_LAST}
    high = b"\x01" + element(batch.blobs, 2)[1:]
    assert {f.rule for f in tampered(2, high, batch)} == {Rule.ELEMENT_RANGE}
    shape = elements.read_shape_element(element(batch.blobs, 1))
    later = elements.shape_element(shape._replace(base_time=shape.base_time + 1))
    assert {f.rule for f in tampered(1, later, batch)} == {Rule.HEADER}


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [entry(1), entry(3)],
        [entry(1), entry(1)],
        [entry(1), entry(2, started_at=1000 + 2**16)],
        [entry(1, fee=2**64 - 1), entry(2, fee=1)],
    ],
)
def test_what_does_not_fit_a_batch_is_refused(bad):
    with pytest.raises(BatchOverflowError):
        encode(bad)


def test_the_largest_batch_fills_six_blobs():
    batch = encode([entry(i) for i in range(layout.MAX_RECEIPTS)])
    assert batch.header.blob_count == len(batch.blobs) == 6
    with pytest.raises(BatchOverflowError):
        encode([entry(i) for i in range(layout.MAX_RECEIPTS + 1)])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 3))
def test_hostile_bytes_never_crash_the_decoder(noise, blobs):
    data = (noise or b"\0") * (layout.BLOB_BYTES // max(1, len(noise)) + 1)
    hostile = [data[: layout.BLOB_BYTES]] * blobs
    try:
        columns = decode(hostile)
    except BlobFormatError:
        return
    find_faults(columns, columns.header, ())


@settings(max_examples=100, deadline=None)
@given(batches(most=6), st.data())
def test_hostile_headers_never_crash_the_rules(entries, data):
    batch = encode(entries)
    blob = bytearray(batch.blobs[0])
    for _ in range(data.draw(st.integers(1, 6))):
        blob[data.draw(st.integers(1, 32 * 24))] = data.draw(st.integers(0, 255))
    try:
        columns = decode([bytes(blob)])
    except BlobFormatError:
        return
    find_faults(columns, batch.header, batch.charges)


def test_an_opening_proves_one_element_and_nothing_else():
    rng = random.Random(7)
    batch = encode([entry(i, payer=1 + i % 3, fee=rng.randrange(1000)) for i in range(50)])
    blob = batch.blobs[0]
    commitment = kzg.kzg_commitment(blob)
    name = kzg.versioned_hash(commitment)
    opening = kzg.open_at(blob, layout.b_position(7))
    assert opening.y == element(batch.blobs, layout.b_position(7))
    assert kzg.verify_opening(opening, name)
    assert not kzg.verify_opening(opening._replace(element=opening.element + 1), name)
    assert not kzg.verify_opening(opening._replace(y=bytes(32)), name)
    assert not kzg.verify_opening(opening._replace(z=kzg.domain_point(8)), name)
    assert not kzg.verify_opening(opening, b"\x01" + bytes(31))
    assert kzg.verify_blobs([blob], [commitment], [kzg.blob_proof(blob, commitment)])
    assert not kzg.verify_blobs([blob], [commitment], [opening.proof])


def test_a_blob_that_is_not_one_is_refused():
    for bad in (b"", bytes(layout.BLOB_BYTES - 1), b"\xff" * layout.BLOB_BYTES):
        with pytest.raises(KzgError):
            kzg.kzg_commitment(bad)
    with pytest.raises(KzgError):
        kzg.domain_point(4096)
