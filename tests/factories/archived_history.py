"""A history as chain and archive hold it: events in chain order, receipts in blobs under their versioned hashes."""

from __future__ import annotations

from typing import Any

from ledger.archive import BlobArchive
from ledger.chain.events import attribution_registry as registry
from ledger.chain.events import receipt_ledger as ledger
from ledger.chain.logs import Log
from ledger.chain.structs import AttributionMode, EffectiveShare, Kind, Terms
from ledger.protocol.attribution import attribution_hash
from ledger.protocol.batch import batch_commitment
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.blob.kzg import kzg_commitment, versioned_hash
from ledger.protocol.contributors import ContributorList, contributors_root, row_of
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt
from settlement.scope import ThroughBlock
from tests.factories.history import CHAIN_ID, AssetVersion, History, PastBatch, block_hash
from tributary.entitlements.facts import Facts
from tributary.entitlements.log_reading import LogReader

COMMITTED_AT = 1_700_000_000
HOUR = 3_600
NEVER = 2**39
PAYERS = (b"\x0a" * 20, b"\x0b" * 20)


def archive_history(history: History, archive: BlobArchive, through: int) -> Facts:
    """Facts of the logs up to a block, after all blobs went to the archive."""
    events: list[tuple[int, Any]] = [(1, event) for event in _registry_events(history)]
    for batch in history.batches:
        events += [(2, event) for event in _commits(history, batch, archive)]
        if batch.finalized_block is not None and batch.finalized_block <= through:
            events.append((batch.finalized_block, ledger.BatchFinalized(batch.batch_id, batch.total_fee_units)))
    reader = LogReader(CHAIN_ID)
    ordered = sorted(events, key=lambda event: event[0])
    reader.take([_log(place, block, event) for place, (block, event) in enumerate(ordered)])
    return reader.facts(ThroughBlock(through, block_hash(through)), history.protocol)


def _log(log_index: int, block: int, event: Any) -> Log:
    return Log(block, block_hash(block), None, bytes(32), 0, log_index, bytes(20), event)


def _registry_events(history: History) -> list[Any]:
    events: list[Any] = [event for listed in history.lists for event in _list_events(listed)]
    for asset_id in sorted({asset_id for asset_id, _ in history.terms}):
        kind = Kind.DATASET if asset_id in history.dataset_versions else Kind.MODEL
        events.append(registry.AssetRegistered(asset_id, kind, keccak256(bytes([asset_id])), bytes(20), ""))
    for (asset_id, version), terms in history.terms.items():
        mode = AttributionMode.OPERATOR if terms.by_attribution else AttributionMode.FIXED
        rules = Terms(terms.royalty_ppm, terms.data_ppm, 0, 0, 0, mode, (), (), tuple(terms.datasets))
        shares = tuple(EffectiveShare(*share) for share in terms.effective)
        at = _effective_at(history, (asset_id, version))
        events.append(registry.TermsRegistered(asset_id, version, at, rules, shares))
    return events


def _list_events(listed: ContributorList) -> list[Any]:
    """Opened, published in two chunks where there are two rows, completed."""
    rows, middle = listed.contributors, len(listed.contributors) // 2
    root, before = contributors_root(rows), sum(weight for _, weight in rows[:middle])
    chunks = [(0, 0, rows[:middle]), (middle, before, rows[middle:])]
    return [
        registry.ContributorsOpened(listed.list_id, bytes(20), root, len(rows), listed.total_weight),
        *(
            registry.ContributorsPublished(listed.list_id, first, weight, tuple(map(row_of, chunk)))
            for first, weight, chunk in chunks
            if chunk
        ),
        registry.ContributorsCompleted(listed.list_id),
    ]


def _effective_at(history: History, key: AssetVersion) -> int:
    """A dataset's version is in force throughout or not at all; an asset's has an hour of its own."""
    asset_id, version = key
    if asset_id in history.dataset_versions:
        return 0 if version <= history.dataset_versions[asset_id] else NEVER
    return COMMITTED_AT - 10 * HOUR + version * HOUR


def _commits(history: History, batch: PastBatch, archive: BlobArchive) -> list[Any]:
    """The batch's commit; every second one is voided first, and stands as a refill."""
    encoded = encode([_entry(batch, n) for n in range(len(batch.uses))])
    hashes = tuple(_keep(archive, blob) for blob in encoded.blobs)
    if batch.batch_id % 2:
        return [_commit(ledger.BatchCommitted, batch, encoded, hashes, COMMITTED_AT)]
    nowhere = (b"\x01" + keccak256(b"lost", hashes[0])[1:],)
    return [
        _commit(ledger.BatchCommitted, batch, encoded, nowhere, COMMITTED_AT),
        ledger.BatchVoided(batch.batch_id, bytes(20), bytes(32)),
        _commit(ledger.BatchRefilled, batch, encoded, hashes, COMMITTED_AT + 48 * HOUR),
    ]


def _keep(archive: BlobArchive, blob: bytes) -> bytes:
    blob_hash = versioned_hash(kzg_commitment(blob))
    archive.put_checked(blob_hash, blob)
    return blob_hash


def _entry(batch: PastBatch, n: int) -> BatchEntry:
    use = batch.uses[n]
    receipt = Receipt(
        operator=batch.operator, lane=0, seq=1_000 * batch.batch_id + n, payer=PAYERS[n % 2], asset_id=use.asset[0],
        request_hash=bytes(32), response_hash=bytes(32), input_units=0, output_units=0, fee_units=use.fee_units,
        attribution_hash=attribution_hash(use.entries), duration_ms=0,
        started_at=COMMITTED_AT - 10 * HOUR + use.asset[1] * HOUR + n,
    )  # fmt: skip
    return BatchEntry(receipt, keccak256(batch.batch_id.to_bytes(8, "big"), bytes([n])), use.entries)


def _commit(
    kind: type[Any], batch: PastBatch, encoded: EncodedBatch, hashes: tuple[bytes, ...], committed_at: int
) -> Any:
    """The event; of an invalid batch it commits to other charges than the blobs have."""
    charges = encoded.charges
    if batch.verdict == "invalid":
        first = charges[0]
        charges = (type(first)(b"\x09" * 20, first.amount_units), *charges[1:])
    header = encoded.header
    commitment = batch_commitment(header, hashes, charges)
    times = (committed_at, COMMITTED_AT - 24 * HOUR, committed_at)  # a refill keeps the first commit's terms
    return kind(batch.batch_id, batch.operator, header.lane, commitment, 0, *times, header, hashes, charges)
