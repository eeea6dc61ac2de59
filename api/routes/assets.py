"""GET /v1/assets: what is registered, by which terms, and how it is used."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Row

from api.parameters import (
    LARGEST_ID,
    AddressQuery,
    Cursor,
    IdPath,
    IdSort,
    Limit,
    cursor_after,
    key_of,
    optional_address,
)
from api.queries import assets as queries
from api.reading import CurrentReading, Reading
from api.schemas.assets import (
    Asset,
    AssetLine,
    ContributorList,
    EffectiveShare,
    Kind,
    ListedContributor,
    Owner,
    ParentShare,
    Price,
    Share,
    TermsVersion,
    Usage,
)
from api.schemas.figures import ExactFigure, Page, ReadAt, address, hex_of
from ledger.errors import NotFoundError
from ledger.protocol.content import licence_of
from ledger.protocol.contributors import list_id_of
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.units import ENTITLEMENT_ONE, PPM

router = APIRouter(prefix="/assets", tags=["assets"])

HASH_PATTERN = "^0x[0-9a-fA-F]{64}$"


@router.get("")
def list_assets(
    reading: CurrentReading,
    kind: Kind | None = None,
    owner: AddressQuery = None,
    content_hash: Annotated[str | None, Query(pattern=HASH_PATTERN, description="Hash of the asset's files.")] = None,
    sort: IdSort = "id",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AssetLine]:
    """Assets by rising id unless `sort` says otherwise; filter by kind, owner or content hash."""
    after = key_of(cursor, (int,))
    rows = queries.assets(
        reading,
        after=None if after is None else int(after[0]),
        rising=sort == "id",
        limit=limit + 1,
        kind=kind,
        owner=optional_address(owner),
        content_hash=None if content_hash is None else from_hex(content_hash, 32),
    )
    shown = rows[:limit]
    following = cursor_after(shown[-1].asset_id) if len(rows) > limit else None
    items = [AssetLine(**_line(reading, row)) for row in shown]
    return Page[AssetLine](read_at=ReadAt.of(reading), items=items, next_cursor=following)


@router.get("/{asset_id}")
def one_asset(reading: CurrentReading, asset_id: IdPath) -> Asset:
    """One asset: owners, every version of its terms with effective shares, lineage, prices, use by day."""
    rows = queries.assets(reading, asset_id=asset_id)
    if not rows:
        raise NotFoundError(f"There is no asset {asset_id}; GET /v1/assets lists them.")
    usage = queries.usage(reading, asset_id)
    return Asset(
        **_line(reading, rows[0]),
        read_at=ReadAt.of(reading),
        owners=[
            Owner(
                owner=address(row.owner), since=row.at, finality=reading.l2.of(row.block_number), block=row.block_number
            )
            for row in queries.owners(reading, asset_id)
        ],
        terms=_terms(reading, asset_id, rows[0].version),
        children=queries.children(reading, asset_id),
        admitted_by=queries.admitted_by(reading, asset_id),
        prices=[_price(reading, row) for row in queries.prices(reading, asset_id)],
        served=[_usage(reading, row) for row in usage if not row.drawn],
        drawn_on=[_usage(reading, row) for row in usage if row.drawn],
    )


@router.get("/{asset_id}/contributors")
def list_contributors(
    reading: CurrentReading,
    asset_id: IdPath,
    version: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="Of its terms; the one in force.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ListedContributor]:
    """Who is paid through the contributor lists that an asset's terms name, with weight and share; none is an empty list."""
    rows = queries.assets(reading, asset_id=asset_id)
    if not rows:
        raise NotFoundError(f"There is no asset {asset_id}; GET /v1/assets lists them.")
    key = key_of(cursor, (int, bytes))
    after = (0, b"") if key is None else (int(key[0]), bytes(key[1]))
    listed = queries.contributors(reading, asset_id, version or rows[0].version, after, limit + 1)
    shown = listed[:limit]
    following = cursor_after(shown[-1].list_id, bytes(shown[-1].contributor)) if len(listed) > limit else None
    items = [
        ListedContributor(
            list_id=row.list_id,
            contributor=address(row.contributor),
            weight=str(row.weight),
            share=int(row.share),
            finality=reading.l2.of(row.block_number),
            block=row.block_number,
        )
        for row in shown
    ]
    return Page[ListedContributor](read_at=ReadAt.of(reading), items=items, next_cursor=following)


def _line(reading: Reading, row: Row[Any]) -> dict[str, Any]:
    return {
        "asset_id": row.asset_id,
        "kind": row.kind,
        "content_hash": hex_of(row.content_hash),
        "owner": address(row.owner),
        "registrant": address(row.registrant),
        "uri": row.uri,
        "licence": licence_of(row.uri),
        "registered_at": row.registered_at,
        "terms_version": row.version,
        "royalty_ppm": row.royalty_ppm,
        "data_ppm": row.data_ppm,
        "attribution_mode": row.mode,
        "finality": reading.l2.of(row.block_number),
        "block": row.block_number,
    }


def _terms(reading: Reading, asset_id: int, in_force: int) -> list[TermsVersion]:
    rows = queries.terms_rows(reading, asset_id)
    return [_version(reading, row, rows, in_force) for row in rows["terms"]]


def _version(reading: Reading, terms: Row[Any], rows: dict[str, list[Row[Any]]], in_force: int) -> TermsVersion:
    of = {name: [row for row in part if row.version == terms.version] for name, part in rows.items()}
    return TermsVersion(
        version=terms.version,
        effective_at=terms.effective_at,
        in_force=terms.version == in_force,
        royalty_ppm=terms.royalty_ppm,
        data_ppm=terms.data_ppm,
        min_child_ppm=terms.min_child_ppm,
        floor_input_price_units=str(terms.floor_input_price_units),
        floor_output_price_units=str(terms.floor_output_price_units),
        attribution_mode=terms.mode,
        split=[
            Share(payee=address(row.payee), ppm=row.ppm, list_id=list_id_of(bytes(row.payee))) for row in of["splits"]
        ],
        parents=[ParentShare(asset_id=row.parent_asset_id, ppm=row.ppm) for row in of["parents"]],
        datasets=[row.dataset_id for row in of["datasets"]],
        effective_shares=[
            EffectiveShare(payee=address(row.payee), share=row.share, list_id=list_id_of(bytes(row.payee)))
            for row in of["shares"]
        ],
        contributor_lists=[
            ContributorList(
                list_id=row.list_id,
                payee=address(row.payee),
                root=hex_of(row.root),
                contributors=row.count,
                total_weight=str(row.total_weight),
            )
            for row in of["lists"]
        ],
        finality=reading.l2.of(terms.block_number),
        block=terms.block_number,
    )


def _price(reading: Reading, row: Row[Any]) -> Price:
    return Price(
        operator=address(row.operator),
        input_price_units=str(row.input_price_units),
        output_price_units=str(row.output_price_units),
        effective_at=row.effective_at,
        finality=reading.l2.of(row.block_number),
        block=row.block_number,
    )


def _usage(reading: Reading, row: Row[Any]) -> Usage:
    def fees(state: str) -> ExactFigure:
        return ExactFigure.of(
            reading, lambda tier: int(getattr(row, f"{state}_{tier}") or 0) * (ENTITLEMENT_ONE // PPM)
        )

    return Usage(day=row.day, settled_fees=fees("settled"), open_fees=fees("open"))
