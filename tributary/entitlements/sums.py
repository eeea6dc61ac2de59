"""One batch, or many, to weighted fees: what every engine does where the batches are, and how parts are put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from indexer.verification.judge import judge
from ledger.archive import BlobArchive
from ledger.errors import BlobNotAvailableError
from ledger.protocol.entitlement import WeightedFee
from settlement.entitlements import Entitlement, Entitlements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from indexer.verification.batch import CommittedBatch
    from tributary.entitlements.facts import Rules

SumKey = tuple[bytes, int, int, int, int]
"""(operator, asset id, its version, dataset id, its version)."""


@dataclass(slots=True)
class Part:
    """What some of the batches come to. Parts add up in any order."""

    sums: dict[SumKey, int] = field(default_factory=dict)
    fees_units: int = 0
    withheld: list[int] = field(default_factory=list)
    """Batches whose blobs break the protocol."""
    missing: list[tuple[int, bytes]] = field(default_factory=list)
    """(batch id, versioned hash) of blobs that the archive lacks: the whole is worth nothing then."""

    def add(self, other: Part) -> Part:
        """Both together, in this one."""
        for key, weighted_fee_units in other.sums.items():
            self.sums[key] = self.sums.get(key, 0) + weighted_fee_units
        self.fees_units += other.fees_units
        self.withheld += other.withheld
        self.missing += other.missing
        return self


def sum_batches(batches: Iterable[CommittedBatch], rules: Rules, archive_address: str) -> Part:
    """What these batches come to; blobs are read from the archive and checked."""
    part, archive = Part(), BlobArchive(archive_address)
    for batch in batches:
        _take(part, batch, rules, archive)
    return part


def _take(part: Part, batch: CommittedBatch, rules: Rules, archive: BlobArchive) -> None:
    blobs = [archive.get(blob_hash) for blob_hash in batch.versioned_hashes]
    found = [blob for blob in blobs if blob is not None]
    if len(found) < len(blobs):
        part.missing.append((batch.batch_id, batch.versioned_hashes[blobs.index(None)]))
        return
    contents = judge(batch, found, lambda asset_ids: rules.as_of(batch, asset_ids)).contents
    if contents is None:
        part.withheld.append(batch.batch_id)
        return
    part.fees_units += batch.header.total_fee_units
    for row in contents.sums:
        key = (batch.header.operator, row.asset_id, row.asset_version, row.dataset_id, row.dataset_version)
        part.sums[key] = part.sums.get(key, 0) + row.weighted_fee_units


def weighted_fees(sums: Mapping[SumKey, int]) -> list[WeightedFee]:
    """The sums as the entitlement rule takes them."""
    return [WeightedFee(*key, units) for key, units in sums.items()]


def complete(part: Part, owed: Mapping[bytes, int]) -> Entitlements:
    """The entitlements, if every blob was there and they add up to the fees.

    Args:
        part: what all batches come to.
        owed: numerators by payee.

    Raises:
        BlobNotAvailableError: the archive lacks a blob of a batch that counts.
        ConservationError: the terms in the logs do not divide what was charged.
    """
    if part.missing:
        batch_id, blob_hash = min(part.missing)
        others = f" ({len(part.missing)} batches lack blobs)" if len(part.missing) > 1 else ""
        raise BlobNotAvailableError(f"The archive lacks blob 0x{blob_hash.hex()} of batch {batch_id}{others}.")
    lines = tuple(Entitlement(payee, owed[payee]) for payee in sorted(owed))
    entitlements = Entitlements(part.fees_units, tuple(sorted(part.withheld)), lines)
    entitlements.check()
    return entitlements
