"""Whatever is tampered with, wherever in the pipeline: `tributary audit` exits 1 and names the first difference."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import TextClause, text

from api.queries import contributors as api_queries
from indexer.verification import judge
from indexer.verification.sums import WeightedSum
from ledger.protocol.blob import encode as codec
from ledger.protocol.signature import sign
from ledger.protocol.units import ENTITLEMENT_ONE, PPM
from settlement import attester, entitlements
from settlement import queries as settlement_queries
from settlement.steps import compute
from tests.e2e.pipeline_world import FEE_UNITS, Pipeline, api_server, open_pipeline
from tributary.postgres import PostgresServer

pytestmark = pytest.mark.e2e
FIRST, SECOND = 30, 12
_numbers = itertools.count()


@pytest.fixture(scope="module")
def indexed_url(postgres_server: PostgresServer, migrated_template: str) -> Iterator[str]:
    """A database that only this module's templates are made of."""
    name = "tamper_indexed"
    yield postgres_server.create_database(name, migrated_template)
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory, indexed_url: str) -> Iterator[Pipeline]:
    """A batch that is settled and paid, and a second one that is finalised and indexed, but not settled yet."""
    with open_pipeline(tmp_path_factory.mktemp("pipeline")) as pipeline:
        for lane, count in enumerate((FIRST, SECOND)):
            pipeline.issue(indexed_url, count, lane)
            pipeline.batch(indexed_url)
            pipeline.finalize(indexed_url)
            pipeline.index(indexed_url)
            if lane == 0:
                pipeline.settle(indexed_url)
        yield pipeline


@contextmanager
def copy_of(server: PostgresServer, template: str) -> Iterator[str]:
    """A database of the caller's own, equal to another one."""
    name = f"tamper_{next(_numbers)}"
    yield server.create_database(name, template)
    server.drop_database(name)


@pytest.fixture
def url(pipeline: Pipeline, postgres_server: PostgresServer) -> Iterator[str]:
    """A copy of the database, to be tampered with."""
    with copy_of(postgres_server, "tamper_indexed") as url:
        yield url


@pytest.fixture
def undone(pipeline: Pipeline) -> Iterator[None]:
    """Whatever the test does on the L2 is gone after it."""
    l2 = pipeline.flow.devnet.l2
    snapshot = l2.snapshot()
    yield
    l2.revert(snapshot)


def test_an_honest_pipeline_has_no_difference(pipeline, url):
    with api_server(url) as api:
        code, report, output = pipeline.audit(api)
    assert report["found"] == []
    assert (code, report["receipts"], report["roots"]) == (0, FIRST + SECOND, 1)
    assert 0 < int(report["paid_units"]) < int(report["distributed_units"])
    assert report["api_fields_compared"] > (FIRST + SECOND) * 15
    assert "0 differences" in output


def test_an_honest_second_distribution_has_no_difference(pipeline, url, undone):
    pipeline.settle(url)
    with api_server(url) as api:
        code, report, _ = pipeline.audit(api)
    assert report["found"] == []
    assert (code, report["roots"], report["paid_units"]) == (0, 2, report["distributed_units"])


def test_the_clients_own_receipts_are_all_found(pipeline, tmp_path):
    for receipt in pipeline.receipts:
        digest = receipt.digest(pipeline.flow.deployment.receipt_domain)
        document = {"receipt": receipt.to_json(), "signature": "0x" + sign(digest, pipeline.flow.lane_key).hex()}
        (tmp_path / f"{receipt.lane}-{receipt.seq}.json").write_text(json.dumps(document))
    code, report, _ = pipeline.audit(None, "--receipts", str(tmp_path))
    assert (code, report["kept_receipts"]) == (0, {"found": FIRST + SECOND, "waiting": 0})


# -- a blob -------------------------------------------------------------------------------------------------------


def test_a_changed_byte_of_an_archived_blob_is_named(pipeline):
    path = min(pipeline.archive.rglob("*.blob"))
    true = path.read_bytes()
    path.write_bytes(true[:400] + bytes([true[400] ^ 1]) + true[401:])
    try:
        code, report, output = pipeline.audit()
    finally:
        path.write_bytes(true)
    assert (code, report["differences"]) == (1, 1)
    assert report["first"]["field"] == "blob 0 at the archive, element 12"
    assert report["first"]["batch"] in (1, 2)
    assert "blob 0 at the archive, element 12 must be 0x" in output


# -- a row in Postgres --------------------------------------------------------------------------------------------

ROWS = [
    ("a fee", "UPDATE receipts SET fee_units = fee_units + 1 WHERE (batch_id, position) = (1, 4)", 4, "fee.units"),
    (
        "a digest",
        (
            "UPDATE receipts SET digest31 = set_byte(digest31, 30, get_byte(digest31, 30) # 1)"
            " WHERE (batch_id, position) = (2, 3)"
        ),
        3,
        "digest31",
    ),
    (
        "a payer",
        "UPDATE receipts SET payer = (SELECT max(payer) FROM charges) WHERE (batch_id, position) = (1, 0)",
        0,
        "payer",
    ),
    ("its units", "UPDATE receipts SET output_units = 8 WHERE (batch_id, position) = (1, 9)", 9, "output_units"),
    (
        "an attribution set",
        "UPDATE attribution_sets SET ppms = ARRAY[250002, 749998] WHERE ppms[1] = 250001 AND batch_id = 2",
        None,
        "attribution_set",
    ),
    ("a receipt that is gone", "DELETE FROM receipts WHERE (batch_id, position) = (2, 11)", 11, "receipt"),
    (
        "a sum",
        "UPDATE batch_sums SET weighted_fee_units = weighted_fee_units + 1 WHERE batch_id = 1 AND dataset_id = 0",
        None,
        "sums of asset",
    ),
    (
        "a charge",
        "UPDATE charges SET amount_units = amount_units + 1 WHERE (batch_id, position) = (1, 0)",
        None,
        "charges",
    ),
    ("a total", "UPDATE batches SET total_fee_units = total_fee_units + 1 WHERE batch_id = 2", None, "total_fee.units"),
    (
        "a split",
        (
            "UPDATE effective_shares SET share = share + CASE position WHEN 0 THEN 1 ELSE -1 END"
            " WHERE asset_id = 1 AND position < 2"
        ),
        None,
        "effective_shares",
    ),
    ("a royalty", "UPDATE terms SET royalty_ppm = royalty_ppm + 1 WHERE asset_id = 4", None, "royalty_ppm"),
    (
        "a claim",
        "UPDATE claims SET amount_units = amount_units + 1 WHERE payee = (SELECT min(payee) FROM claims)",
        None,
        "paid.units",
    ),
    (
        "a published entitlement",
        (
            "UPDATE entitlements SET cumulative_units = cumulative_units + 1, numerator = numerator + 1e30"
            " WHERE payee = (SELECT max(payee) FROM claims)"
        ),
        None,
        "claimable.units",
    ),
    (
        "a movement",
        (
            "UPDATE movements SET amount_units = amount_units + 1"
            " WHERE ctid = (SELECT ctid FROM movements WHERE bucket = 'escrow' LIMIT 1)"
        ),
        None,
        "conservation.holds",
    ),
]


@pytest.mark.parametrize(("tamper", "position", "field"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_tampered_row_in_postgres_is_named(pipeline, url, tamper, position, field):
    with psycopg.connect(url) as connection:
        assert connection.execute(tamper).rowcount >= 1
    with api_server(url) as api:
        code, report, output = pipeline.audit(api)
    first = report["first"]
    assert code == 1
    assert (first["kind"], first["field"].startswith(field)) == ("api", True), first
    assert position is None or first["position"] == position
    assert output.splitlines()[-1].endswith(f"must be {first['expected']} but is {first['found']}.")


# -- errors of one unit, planted in a stage -----------------------------------------------------------------------


def with_text(statement: TextClause, old: str, new: str) -> TextClause:
    """The statement with a part of its SQL exchanged."""
    assert statement.text.count(old) == 1
    return text(statement.text.replace(old, new)).bindparams(*statement._bindparams.values())


def test_one_unit_moved_by_the_codec_is_named_with_its_receipt(pipeline, url, undone, monkeypatch):
    true = codec._public_rows

    def shifted(ordered, payers, positions, running, first_seq, base_time):
        running = running.copy()
        running[4] += 1
        return true(ordered, payers, positions, running, first_seq, base_time)

    monkeypatch.setattr(codec, "_public_rows", shifted)
    pipeline.issue(url, 9, lane=2)
    pipeline.batch(url)
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

    def check(self, url: str) -> None:
        """Settle with it: both payees' claims are named, to the unit, and so is the root."""
        self.pipeline.settle(url)
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


def test_one_unit_moved_by_the_split_rule_is_named(pipeline, url, undone, monkeypatch):
    moved, true = Moved(pipeline), entitlements.numerators

    def wrong(*arguments: object) -> dict[bytes, int]:
        owed = true(*arguments)
        owed[moved.protocol] += ENTITLEMENT_ONE
        owed[moved.operator] -= ENTITLEMENT_ONE
        return owed

    monkeypatch.setattr(entitlements, "numerators", wrong)
    monkeypatch.setattr(compute, "by_sql", entitlements.by_rule)
    moved.check(url)


def test_one_unit_moved_by_the_settlements_sql_is_named(pipeline, url, undone, monkeypatch):
    moved = Moved(pipeline)
    monkeypatch.setattr(settlement_queries, "NUMERATORS", moved.in_sql(settlement_queries.NUMERATORS, "sum(numerator)"))
    monkeypatch.setattr(attester, "by_rule", entitlements.by_sql)
    moved.check(url)


def test_one_unit_moved_by_the_apis_sql_is_named(pipeline, url, monkeypatch):
    moved = Moved(pipeline)
    monkeypatch.setattr(api_queries, "_PAYEES", moved.in_sql(api_queries._PAYEES, "sum(o.numerator)"))
    with api_server(url) as api:
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
    with copy_of(postgres_server, migrated_template) as url:
        pipeline.index(url)
        with api_server(url) as api:
            code, report, _ = pipeline.audit(api)
    first = report["first"]
    assert (code, first["kind"], first["batch"]) == (1, "api", 1)
    assert first["field"].startswith("sums of asset")
    assert int(first["found"]) == int(first["expected"]) + PPM


# -- a split ------------------------------------------------------------------------------------------------------


def test_a_changed_split_is_named_even_if_every_attester_reads_it(pipeline, url, undone):
    with psycopg.connect(url) as connection:
        shift = "UPDATE effective_shares SET share = share + %s WHERE asset_id = 4 AND position = %s"
        for position, change in ((0, -100_000_000_000), (1, 100_000_000_000)):
            assert connection.execute(shift, (change, position)).rowcount == 1
    pipeline.settle(url)
    code, report, _ = pipeline.audit()
    assert (code, report["first"]["kind"], report["first"]["field"]) == (1, "claim", "cumulative units")
    assert report["found"][-1]["place"] == "distribution root 2"
