"""What is owed, by SQL, by the protocol's rule, and receipt by receipt in fractions: one amount."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from ledger.errors import ConservationError, NotYetFinalError
from ledger.protocol.contributors import Contributor, ContributorList
from ledger.protocol.entitlement import EffectiveShare, ProtocolShare, RoyaltyTerms
from ledger.protocol.units import ENTITLEMENT_ONE, SHARE_ONE
from settlement.entitlements import Entitlements, by_rule, by_sql
from tests.factories.histories import histories
from tests.factories.history import History, PastBatch, Use

pytestmark = pytest.mark.postgres

THROUGH = 100
PAYEE, OPERATOR, PROTOCOL = b"\xaa" * 20, b"\xcc" * 20, b"\xee" * 20
TERMS = RoyaltyTerms(
    200_000, 0, by_attribution=False, datasets=frozenset(), effective=(EffectiveShare(PAYEE, SHARE_ONE),)
)
ONE_BATCH = History(
    ProtocolShare(PROTOCOL, 10_000), {(1, 1): TERMS}, batches=(PastBatch(1, OPERATOR, (Use((1, 1), 1_000_001),), 50),)
)


def read(connection: Connection, history: History, through: int = THROUGH) -> tuple[Entitlements, Entitlements]:
    """Both readings of a history, which is gone again afterwards."""
    with connection.begin() as transaction, Session(connection) as session:
        history.write(session)
        both = by_sql(session, through, history.protocol), by_rule(session, through, history.protocol)
        session.close()
        transaction.rollback()
    return both


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=histories())
def test_sql_the_rule_and_fractions_give_the_same_to_the_last_digit(connection: Connection, history: History) -> None:
    sql, rule = read(connection, history)
    assert sql == rule
    exact = history.owed_exactly(THROUGH)
    assert {line.payee: Fraction(line.numerator, ENTITLEMENT_ONE) for line in sql.lines} == exact
    assert {line.payee: line.cumulative_units for line in sql.lines} == {
        p: a.numerator // a.denominator for p, a in exact.items()
    }


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=histories())
def test_whole_units_and_dust_add_up_to_the_fees(connection: Connection, history: History) -> None:
    sql, _ = read(connection, history)
    assert sql.fees_units == sum(batch.total_fee_units for batch in history.counted(THROUGH))
    whole = sum(line.cumulative_units for line in sql.lines)
    assert whole * ENTITLEMENT_ONE + sql.dust_numerator == sql.fees_units * ENTITLEMENT_ONE
    assert whole <= sql.fees_units < whole + max(1, len(sql.lines))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=histories())
def test_no_payee_ever_falls_as_blocks_pass(connection: Connection, history: History) -> None:
    earlier, later = read(connection, history, 50)[0], read(connection, history, 100)[0]
    after = {line.payee: line.numerator for line in later.lines}
    assert all(after[line.payee] >= line.numerator for line in earlier.lines)


def test_one_batch_is_divided_as_its_terms_say(connection: Connection) -> None:
    sql, _ = read(connection, ONE_BATCH)
    numerators = {line.payee: line.numerator for line in sql.lines}
    fee = Fraction(1_000_001)
    assert numerators == {
        PAYEE: fee / 5 * ENTITLEMENT_ONE,
        OPERATOR: fee * 79 / 100 * ENTITLEMENT_ONE,
        PROTOCOL: fee / 100 * ENTITLEMENT_ONE,
    }
    assert {line.payee: line.cumulative_units for line in sql.lines} == {
        PAYEE: 200_000,
        OPERATOR: 790_000,
        PROTOCOL: 10_000,
    }


def test_a_batch_finalised_after_the_block_does_not_count(connection: Connection) -> None:
    assert read(connection, ONE_BATCH, through=49)[0] == Entitlements(0, (), ())


def test_a_finalised_batch_with_broken_blobs_is_withheld_and_named(connection: Connection) -> None:
    broken = replace(ONE_BATCH, batches=(replace(ONE_BATCH.batches[0], verdict="invalid"),))
    assert read(connection, broken)[0] == Entitlements(0, (1,), ())


def test_a_finalised_batch_whose_blobs_are_unread_holds_everything_up(connection: Connection) -> None:
    unread = replace(ONE_BATCH, batches=(replace(ONE_BATCH.batches[0], verdict="pending"),))
    with pytest.raises(NotYetFinalError, match="blobs of batch 1"):
        read(connection, unread)


THOUSANDS = ContributorList(1, [Contributor(n.to_bytes(20), 1 + n % 7) for n in range(1, 3_001)])
DATANET = replace(
    ONE_BATCH,
    terms={
        (1, 1): replace(TERMS, effective=(EffectiveShare(PAYEE, 1), EffectiveShare(THOUSANDS.payee, SHARE_ONE - 1)))
    },
    lists=(THOUSANDS,),
)


def test_thousands_of_contributors_are_paid_by_weight(connection: Connection) -> None:
    sql, rule = read(connection, DATANET)
    assert sql == rule
    royalty = Fraction(1_000_001, 5)
    paid = {line.payee: Fraction(line.numerator, ENTITLEMENT_ONE) for line in sql.lines}
    assert len(paid) == 3_003
    for contributor, weight in THOUSANDS.contributors:
        fair = royalty * Fraction(weight, THOUSANDS.total_weight)
        assert abs(paid[contributor] - fair) < royalty * Fraction(2, SHARE_ONE)
    assert sum(paid.values()) == 1_000_001


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE contributor_lists SET completed_block_number = NULL",
        "DELETE FROM contributors WHERE position = 1500",
        "UPDATE contributors SET weight = weight + 1 WHERE position = 2999",
        "DELETE FROM contributor_lists",
    ],
)
def test_a_damaged_contributor_list_pays_nobody(connection: Connection, damage: str) -> None:
    for reading in (by_sql, by_rule):
        with connection.begin() as transaction, Session(connection) as session:
            DATANET.write(session)
            session.execute(text(damage))
            with pytest.raises(ConservationError):
                reading(session, THROUGH, DATANET.protocol)
            session.close()
            transaction.rollback()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE batch_sums SET weighted_fee_units = weighted_fee_units + 1",
        "UPDATE effective_shares SET share = share - 1",
        "UPDATE batches SET total_fee_units = total_fee_units - 1",
        "DELETE FROM terms",
        "DELETE FROM effective_shares",
    ],
)
def test_a_damaged_index_pays_nobody(connection: Connection, damage: str) -> None:
    for reading in (by_sql, by_rule):
        with connection.begin() as transaction, Session(connection) as session:
            ONE_BATCH.write(session)
            session.execute(text(damage))
            with pytest.raises(ConservationError):
                reading(session, THROUGH, ONE_BATCH.protocol)
            session.close()
            transaction.rollback()
