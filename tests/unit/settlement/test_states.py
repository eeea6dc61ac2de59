"""The table of moves: every way leads to an end, and no end leads on."""

from __future__ import annotations

import pytest

from ledger.db.models.settlement import STATES
from settlement.states import ENDS, MOVES, State
from settlement.worker import STEPS

pytestmark = pytest.mark.unit


def reachable(state: State) -> set[State]:
    found, front = set(), {state}
    while front:
        found |= front
        front = {after for before in front for after in MOVES[before]} - found
    return found


def test_the_database_knows_exactly_these_states() -> None:
    assert {state.value for state in State} == set(STATES)


@pytest.mark.parametrize("state", State)
def test_every_state_can_come_to_an_end(state: State) -> None:
    assert reachable(state) & ENDS


def test_every_state_but_the_ends_has_a_step() -> None:
    assert set(STEPS) == set(State) - ENDS


def test_a_root_that_is_active_can_only_be_paid() -> None:
    assert reachable(State.ACTIVE) & ENDS == {State.PAID}
