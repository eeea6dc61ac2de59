"""The second that receipts start at."""

from __future__ import annotations

import pytest

from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS
from serving.clock import Clock

pytestmark = pytest.mark.unit

WALL = 1_700_000_000.25


def test_this_machines_clock_counts_and_its_drift_is_known() -> None:
    clock = Clock(follow_chain=False, wall=lambda: WALL)
    clock.observe(1_700_000_000 + CLOCK_TOLERANCE_SECONDS)
    assert (clock.now(), clock.is_right) == (1_700_000_000, True)
    clock.observe(1_700_000_000 + CLOCK_TOLERANCE_SECONDS + 1)
    assert (clock.now(), clock.is_right) == (1_700_000_000, False)


def test_a_devnets_leaps_are_followed_and_the_age_of_its_blocks_is_not() -> None:
    clock = Clock(follow_chain=True, wall=lambda: WALL)
    for head, expected in ((1_700_000_000 - 2, 0), (1_700_000_000 + 90_000, 90_000), (1_700_000_000 + 89_998, 90_000)):
        clock.observe(head)
        assert abs(clock.now() - (1_700_000_000 + expected)) <= 1
        assert clock.is_right
