"""One unit, planted in one function of one stage: `tributary audit` exits 1 and names the first difference.

The functions are patched because a true one makes no such error; all that judges it runs as it is.
"""

import psycopg
import pytest
from sqlalchemy import TextClause, text

from api.queries import contributors as api_queries
from indexer.verification import judge
from indexer.verification.sums import WeightedSum
from ledger.protocol.blob import encode as codec
from ledger.protocol.units import ENTITLEMENT_ONE, PPM
from settlement import attester, entitlements
from settlement import queries as settlement_queries
from settlement.steps import compute
from tests.e2e.pipeline_world import FEE_UNITS, Pipeline, api_server, copy_of

pytestmark = pytest.mark.e2e


# -- errors of one unit, planted in a stage -----------------------------------------------------------------------


def with_text(statement: TextClause, old: str, new: str) -> TextClause:
    """The statement with a part of its SQL exchanged."""
    assert statement.text.count(old) == 1
    return text(statement.text.replace(old, new)).bindparams(*statement._bindparams.values())


def test_one_unit_moved_by_the_codec_is_named_with_its_receipt(pipeline, pipeline_url, undone, monkeypatch):
    true = codec._public_rows

    def shifted(ordered, payers, positions, running, first_seq, base_time):
        running = running.copy()
        running[4] += 1
        return true(ordered, payers, positions, running, first_seq, base_time)

    monkeypatch.setattr(codec, "_public_rows", shifted)
    pipeline.issue(pipeline_url, 9, lane=2)
    pipeline.batch(pipeline_url)
    code, report, _ = pipeline.audit(None, "--through", "latest")
    first = report["first"]
    assert code == 1
    assert (first["kind"], first["batch"], first["position"], first["field"]) == ("receipt", 3, 4, "feeUnits")
    assert (first["expected"], first["found"]) == (str(FEE_UNITS), str(FEE_UNITS + 1))


class Moved:
    """One unit of the operator's that became the protocol's, and what the audit says of it."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.protocol = pipeline.flow.deployment.protocol_payee
        self.operator = pipeline.flow.operator.address

    def in_sql(self, statement: TextClause, numerator: str) -> TextClause:
        """The statement with the unit moved in the sum that it calls `numerator`."""
        cases = f"WHEN '{self.protocol.hex()}' THEN 1e30 WHEN '{self.operator.hex()}' THEN -1e30"
        payee = "o.payee" if "o." in numerator else "payee"
        wrong = f"{numerator} + CASE encode({payee}, 'hex') {cases} ELSE 0 END AS numerator"
        return with_text(statement, f"{numerator} AS numerator", wrong)

    def check(self, pipeline_url: str) -> None:
        """Settle with it: both payees' claims are named, to the unit, and so is the root."""
        self.pipeline.settle(pipeline_url)
        code, report, output = self.pipeline.audit()
        claims = [found for found in report["found"] if found["kind"] == "claim"]
        assert (code, report["differences"], len(claims)) == (1, 3, 2)
        assert report["first"] == claims[0]
        assert {found["place"]: int(found["found"]) - int(found["expected"]) for found in claims} == {
            f"claim of 0x{self.protocol.hex()} on root 2": 1,
            f"claim of 0x{self.operator.hex()} on root 2": -1,
        }
        assert (report["found"][2]["place"], report["found"][2]["field"]) == ("distribution root 2", "root")
        assert f"cumulative units must be {claims[0]['expected']} but is" in output.splitlines()[-1]


def test_one_unit_moved_by_the_split_rule_is_named(pipeline, pipeline_url, undone, monkeypatch):
    moved, true = Moved(pipeline), entitlements.numerators

    def wrong(*arguments: object) -> dict[bytes, int]:
        owed = true(*arguments)
        owed[moved.protocol] += ENTITLEMENT_ONE
        owed[moved.operator] -= ENTITLEMENT_ONE
        return owed

    monkeypatch.setattr(entitlements, "numerators", wrong)
    monkeypatch.setattr(compute, "by_sql", entitlements.by_rule)
    moved.check(pipeline_url)


def test_one_unit_moved_by_the_settlements_sql_is_named(pipeline, pipeline_url, undone, monkeypatch):
    moved = Moved(pipeline)
    monkeypatch.setattr(settlement_queries, "NUMERATORS", moved.in_sql(settlement_queries.NUMERATORS, "sum(numerator)"))
    monkeypatch.setattr(attester, "by_rule", entitlements.by_sql)
    moved.check(pipeline_url)


def test_one_unit_moved_by_the_apis_sql_is_named(pipeline, pipeline_url, monkeypatch):
    moved = Moved(pipeline)
    monkeypatch.setattr(api_queries, "_PAYEES", moved.in_sql(api_queries._PAYEES, "sum(numerator)"))
    with api_server(pipeline_url) as api:
        code, report, _ = pipeline.audit(api)
    assert code == 1
    assert {found["place"] for found in report["found"]} == {
        f"contributor 0x{payee.hex()} in the API" for payee in (moved.protocol, moved.operator)
    }
    assert {found["field"] for found in report["found"]} == {"earned_numerator", "earned.units"}


def test_one_unit_moved_between_datasets_by_the_indexer_is_named(
    pipeline, postgres_server, migrated_template, monkeypatch
):
    true = judge.weigh

    def wrong(*arguments: object) -> tuple[WeightedSum, ...]:
        first, *middle, last = true(*arguments)
        up = first._replace(weighted_fee_units=first.weighted_fee_units + PPM)
        return (up, *middle, last._replace(weighted_fee_units=last.weighted_fee_units - PPM))

    monkeypatch.setattr(judge, "weigh", wrong)
    with copy_of(postgres_server, migrated_template) as pipeline_url:
        pipeline.index(pipeline_url)
        with api_server(pipeline_url) as api:
            code, report, _ = pipeline.audit(api)
    first = report["first"]
    assert (code, first["kind"], first["batch"]) == (1, "api", 1)
    assert first["field"].startswith("sums of asset")
    assert int(first["found"]) == int(first["expected"]) + PPM


# -- a split ------------------------------------------------------------------------------------------------------


def test_a_changed_split_is_named_even_if_every_attester_reads_it(pipeline, pipeline_url, undone):
    with psycopg.connect(pipeline_url) as connection:
        shift = "UPDATE effective_shares SET share = share + %s WHERE asset_id = 4 AND position = %s"
        for position, change in ((0, -100_000_000_000), (1, 100_000_000_000)):
            assert connection.execute(shift, (change, position)).rowcount == 1
    pipeline.settle(pipeline_url)
    code, report, _ = pipeline.audit()
    assert (code, report["first"]["kind"], report["first"]["field"]) == (1, "claim", "cumulative units")
    assert report["found"][-1]["place"] == "distribution root 2"
