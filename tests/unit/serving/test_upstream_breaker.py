"""When a node is left, and how it comes back."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from serving.upstream.breaker import IN_A_ROW, LONGEST_PAUSE_SECONDS, Breaker, State
from serving.upstream.errors import AT_ONCE, HARMLESS, Fault
from serving.upstream.pace import Pace

pytestmark = pytest.mark.unit


class Breakers(RuleBasedStateMachine):
    """Any order of faults, successes, trials and time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.in_a_row = 0
        self.breaker = Breaker(lambda: self.now)

    @rule(seconds=st.floats(0.01, 20))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(fault=st.sampled_from(Fault))
    def a_fault(self, fault: Fault) -> None:
        was_closed = self.breaker.state is State.CLOSED
        opened = self.breaker.failed(fault)
        if not was_closed or fault in HARMLESS:
            assert not opened
            return
        self.in_a_row += 1
        assert opened is (fault in AT_ONCE or self.in_a_row >= IN_A_ROW)

    @rule()
    def a_success(self) -> None:
        self.breaker.succeeded()
        self.in_a_row = 0

    @rule(passed=st.booleans())
    def a_trial(self, passed: bool) -> None:
        due = self.breaker.state is State.OPEN and self.breaker.trial_in_seconds == 0
        assert self.breaker.begin_trial() is due
        if not due:
            return
        assert not self.breaker.begin_trial()  # one at a time
        self.breaker.end_trial(passed=passed)
        if passed:
            self.in_a_row = 0
        assert self.breaker.state is (State.CLOSED if passed else State.OPEN)

    @precondition(lambda self: self.breaker.state is State.OPEN)
    @invariant()
    def a_trial_comes_in_time(self) -> None:
        assert self.breaker.trial_in_seconds <= LONGEST_PAUSE_SECONDS


TestBreakers = Breakers.TestCase


def test_a_node_is_measured_by_its_own_p99() -> None:
    pace = Pace()
    assert pace.limit(10, 3.0) is None  # too little is known
    for number in range(200):
        pace.add(0.010 if number % 50 else 0.020, 10)
    assert pace.p99_seconds == 0.020
    assert pace.limit(10, 3.0) == pytest.approx(0.060)
    assert pace.limit(5, 3.0) == pytest.approx(0.060)
    assert pace.limit(100, 3.0) == pytest.approx(0.600)  # ten times the largest seen may take ten times as long
    pace.forget()
    assert pace.p99_seconds is None
