"""Numbers at the finalised, the safe and the newest block are what was owed at each, on any history."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from api.queries import contributors
from api.reading import Reading, open_reading
from api.schemas.figures import Figure
from ledger.db.session import ReadSession
from ledger.protocol.entitlement import ProtocolShare
from ledger.protocol.units import ENTITLEMENT_ONE
from tests.factories.deployment_row import write_deployment
from tests.factories.histories import OPERATORS, PAYEES, PROTOCOL, histories
from tests.factories.history import CHAIN_ID, History, block_hash

pytestmark = pytest.mark.postgres

HEADS = {"finalized": 10, "safe": 50, "unsafe": 100}
"""Random histories finalise batches in blocks 10, 50, 100 and 101."""

relaxed = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def move_heads(session: Session) -> None:
    for tag, name in (("latest", "unsafe"), ("safe", "safe"), ("finalized", "finalized")):
        session.execute(
            text("UPDATE heads SET number = :number, hash = :hash WHERE chain_id = :chain AND tag = :tag"),
            {"number": HEADS[name], "hash": block_hash(HEADS[name]), "chain": CHAIN_ID, "tag": tag},
        )


def without_later_blocks(history: History) -> History:
    """What an index that has read up to block 100 holds."""
    kept = tuple(b for b in history.batches if b.finalized_block is None or b.finalized_block <= HEADS["unsafe"])
    return replace(history, batches=kept)


@relaxed
@given(drawn=histories())
def test_earnings_at_each_head_are_what_was_owed_at_that_block(connection: Connection, drawn: History) -> None:
    history = without_later_blocks(drawn)
    with connection.begin() as transaction:
        reading = write_and_read(connection, history)
        for payee in {*PAYEES, *OPERATORS, PROTOCOL}:
            rows = contributors.earnings(reading, payee, 0, 2**40)
            for tier, block in HEADS.items():
                total = sum(int(getattr(row, f"settled_{tier}") or 0) for row in rows)
                assert Fraction(total, ENTITLEMENT_ONE) == history.owed_exactly(block).get(payee, 0)
        transaction.rollback()


@relaxed
@given(drawn=histories())
def test_the_list_of_payees_agrees_with_each_payees_own_page(connection: Connection, drawn: History) -> None:
    history = without_later_blocks(drawn)
    with connection.begin() as transaction:
        reading = write_and_read(connection, history)
        for block in HEADS.values():
            listed = {bytes(row.payee): int(row.numerator) for row in contributors.payees(reading, block, b"", 1000)}
            assert listed == {p: a * ENTITLEMENT_ONE for p, a in history.owed_exactly(block).items()}
            paged, after = [], b""
            while page := contributors.payees(reading, block, after, 2):
                paged += [bytes(row.payee) for row in page]
                after = paged[-1]
            assert paged == sorted(listed)
        transaction.rollback()


def write_and_read(connection: Connection, history: History) -> Reading:
    with Session(connection) as session:
        write_deployment(session, PROTOCOL, history.protocol.ppm)
        history.write(session)
        move_heads(session)
        session.flush()
    return open_reading(ReadSession(connection))


def test_a_figure_names_the_block_of_each_of_its_values(connection: Connection) -> None:
    with connection.begin() as transaction:
        reading = write_and_read(connection, History(ProtocolShare(PROTOCOL, 0), {}))
        figure = Figure.of(reading, lambda tier: HEADS[tier] * 2)
        transaction.rollback()
    assert figure.model_dump() == {tier: {"units": str(2 * block), "block": block} for tier, block in HEADS.items()}
