"""GET …/statement and …/invoice: documents for people's books, as JSON, CSV or PDF."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from api.documents.invoice import make_invoice
from api.documents.span import Span
from api.documents.statement import make_statement
from api.documents.tables import Table, as_csv, as_pdf, invoice_table, statement_table
from api.explain.kept_files import KeptFiles
from api.parameters import AddressPath, address_of
from api.reading import IN_TURN, CurrentReading, Reading
from api.routes.contributors import Day
from api.schemas.statements import Invoice, Statement
from ledger.protocol.keccak import keccak256

router = APIRouter(tags=["documents"])

Format = Annotated[Literal["json", "csv", "pdf"], Query(description="Form of the document.")]
_FORMS: dict[int | str, dict[str, object]] = {200: {"content": {"text/csv": {}, "application/pdf": {}}}}


@router.get("/contributors/{payee}/statement", response_model=Statement, responses=_FORMS, dependencies=[IN_TURN])
def contributor_statement(
    request: Request,
    reading: CurrentReading,
    payee: AddressPath,
    since: Day = None,
    until: Day = None,
    format: Format = "json",  # noqa: A002  # the word that a caller expects
) -> Statement | Response:
    """What an address earned and was paid in a span of days (the last 30 unless told): opening + lines = closing."""
    statement = make_statement(reading, address_of(payee), _span(reading, since, until))
    if format == "json":
        return statement
    title = f"Statement of {statement.address}"
    note = (
        f"{statement.since} to {statement.until}, from batches final at L2 block {statement.closing.block} of chain "
        f"{reading.facts.l2_chain_id}. Units are base units of the token {_token(reading)}, which has "
        f"{reading.facts.token_decimals} decimals."
    )
    return _document(request, format, title, note, statement_table(statement))


@router.get("/payers/{payer}/invoice", response_model=Invoice, responses=_FORMS, dependencies=[IN_TURN])
def payer_invoice(
    request: Request,
    reading: CurrentReading,
    payer: AddressPath,
    since: Day = None,
    until: Day = None,
    format: Format = "json",  # noqa: A002
) -> Invoice | Response:
    """What a payer was charged in a span of days (the last 30 unless told), by day, operator and asset."""
    invoice = make_invoice(reading, address_of(payer), _span(reading, since, until))
    if format == "json":
        return invoice
    title = f"Invoice for {invoice.address}"
    note = (
        f"{invoice.since} to {invoice.until}, as posted on chain {reading.facts.l2_chain_id}. Fees are base units of the "
        f"token {_token(reading)}, which has {reading.facts.token_decimals} decimals."
    )
    return _document(request, format, title, note, invoice_table(invoice))


def _span(reading: Reading, since: dt.date | None, until: dt.date | None) -> Span:
    today = dt.datetime.fromtimestamp(reading.l2.unsafe.timestamp, dt.UTC).date()
    return Span.of(since, until, today)


def _token(reading: Reading) -> str:
    return "0x" + reading.facts.contracts["token"].hex()


def _document(request: Request, form: str, title: str, note: str, table: Table) -> Response:
    content = as_csv(table)
    if form == "pdf":
        kept: KeptFiles = request.app.state.kept_files
        name = keccak256(title.encode(), note.encode(), content).hex()
        content = kept.get_or_make(f"pdf-{name}", lambda: as_pdf(title, note, table))
    media = "application/pdf" if form == "pdf" else "text/csv; charset=utf-8"
    file = f"{title.split(maxsplit=1)[0].lower()}-{title.rsplit(maxsplit=1)[-1]}.{form}"
    return Response(content, media_type=media, headers={"content-disposition": f'attachment; filename="{file}"'})
