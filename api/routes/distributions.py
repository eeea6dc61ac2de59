"""GET /v1/distributions: roots, who signed them, the files that they stand for."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Row
from sqlalchemy.orm import sessionmaker

from api.finality import Finality
from api.parameters import LARGEST_ID, Cursor, IdPath, Limit, cursor_after, key_of
from api.queries import distributions as queries
from api.reading import CurrentReading, Reading
from api.schemas.distributions import (
    AttesterAnswer,
    Distribution,
    DistributionLine,
    DistributionPayees,
    Distributions,
    PayeeLine,
    Phase,
    Proposal,
)
from api.schemas.figures import Amount, ReadAt, address, amount, hex_of, optional_address
from ledger.db.session import ReadSession
from ledger.errors import NotFoundError

router = APIRouter(prefix="/distributions", tags=["distributions"])


@router.get("")
def list_distributions(reading: CurrentReading, cursor: Cursor = None, limit: Limit = 50) -> Distributions:
    """Submitted roots, newest first; on the first page also what is being prepared or was refused."""
    key = key_of(cursor, (int,))
    rows = queries.roots(reading, before=LARGEST_ID if key is None else int(key[0]), limit=limit + 1)
    shown = rows[:limit]
    return Distributions(
        read_at=ReadAt.of(reading),
        items=[DistributionLine(**_line(reading, row)) for row in shown],
        proposals=[_proposal(row) for row in queries.proposed(reading)] if key is None else [],
        next_cursor=cursor_after(shown[-1].root_index) if len(rows) > limit else None,
    )


@router.get("/{root_index}")
def one_distribution(reading: CurrentReading, root_index: IdPath) -> Distribution:
    """One root: what it covers, who signed, what was paid, and whether its file is kept here."""
    row = _root(reading, root_index)
    known = row.distribution_id is not None
    answers = queries.answers(reading, row.distribution_id) if known else []
    return Distribution(
        **_line(reading, row),
        read_at=ReadAt.of(reading),
        fees=amount(reading, int(row.fees_units), row.block_number) if known else None,
        answers=[
            AttesterAnswer(attester=address(answer.attester), signed=answer.signed, refusal=answer.refusal)
            for answer in answers
        ],
        reason=row.reason,
        has_file=queries.file_size(reading, bytes(row.data_hash)) is not None,
    )


@router.get("/{root_index}/payees")
def distribution_payees(
    reading: CurrentReading, root_index: IdPath, cursor: Cursor = None, limit: Limit = 50
) -> DistributionPayees:
    """The lines of a distribution by rising payee: exact earnings and the whole units that the tree pays."""
    row = _root(reading, root_index)
    if row.distribution_id is None:
        raise NotFoundError(f"The distribution of root {root_index} is not kept here.")
    key = key_of(cursor, (bytes,))
    lines = queries.payees(reading, row.distribution_id, b"" if key is None else bytes(key[0]), limit + 1)
    shown = lines[:limit]
    return DistributionPayees(
        read_at=ReadAt.of(reading),
        root_index=root_index,
        finality=reading.l2.of(row.block_number),
        items=[
            PayeeLine(
                payee=address(line.payee), cumulative_units=str(line.cumulative_units), numerator=str(line.numerator)
            )
            for line in shown
        ],
        next_cursor=cursor_after(bytes(shown[-1].payee)) if len(lines) > limit else None,
    )


@router.get("/{root_index}/file", response_class=Response)
def distribution_file(request: Request, reading: CurrentReading, root_index: IdPath) -> Response:
    """The distribution file: canonical JSON whose keccak256 is the root's `dataHash`. It never changes."""
    row = _root(reading, root_index)
    data_hash = bytes(row.data_hash)
    size = queries.file_size(reading, data_hash)
    if size is None:
        raise NotFoundError(f"The file of root {root_index} is not kept here; any attester can compute it.")
    headers = {
        "etag": f'"{data_hash.hex()}"',
        "cache-control": "public, max-age=31536000, immutable",
        "content-disposition": f'inline; filename="distribution-{root_index}.json"',
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    slices = _slices(request.app.state.sessions, data_hash, size)
    return StreamingResponse(slices, headers={**headers, "content-length": str(size)}, media_type="application/json")


def _slices(sessions: sessionmaker[ReadSession], data_hash: bytes, size: int) -> Iterator[bytes]:
    """The file in slices, each by a session of its own: it never changes, and a slow reader holds up nobody."""
    for start in range(0, size, queries.SLICE_BYTES):
        with sessions() as session:
            part = queries.file_slice(session, data_hash, start)
        yield part


def _root(reading: Reading, root_index: int) -> Row[Any]:
    rows = queries.roots(reading, before=LARGEST_ID, limit=1, root_index=root_index)
    if not rows:
        raise NotFoundError(f"There is no root {root_index}; GET /v1/distributions lists them.")
    return rows[0]


def _phase(reading: Reading, row: Row[Any]) -> Phase:
    if row.disabled_block_number is not None:
        return "disabled"
    return "active" if row.activates_at <= reading.l2.unsafe.timestamp else "pending"


def _line(reading: Reading, row: Row[Any]) -> dict[str, Any]:
    return {
        "root_index": row.root_index,
        "root": hex_of(row.root),
        "phase": _phase(reading, row),
        "total_cumulative": amount(reading, int(row.total_cumulative_units), row.block_number),
        "through_l2_block": row.through_l2_block,
        "through_l2_block_hash": hex_of(row.through_l2_block_hash),
        "data_hash": hex_of(row.data_hash),
        "submitted_at": row.submitted_at,
        "activates_at": row.activates_at,
        "attesters": [address(attester) for attester in row.attesters],
        "disabled_by": optional_address(row.disabled_by),
        "tx_hash": hex_of(row.tx_hash),
        "paid": amount(reading, int(row.paid_units), reading.l2.unsafe.number),
        "claims": row.claims,
        "payees": row.payees,
        "settlement_state": row.state,
    }


def _proposal(row: Row[Any]) -> Proposal:
    total = Amount(units=str(row.total_cumulative_units), finality=Finality.PENDING, block=None)
    return Proposal(
        root_index=row.root_index,
        root=hex_of(row.root),
        state=row.state,
        reason=row.reason,
        total_cumulative=total,
        through_l2_block=row.through_l2_block,
        through_l2_block_hash=hex_of(row.through_l2_block_hash),
        data_hash=hex_of(row.data_hash),
        payees=row.payees,
        computed_at=row.computed_at,
    )
