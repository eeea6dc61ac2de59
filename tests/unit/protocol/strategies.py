"""Hypothesis strategies for the protocol's values."""

from hypothesis import strategies as st

from ledger.protocol.attribution import SetEntry
from ledger.protocol.blob.encode import BatchEntry
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt
from ledger.protocol.units import PPM

addresses = st.binary(min_size=20, max_size=20)


@st.composite
def ppm_parts(draw, least: int = 1, most: int = 16):
    """Positive integers that sum to PPM."""
    n = draw(st.integers(least, most))
    cuts = sorted(draw(st.sets(st.integers(1, PPM - 1), min_size=n - 1, max_size=n - 1)))
    return [b - a for a, b in zip([0, *cuts], [*cuts, PPM], strict=True)]


@st.composite
def attribution_sets(draw):
    """No set, or 1 to 16 entries."""
    if draw(st.booleans()):
        return ()
    parts = draw(ppm_parts())
    ids = sorted(draw(st.sets(st.integers(0, 2**32 - 1), min_size=len(parts), max_size=len(parts))))
    return tuple(SetEntry(a, p) for a, p in zip(ids, parts, strict=True))


@st.composite
def batches(draw, most: int = 40):
    """Entries of one lane in shuffled order: few payers, few sets, any fees."""
    n = draw(st.integers(1, most))
    payers = draw(st.lists(addresses, min_size=1, max_size=4, unique=True))
    sets = draw(st.lists(attribution_sets(), min_size=1, max_size=3))
    first = draw(st.integers(0, 2**64 - 1 - n))
    base = draw(st.integers(0, 2**40 - 2**16))
    operator, lane = draw(addresses), draw(st.integers(0, 2**16 - 1))
    entries = []
    for i in range(n):
        receipt = Receipt(
            operator=operator, lane=lane, seq=first + i, payer=draw(st.sampled_from(payers)),
            asset_id=draw(st.integers(1, 2**32 - 1)), request_hash=bytes(32), response_hash=bytes(32),
            input_units=draw(st.integers(0, 2**24 - 1)), output_units=draw(st.integers(0, 2**24 - 1)),
            fee_units=draw(st.integers(0, (2**64 - 1) // most)), attribution_hash=bytes(32),
            started_at=base + draw(st.integers(0, 2**16 - 1)), duration_ms=0,
        )  # fmt: skip
        entries.append(BatchEntry(receipt, keccak256(i.to_bytes(4, "big")), draw(st.sampled_from(sets))))
    return draw(st.permutations(entries))
