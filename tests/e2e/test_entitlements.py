"""`tributary entitlements` on a real ledger: what settlement's SQL and the audit's plain reading say, to the last digit."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from audit.reading import Audit, Request
from audit.settings import AuditSettings
from ledger.archive import BlobArchive
from ledger.db.session import connect, open_engine
from ledger.errors import BlobNotAvailableError, NotYetFinalError
from ledger.protocol.entitlement import ProtocolShare
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.units import ENTITLEMENT_ONE
from settlement.entitlements import Entitlements, by_sql
from tests.e2e.pipeline_world import FEE_UNITS, FIRST, SECOND, Pipeline
from tributary.entitlements.command import app

pytestmark = pytest.mark.e2e

Run = Callable[..., dict]


@pytest.fixture
def run(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command's JSON."""
    monkeypatch.setenv("L2_RPC_URL", pipeline.flow.devnet.l2_url)
    monkeypatch.setenv("DEPLOYMENTS_DIR", str(pipeline.folder / "deployments"))
    monkeypatch.setenv("ARCHIVE_DIR", str(pipeline.archive))

    def run(*words: str) -> dict:
        result = CliRunner().invoke(app, ["--json", *words])
        if result.exception is not None:
            raise result.exception
        return json.loads(result.stdout)

    return run


def in_sql(pipeline: Pipeline, url: str, through: int) -> Entitlements:
    deployment = pipeline.flow.deployment
    engine = open_engine(url)
    try:
        with Session(engine) as session:
            return by_sql(session, through, ProtocolShare(deployment.protocol_payee, deployment.protocol_ppm))
    finally:
        engine.dispose()


def first_finalized(url: str) -> int:
    with connect(url, application_name="test") as connection:
        (number,) = connection.execute("SELECT min(finalized_block_number) FROM batches").fetchone() or (0,)
    return int(number)


def audited(pipeline: Pipeline, through: int) -> dict[bytes, Fraction]:
    devnet = pipeline.flow.devnet
    settings = AuditSettings.load(
        l1_rpc_url=devnet.l1_url, l2_rpc_url=devnet.l2_url, beacon_url=devnet.beacon_url,
        archive_dir=pipeline.archive, deployments_dir=pipeline.folder / "deployments",
    )  # fmt: skip
    audit = Audit(settings, Request(str(through)))
    try:
        verdict = audit.run()
    finally:
        audit.close()
    assert verdict.differences.first is None
    return {payee: amount for payee, amount in verdict.earned.items() if amount}


def numerators(document: dict) -> dict[bytes, int]:
    return {from_hex(line["payee"].lower(), 20): int(line["numerator"]) for line in document["payees"]}


def test_blobs_and_logs_alone_give_what_sql_and_the_audit_give(pipeline: Pipeline, indexed_url: str, run: Run) -> None:
    document = run()
    through = document["throughL2Block"]
    assert document["batches"] == 2
    assert document["fees"] == str(FEE_UNITS * (FIRST + SECOND))
    sql = in_sql(pipeline, indexed_url, through)
    assert numerators(document) == {line.payee: line.numerator for line in sql.lines}
    assert {p: Fraction(n, ENTITLEMENT_ONE) for p, n in numerators(document).items()} == audited(pipeline, through)


def test_an_earlier_block_gives_what_was_owed_then(pipeline: Pipeline, indexed_url: str, run: Run) -> None:
    document = run("--through", str(first_finalized(indexed_url)))
    assert document["fees"] == str(FEE_UNITS * FIRST)
    first = document["throughL2Block"]
    assert numerators(document) == {x.payee: x.numerator for x in in_sql(pipeline, indexed_url, first).lines}
    assert run("--through", str(first - 1))["payees"] == []


def test_a_block_that_is_not_final_is_refused(run: Run) -> None:
    with pytest.raises(NotYetFinalError, match="is not final yet"):
        run("--through", "100000000")


def test_a_lost_or_altered_blob_is_named_and_nothing_is_computed(
    pipeline: Pipeline, indexed_url: str, run: Run
) -> None:
    with connect(indexed_url, application_name="test") as connection:
        (blob_hash,) = connection.execute("SELECT versioned_hash FROM batch_blobs LIMIT 1").fetchone() or ()
    path = Path(BlobArchive(pipeline.archive).path(blob_hash))
    content = path.read_bytes()
    try:
        for damaged in (None, bytes([content[0], content[1] ^ 1]) + content[2:]):
            path.unlink(missing_ok=True)
            if damaged is not None:
                path.write_bytes(damaged)
            with pytest.raises(BlobNotAvailableError, match=f"lacks blob 0x{blob_hash.hex()} of batch"):
                run()
    finally:
        path.write_bytes(content)
