"""The audit's plain reading of blobs, against the codec that wrote them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.batch.decode import read_batch
from audit.batch.form import check_form
from audit.difference import Differences
from ledger.errors import BlobFormatError
from ledger.protocol.blob.decode import decode
from ledger.protocol.blob.encode import encode
from ledger.protocol.blob.faults import Rule, find_faults
from tests.unit.audit.building import committed
from tests.unit.protocol.strategies import batches

pytestmark = pytest.mark.unit


@settings(max_examples=60, deadline=None)
@given(batches())
def test_every_posted_field_is_read_back_and_an_honest_batch_has_no_difference(entries):
    encoded = encode(entries)
    read, batch, differences = read_batch(encoded.blobs), committed(encoded), Differences()
    sets = check_form(batch, read, differences)
    assert differences.kept == []
    for posted, wanted in zip(read.receipts, encoded.entries, strict=True):
        receipt = wanted.receipt
        assert posted.digest31 == wanted.digest[:31]
        assert read.payers[posted.payer_index].payer == receipt.payer
        assert (posted.seq, posted.asset_id, posted.fee_units) == (receipt.seq, receipt.asset_id, receipt.fee_units)
        assert (posted.input_units, posted.output_units) == (receipt.input_units, receipt.output_units)
        assert posted.started_at == receipt.started_at
        assert (sets[posted.set_position] if posted.set_position else ()) == wanted.attribution


@settings(max_examples=300, deadline=None)
@given(batches(most=6), st.data())
def test_any_changed_byte_is_a_difference_exactly_where_the_other_reading_finds_a_fault(entries, data):
    encoded = encode(entries)
    batch = committed(encoded)
    used = 32 * (2 + 2 * len(entries) + len(encoded.charges) + encoded.header.set_fe_count)
    spoilt = bytearray(b"".join(encoded.blobs))
    spoilt[data.draw(st.integers(0, used - 1))] ^= data.draw(st.integers(1, 255))
    blobs = [bytes(spoilt[at : at + 131_072]) for at in range(0, len(spoilt), 131_072)]
    try:
        columns = decode(blobs, batch.header["attributionMethod"], batch.header["attributionParamsHash"])
        faults = find_faults(columns, encoded.header, encoded.charges)
    except BlobFormatError:
        faults = [Rule.HEADER]
    differences = Differences()
    try:
        sound = check_form(batch, read_batch(blobs), differences) is not None
    except BlobFormatError:
        sound = False
    assert sound == (not faults)


def test_a_header_that_asks_for_more_elements_than_there_are_is_refused():
    with pytest.raises(BlobFormatError, match="asks for"):
        read_batch([b"\0\x01" + bytes(30) + b"\0" + b"\xff" * 9 + bytes(22) + bytes(131_072 - 64)])


@pytest.mark.parametrize("blobs", [[], [bytes(131_071)], [bytes(131_072)] * 7, [bytes(131_072)]])
def test_what_is_no_batch_of_format_1_is_refused(blobs):
    with pytest.raises(BlobFormatError):
        read_batch(blobs)
