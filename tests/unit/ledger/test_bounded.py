"""What is read up to a bound is all of it, or nothing."""

from __future__ import annotations

from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.bounded import gather

pytestmark = pytest.mark.unit


@given(st.lists(st.binary(max_size=9), max_size=9), st.integers(0, 80))
def test_all_of_it_comes_back_or_none(pieces: list[bytes], most_bytes: int) -> None:
    whole = b"".join(pieces)
    assert gather(pieces, most_bytes) == (whole if len(whole) <= most_bytes else None)


def test_what_has_no_end_is_given_up() -> None:
    assert gather(repeat(b"more and more"), 1_000) is None
