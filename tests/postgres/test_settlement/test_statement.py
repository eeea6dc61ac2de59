"""A payee's statement: its lines add up to what was distributed, to the last digit, whatever was paid meanwhile."""

from __future__ import annotations

import csv
import io
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from ledger.errors import LedgerDifferenceError, NotFoundError
from ledger.protocol.units import ENTITLEMENT_ONE
from settlement.connections import Connections
from settlement.entitlements import by_sql
from settlement.scope import Scope
from settlement.statement import Statement, statement
from settlement.statement_forms import as_csv, as_json, exact
from settlement.worker import run_pass
from tests.factories.histories import histories
from tests.factories.history import CHAIN_ID, History
from tests.factories.settled_world import ALICE, BOB, CAROL, OPERATOR, PROTOCOL, World
from tests.postgres.test_settlement.conftest import pass_activation

THROUGH = 100


def column_sum(made: Statement) -> Decimal:
    """What a spreadsheet with enough digits makes of the CSV."""
    rows = list(csv.DictReader(io.StringIO(as_csv(made))))
    with localcontext(prec=100):
        return sum((Decimal(row["base_units"]) for row in rows), Decimal(0))


@pytest.mark.postgres
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=histories())
def test_the_lines_of_every_payee_are_its_entitlement(connection: Connection, history: History) -> None:
    scope = Scope(CHAIN_ID, b"\xd1" * 20, b"\x70" * 20, history.protocol)
    exact_amounts = history.owed_exactly(THROUGH)
    with connection.begin() as transaction, Session(connection) as session:
        history.write(session)
        session.flush()
        owed = {line.payee: line for line in by_sql(session, THROUGH, history.protocol).lines}
        for payee in [*owed, b"\x99" * 20]:
            made = statement(session, scope, payee)
            assert made.root_index is None
            assert made.numerator == (owed[payee].numerator if payee in owed else 0)
            assert Fraction(made.numerator, ENTITLEMENT_ONE) == exact_amounts.get(payee, Fraction(0))
            assert column_sum(made) == made.cumulative_units == made.due_units
            counted = {batch.batch_id for batch in history.counted(THROUGH)}
            assert {line.batch_id for line in made.lines} <= counted
        session.close()
        transaction.rollback()


@pytest.mark.chain
def test_statements_follow_distributions_and_payments(world: World, settler: Connections) -> None:
    for fee_units in (1_000_001, 5_000_000_000_003):
        world.charge(fee_units)
        run_pass(settler)
        pass_activation(world)
        run_pass(settler)
        world.settle_blocks()
        run_pass(settler)
    owed = world.owed()
    for payee in (ALICE, BOB, CAROL, OPERATOR, PROTOCOL):
        with settler.sessions() as session:
            made = statement(session, settler.scope, payee)
        assert made.root_index == 2
        assert made.cumulative_units == made.paid_units == owed[payee]
        assert made.due_units == column_sum(made) == 0
        assert [line.batch_id for line in made.lines] == [1, 2]
        document = as_json(made)
        assert sum(int(line["numerator"]) for line in document["lines"]) == int(document["numerator"])  # type: ignore[index,attr-defined]
        assert int(document["cumulative"]) * ENTITLEMENT_ONE + int(document["carriedNumerator"]) == made.numerator  # type: ignore[call-overload]
    with settler.sessions() as session:
        first = statement(session, settler.scope, BOB, 1)
    assert (first.root_index, [line.batch_id for line in first.lines]) == (1, [1])
    with settler.sessions() as session, pytest.raises(NotFoundError, match="no standing root 3"):
        statement(session, settler.scope, BOB, 3)
    with settler.sessions() as session:
        session.execute(text("UPDATE entitlements SET numerator = numerator + 1 WHERE distribution_id = 2"))
        session.commit()
    with settler.sessions() as session, pytest.raises(LedgerDifferenceError, match="rebuild the index"):
        statement(session, settler.scope, BOB)


@pytest.mark.postgres
@given(st.integers(-(10**60), 10**60))
def test_amounts_are_written_without_rounding(numerator: int) -> None:
    assert Fraction(exact(numerator)) == Fraction(numerator, ENTITLEMENT_ONE)
