"""GET /v1/status: heads, lag, and whether every unit is accounted for."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Row

from api.finality import Heads
from api.queries import status as queries
from api.reading import CurrentReading, Reading
from api.schemas.figures import Figure, ReadAt, address, optional_address
from api.schemas.status import Batches, ChainIndex, Conservation, DeploymentFacts, Findings, Status, Term
from ledger.db.models.indexer_movements import BUCKETS, HELD, INFLOWS

router = APIRouter(tags=["status"])


@router.get("/status")
def status(reading: CurrentReading) -> Status:
    """How far both chains are indexed, and the conservation identity with every term.

    `holds` is true when, at the finalised, the safe and the newest block, units that came in equal units held by the
    contracts plus units that went out.
    """
    counts = queries.batch_counts(reading)
    return Status(
        read_at=ReadAt.of(reading),
        chains=_chains(reading),
        conservation=_conservation(reading, queries.bucket_sums(reading)),
        batches=Batches(**counts._asdict()),
        posts_without_blobs=queries.missing_blobs(reading).posts,
        findings=[Findings(rule=row.rule, times=row.times) for row in queries.finding_counts(reading)],
        deployment=_facts(reading),
    )


def _chains(reading: Reading) -> list[ChainIndex]:
    heads: dict[int, Heads | None] = {reading.facts.l1_chain_id: reading.l1, reading.facts.l2_chain_id: reading.l2}
    now = int(time.time())
    chains = []
    for row in queries.cursors(reading):
        head = heads.get(row.chain_id)
        lag = 0 if head is None else now - head.unsafe.timestamp
        chains.append(
            ChainIndex(
                chain_id=row.chain_id,
                indexed_block=row.number,
                lag_seconds=lag,
                reorgs=row.reorgs,
                deepest_reorg_blocks=row.deepest_reorg_blocks,
            )
        )
    return chains


def _conservation(reading: Reading, rows: Sequence[Row[Any]]) -> Conservation:
    incoming = [row for row in rows if row.bucket in INFLOWS]
    held = [row for row in rows if row.bucket in HELD]
    outgoing = [row for row in rows if row.bucket not in INFLOWS + HELD]
    total_in, total_held, total_out = (_total(reading, part) for part in (incoming, held, outgoing))
    return Conservation(
        holds=all(sum(int(getattr(row, tier)) for row in rows) == 0 for tier in reading.tiers),
        came_in=_terms(reading, incoming),
        held=_terms(reading, held),
        went_out=_terms(reading, outgoing),
        total_in=total_in,
        total_held=total_held,
        total_out=total_out,
    )


def _terms(reading: Reading, rows: Iterable[Row[Any]]) -> list[Term]:
    in_order = sorted(rows, key=lambda row: (BUCKETS.index(row.bucket), bytes(row.contract or b"")))
    return [
        Term(term=row.bucket, contract=optional_address(row.contract), amount=_total(reading, [row]))
        for row in in_order
    ]


def _total(reading: Reading, rows: Sequence[Row[Any]]) -> Figure:
    """Sums of these rows; inflows stand in the book with a minus, and are shown without."""
    return Figure.of(
        reading,
        lambda tier: sum((-1 if row.bucket in INFLOWS else 1) * int(getattr(row, tier)) for row in rows),
    )


def _facts(reading: Reading) -> DeploymentFacts:
    facts = reading.facts
    return DeploymentFacts(
        l1_chain_id=facts.l1_chain_id,
        l2_chain_id=facts.l2_chain_id,
        contracts={name: address(where) for name, where in facts.contracts.items()},
        protocol_payee=address(facts.protocol_payee),
        protocol_ppm=facts.protocol_ppm,
        attesters=[address(attester) for attester in facts.attesters],
        quorum=facts.quorum,
        token_decimals=facts.token_decimals,
    )
