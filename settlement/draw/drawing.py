"""Which receipts are drawn: those of consenting payers with a set, in mode `operator`, that the seed of their batch names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from ledger.protocol.attribution import AttributionSet, SetEntry
from ledger.protocol.draw import ONE_IN, is_drawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.orm import Session

    from settlement.draw.seeds import Seed, Seeds

_CANDIDATES: Final = text("""
    SELECT DISTINCT b.batch_id, b.operator, b.lane, b.batch_commitment, b.attribution_method, b.attribution_params_hash,
           b.committed_at, r.position, r.seq, r.digest31, r.asset_id, r.asset_version, s.asset_ids, s.ppms
    FROM batches b
    JOIN receipts r USING (batch_id, fill)
    JOIN attester_consents c ON c.payer = r.payer AND c.operator = b.operator
     AND r.started_at >= c.valid_from AND r.started_at < c.valid_until
    JOIN terms t ON t.asset_id = r.asset_id AND t.version = r.asset_version AND t.mode = 'operator'
    JOIN attribution_sets s ON s.batch_id = r.batch_id AND s.fill = r.fill AND s.set_position = r.set_position
    WHERE b.status IN ('open', 'finalized') AND b.verdict = 'valid' AND b.block_number <= :through
      AND r.set_position > 0
      AND NOT EXISTS (SELECT FROM drawn_receipts d WHERE d.digest31 = r.digest31 AND d.outcome = 'held')
    ORDER BY b.batch_id, r.position
""")

_ADMITTED: Final = text(
    "SELECT dataset_id FROM admitted_datasets WHERE asset_id = :asset_id AND version = :version ORDER BY dataset_id"
)
_ASSETS: Final = text("SELECT asset_id, kind, content_hash FROM assets ORDER BY asset_id")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn receipt as it was posted.

    Attributes:
        entries: its attribution set.
        method, params_hash: what the batch says that its sets were made by.
    """

    batch_id: int
    operator: bytes
    lane: int
    position: int
    seq: int
    digest31: bytes
    asset_id: int
    asset_version: int
    entries: AttributionSet
    method: bytes
    params_hash: bytes
    seed: Seed


def drawn_receipts(session: Session, seeds: Seeds, through: int, one_in: int = ONE_IN) -> Iterator[Drawn]:
    """Those of batches committed up to an L2 block that have not been opened rightly yet."""
    for row in session.execute(_CANDIDATES, {"through": through}).all():
        seed = seeds.after(row.committed_at)
        if seed is not None and is_drawn(seed.prevrandao, bytes(row.batch_commitment), row.position, one_in):
            yield _drawn(row, seed)


@dataclass(frozen=True, slots=True)
class Registry:
    """What the registry says that a set depends on, as this attester's index has it.

    Attributes:
        contents: contentHash of every asset.
        datasets: those that are datasets.
        admitted: datasets that the terms of the receipt's asset admit.
    """

    contents: Mapping[int, bytes]
    datasets: frozenset[int]
    admitted: frozenset[int]


def registry_for(session: Session, drawn: Drawn) -> Registry:
    """The registry for a drawn receipt, at its terms."""
    assets = session.execute(_ASSETS).all()
    given = {"asset_id": drawn.asset_id, "version": drawn.asset_version}
    return Registry(
        {row.asset_id: bytes(row.content_hash) for row in assets},
        frozenset(row.asset_id for row in assets if row.kind == "dataset"),
        frozenset(session.scalars(_ADMITTED, given)),
    )


def _drawn(row: Any, seed: Seed) -> Drawn:
    entries = zip(row.asset_ids, row.ppms, strict=True)
    return Drawn(
        batch_id=row.batch_id,
        operator=bytes(row.operator),
        lane=row.lane,
        position=row.position,
        seq=row.seq,
        digest31=bytes(row.digest31),
        asset_id=row.asset_id,
        asset_version=row.asset_version,
        entries=tuple(SetEntry(*entry) for entry in entries),
        method=bytes(row.attribution_method),
        params_hash=bytes(row.attribution_params_hash),
        seed=seed,
    )
