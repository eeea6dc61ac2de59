"""Where a run of receipts is cut: what is taken fits the format, and one more would not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batcher.cutting import NOBODY, Limits, MadeBy, Waiting, cut
from batcher.encoding import encode_checked
from batcher.outbox import WaitingReceipt
from batcher.selecting import Tally
from ledger.errors import BatchOverflowError
from ledger.protocol.attribution import SetEntry
from ledger.protocol.blob import layout
from ledger.protocol.blob.encode import BatchEntry, encode
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt
from ledger.protocol.units import MAX_U64

pytestmark = pytest.mark.unit

METHODS = (NOBODY, MadeBy(b"a" * 32, b"1" * 32), MadeBy(b"a" * 32, b"2" * 32))
SETS = ((), (SetEntry(1, 1_000_000),), tuple(SetEntry(i, 62_500) for i in range(1, 17)))

waiting_lists = st.lists(
    st.builds(
        Waiting,
        payer=st.sampled_from([bytes([n]) * 20 for n in range(1, 6)]),
        fee_units=st.one_of(st.integers(0, 100), st.integers(2**61, MAX_U64)),
        started_at=st.one_of(st.integers(10**9, 10**9 + 100), st.integers(10**9 - 70_000, 10**9 + 70_000)),
        attribution=st.sampled_from(SETS),
        made_by=st.sampled_from(METHODS),
    ),
    min_size=1,
    max_size=30,
)
limits = st.builds(Limits, st.integers(1, 25), st.integers(1, 4), st.integers(14, 60))


def entries(run: list[Waiting]) -> list[BatchEntry]:
    """Receipts with these payers, fees, times and sets."""
    made = []
    for seq, waiting in enumerate(run):
        receipt = Receipt(
            operator=b"\x01" * 20,
            lane=2,
            seq=seq,
            payer=waiting.payer,
            asset_id=3,
            request_hash=bytes(32),
            response_hash=bytes(32),
            input_units=1,
            output_units=1,
            fee_units=waiting.fee_units,
            attribution_hash=bytes(32),
            started_at=waiting.started_at,
            duration_ms=0,
        )
        made.append(BatchEntry(receipt, keccak256(seq.to_bytes(4)), waiting.attribution))
    return made


def fits(run: list[Waiting], limits: Limits) -> bool:
    """Whether the encoder takes the receipts, within the limits."""
    if len(run) > limits.max_receipts or len({w.payer for w in run}) > limits.max_payers:
        return False
    if len({w.made_by for w in run if w.attribution}) > 1:  # a batch_commitment names one method and its parameters
        return False
    try:
        header = encode(entries(run)).header
    except BatchOverflowError:
        return False
    return layout.used_fes(header.count, header.payer_count, header.set_fe_count) <= limits.max_fes


@given(waiting_lists, limits)
def test_a_cut_takes_all_that_fits_and_no_more(run: list[Waiting], limits: Limits) -> None:
    taken = cut(run, limits)
    assert taken >= 1
    assert fits(run[:taken], limits)
    assert taken == len(run) or not fits(run[: taken + 1], limits)


def test_a_receipt_without_a_set_goes_with_any_method() -> None:
    one, other = (Waiting(b"\x01" * 20, 1, 10**9, SETS[1], method) for method in METHODS[1:])
    none = Waiting(b"\x01" * 20, 1, 10**9)
    assert cut([none, one, none, one, none, other], Limits()) == 5
    assert cut([other, none, one], Limits()) == 2


def test_a_full_batch_of_the_format_is_one_batch() -> None:
    run = [Waiting(b"\x01" * 20, 1, 10**9)] * (layout.MAX_RECEIPTS + 5)
    taken = cut(run, Limits())
    assert taken == layout.MAX_RECEIPTS
    batch = encode_checked(entries(run[:taken]), bytes(32), bytes(32))
    assert batch.header.blob_count == 6


def tally(count: int, issued_at: float, ended_at: int, more: int = 0) -> Tally:
    """A lane with `count` receipts that fit a batch of five, and `more` with them that may not."""
    waiting = Waiting(b"\x01" * 20, 1, ended_at)
    made = Tally(0, Limits(max_receipts=5))
    made.add([WaitingReceipt(waiting, issued_at, ended_at)] * (count + more))
    return made


@pytest.mark.parametrize(
    ("tally", "due"),
    [
        (tally(3, issued_at=10**9 - 10, ended_at=10**9 - 10), False),
        (tally(3, issued_at=10**9 - 3600, ended_at=10**9 - 10), True),
        (tally(3, issued_at=10**9 - 10, ended_at=10**9 - 3600), True),
        (tally(5, issued_at=10**9, ended_at=10**9), True),
        (tally(5, issued_at=10**9, ended_at=10**9, more=1), True),
        (tally(0, issued_at=0, ended_at=0), False),
    ],
    ids=["young", "old by the database", "old by the chain", "as many as may be", "more than fit", "nothing"],
)
def test_a_batch_is_due_when_it_is_full_or_old(tally: Tally, due: bool) -> None:
    assert tally.is_due(10**9, 10**9, 3600) is due


@given(waiting_lists, limits, st.integers(1, 5))
def test_a_tally_that_grows_in_pieces_ends_as_one_that_is_read_whole(
    run: list[Waiting], limits: Limits, piece: int
) -> None:
    receipts = [WaitingReceipt(waiting, 0.0, 0) for waiting in run]
    grown = Tally(0, limits)
    while not grown.is_full and grown.load.count < len(receipts):
        grown.add(receipts[grown.load.count : grown.load.count + piece])
    assert grown.load.count == cut(run, limits)
