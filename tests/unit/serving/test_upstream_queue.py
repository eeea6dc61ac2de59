"""Who is next, and who finds room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.upstream.fair_queue import FairQueue

pytestmark = pytest.mark.unit

PAYERS = [b"a", b"b", b"c"]


def drain(queue: FairQueue[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    out = []
    while (item := queue.take()) is not None:
        out.append(item)
    assert len(queue) == 0
    return out


@given(st.lists(st.tuples(st.sampled_from(PAYERS), st.integers(1, 50)), max_size=60))
def test_payers_who_wait_together_are_served_side_by_side(work: list[tuple[bytes, int]]) -> None:
    queue: FairQueue[tuple[bytes, int]] = FairQueue()
    for payer, units in work:
        queue.put(payer, units, (payer, units))
    assert queue.units == sum(units for _, units in work)
    served = dict.fromkeys(PAYERS, 0)
    left = {payer: [units for who, units in work if who == payer] for payer in PAYERS}
    for payer, units in drain(queue):
        assert left[payer].pop(0) == units  # each payer's own come in order
        behind = [served[other] for other in PAYERS if other != payer and left[other]]
        # Nobody is served while another who waits is a whole request behind.
        assert all(served[payer] <= other + max(u for _, u in work) for other in behind)
        served[payer] += units
    assert queue.units == 0


def test_a_newcomer_comes_before_the_rest_of_a_flood() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(100):
        queue.put(b"flood", 10, f"flood {number}")
    for _ in range(30):
        queue.take()
    queue.put(b"modest", 10, "modest")
    assert "modest" in {queue.take(), queue.take()}


def test_giving_up_moves_nobody_on() -> None:
    queue: FairQueue[str] = FairQueue()
    places = [queue.put(b"flood", 10, f"flood {number}") for number in range(100)]
    for place in places[50:]:
        queue.leave(place)
        queue.leave(place)  # twice is once
    queue.put(b"modest", 10, "modest")
    assert (len(queue), queue.units) == (51, 510)
    assert "modest" in {queue.take(), queue.take()}


def test_what_nobody_can_serve_now_keeps_its_place() -> None:
    queue: FairQueue[str] = FairQueue()
    for name in ("first", "second", "third"):
        queue.put(b"payer", 10, name)
    assert queue.take(lambda item: item == "second") == "second"
    assert queue.take(lambda item: item == "second") is None
    assert [queue.take(), queue.take(), queue.take()] == ["first", "third", None]


@given(st.integers(1, 30), st.integers(1, 40))
def test_a_flood_leaves_every_other_payer_its_share(size: int, flood: int) -> None:
    queue: FairQueue[int] = FairQueue()
    most = 300
    while queue.fits(b"flood", size, most):
        queue.put(b"flood", size, 0)
    assert queue.units <= most
    assert queue.fits(b"modest", size, most) is (size <= most / 2 or queue.units + size <= most)
