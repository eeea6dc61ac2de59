"""Uptime is the share of time in which the last commit was no older than a receipt may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.uptime import uptime
from ledger.protocol.units import POST_DEADLINE_SECONDS as DAY
from ledger.protocol.units import PPM

pytestmark = pytest.mark.unit

SINCE, UNTIL = 100 * DAY, 104 * DAY


@pytest.mark.parametrize(
    ("times", "days", "longest"),
    [
        ([SINCE], 1, 4 * DAY),
        ([SINCE, SINCE + DAY, SINCE + 2 * DAY, SINCE + 3 * DAY], 4, DAY),
        ([SINCE, SINCE + 3 * DAY], 2, 3 * DAY),
        ([SINCE - DAY // 2, SINCE + 3 * DAY], 1.5, 3.5 * DAY),
        ([SINCE - 9 * DAY, SINCE + 3 * DAY], 1, 12 * DAY),
        ([UNTIL], 0, 0),
        ([SINCE, SINCE, SINCE], 1, 4 * DAY),
    ],
)
def test_a_commit_covers_the_deadline_after_it(times: list[int], days: float, longest: float) -> None:
    span = uptime(times, SINCE, UNTIL)
    assert span.up_seconds == days * DAY
    assert span.longest_pause_seconds == longest
    assert span.ppm == int(days * PPM / 4)


@given(st.lists(st.integers(90 * DAY, UNTIL), min_size=1, max_size=9).map(sorted))
def test_seconds_counted_one_by_one_are_the_same(times: list[int]) -> None:
    step = 600
    rounded = [time - time % step for time in times]
    covered = sum(step for moment in range(SINCE, UNTIL, step) if any(t <= moment < t + DAY for t in rounded))
    assert uptime(rounded, SINCE, UNTIL).up_seconds == covered


def test_a_window_without_length_is_covered() -> None:
    assert uptime([UNTIL], UNTIL, UNTIL).ppm == PPM
