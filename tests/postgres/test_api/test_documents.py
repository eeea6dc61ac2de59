"""Statements and invoices add up to the receipts, in every form."""

from __future__ import annotations

import csv
import io

import httpx
import pytest

from api.documents.tables import exact
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.units import ENTITLEMENT_ONE
from tests.factories.paid_world import ALICE, CAROL, PaidWorld
from tests.postgres.test_api.conftest import Get, api_settings

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("payee", [ALICE, CAROL])
def test_a_statements_opening_and_lines_are_its_closing_amount(get: Get, world: PaidWorld, payee: bytes) -> None:
    statement = get(f"/v1/contributors/{to_hex(payee)}/statement")
    lines = sum(int(line["numerator"]) for line in statement["lines"])
    assert int(statement["opening_numerator"]) + lines == int(statement["closing_numerator"])
    assert int(statement["closing_numerator"]) == world.exact(world.settled_ids)[payee] * ENTITLEMENT_ONE
    assert statement["closing"]["units"] == str(int(world.exact(world.settled_ids)[payee]))
    assert [payment["amount"]["units"] for payment in statement["payments"]] == [statement["paid_units"]]
    later = get(f"/v1/contributors/{to_hex(payee)}/statement", since=statement["until"], until=statement["until"])
    assert later["opening_numerator"] == statement["closing_numerator"]


def test_a_statement_in_csv_says_the_same_to_the_last_digit(client: httpx.Client, get: Get) -> None:
    path = f"/v1/contributors/{to_hex(ALICE)}/statement"
    statement = get(path)
    response = client.get(path, params={"format": "csv"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    earned = [row["units"] for row in rows if row["kind"] == "earned"]
    assert earned == [exact(line["numerator"]) for line in statement["lines"]]
    assert next(row for row in rows if row["kind"] == "closing")["units"] == exact(statement["closing_numerator"])


def test_an_invoice_adds_up_the_payers_receipts(client: httpx.Client, get: Get, world: PaidWorld) -> None:
    payer = world.inner.payers[0]
    invoice = get(f"/v1/payers/{to_hex(payer)}/invoice")
    receipts = [entry.receipt for batch in world.posted.values() for entry in batch.entries]
    mine = [receipt for receipt in receipts if receipt.payer == payer]
    assert int(invoice["total_units"]) == sum(receipt.fee_units for receipt in mine)
    assert sum(line["receipts"] for line in invoice["lines"]) == len(mine)
    assert sum(line["output_units"] for line in invoice["lines"]) == sum(receipt.output_units for receipt in mine)
    text = client.get(f"/v1/payers/{to_hex(payer)}/invoice", params={"format": "csv"}).text
    assert text.splitlines()[-1] == f"total,,,,,,{invoice['total_units']}"


@pytest.mark.parametrize("path", ["/v1/contributors/{}/statement", "/v1/payers/{}/invoice"])
def test_a_pdf_is_made_once_and_kept(client: httpx.Client, path: str) -> None:
    made = client.get(path.format(to_hex(ALICE)), params={"format": "pdf"})
    assert made.headers["content-type"] == "application/pdf"
    assert made.content.startswith(b"%PDF-")
    assert client.get(path.format(to_hex(ALICE)), params={"format": "pdf"}).content == made.content


@pytest.mark.parametrize(
    ("span", "why"),
    [({"since": "2026-02-02", "until": "2026-02-01"}, "ends before"), ({"since": "2020-01-01"}, "at most 366 days")],
)
def test_a_span_that_makes_no_sense_is_refused(client: httpx.Client, span: dict[str, str], why: str) -> None:
    response = client.get(f"/v1/contributors/{to_hex(ALICE)}/statement", params=span)
    assert response.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert why in response.json()["detail"]


def test_a_reader_that_asks_too_often_is_told_how_long_to_wait(world: PaidWorld) -> None:
    from api.app import build_app
    from api.reader import open_reader
    from tests.factories.http_server import served

    settings = api_settings(world.url, requests_per_minute=3)
    engine = open_reader(settings)
    with served(build_app(engine, settings)) as url, httpx.Client(base_url=url) as client:
        answers = [client.get("/v1/status").status_code for _ in range(4)]
        refused = client.get("/v1/status")
        assert client.get("/").status_code == httpx.codes.OK
    engine.dispose()
    assert answers == [200, 200, 200, 429]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["content-type"] == "application/problem+json"
