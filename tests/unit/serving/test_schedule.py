"""Announced changes: what is in force at a second."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.onchain.schedule import Change, read_schedule

pytestmark = pytest.mark.unit

NOW, HORIZON = 1_000, 100


@given(st.lists(st.integers(NOW - 50, NOW + HORIZON), min_size=1, max_size=8, unique=True), st.integers(0, HORIZON))
def test_a_schedule_says_what_the_chain_says_at_any_second_up_to_the_horizon(times: list[int], ahead: int) -> None:
    times = sorted({*times, 0})

    def chain(time: int) -> Change[int]:
        last = max(t for t in times if t <= time)
        return Change(last, last)

    schedule = read_schedule(chain, NOW, HORIZON)
    assert schedule.at(NOW + ahead) == chain(NOW + ahead).value


def test_only_what_is_announced_is_asked_for() -> None:
    asked: list[int] = []

    def chain(time: int) -> Change[str]:
        asked.append(time)
        return Change(5, "only")

    assert read_schedule(chain, NOW, HORIZON).at(NOW) == "only"
    assert asked == [NOW + HORIZON]
