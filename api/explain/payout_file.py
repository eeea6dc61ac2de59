"""One payee's payout line, explained down to the blobs.

While a payee's batches fill few blobs, the file carries them whole: every sum and receipt follows from it. Beyond that
it carries each batch's running total and a draw of its receipts, by opening, which keeps it small however much there is.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from api.explain.parts import batch_part, chain_part, list_parts, terms_parts
from api.queries import batches as batch_queries
from api.queries import contributors as contributor_queries
from api.queries import explain as queries
from ledger.errors import NotFoundError
from ledger.protocol.blob.layout import FES_PER_BLOB, a_position, b_position
from ledger.protocol.distribution import proof_positions
from ledger.protocol.explain.document import (
    PAYOUT_FORMAT,
    Attestation,
    BatchPart,
    ChainPart,
    DistributionPart,
    PayoutFile,
    PayoutLine,
    SourceLine,
    TermsPart,
)
from ledger.protocol.explain.payout import coefficients
from ledger.protocol.explain.terms import TermsBook
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import ENTITLEMENT_ONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Row

    from api.explain.openings import BlobProofs
    from api.reading import Reading

MOST_BLOBS = 24
"""Blobs that a file may carry whole: 4.2 MB of base64."""
LISTED_RECEIPTS = 1_000
"""Receipts that a batch with whole blobs lists; the blobs hold all of them."""
DRAWN_BATCHES, DRAWN_RECEIPTS = 16, 2
"""Receipts opened in batches without blobs: a few each in the first ones of the draw."""


def make_payout_file(reading: Reading, root: Row[Any], payee: bytes, proofs: BlobProofs) -> PayoutFile:
    """The file of a payee in the distribution of a root.

    Raises:
        NotFoundError: the distribution is not on record here, or does not pay this payee.
        BlobNotAvailableError: the archive lacks a blob that the file must show.
    """
    line = queries.line(reading, root, payee)
    if line is None:
        raise NotFoundError(f"The distribution of root {root.root_index} pays {checksum_address(payee)} nothing.")
    batches = queries.batches(reading, payee, root.through_l2_block)
    sums = {batch.batch_id: batch_queries.sums(reading, batch.batch_id, batch.fill) for batch in batches}
    terms = _terms(reading, {i for rows in sums.values() for row in rows for i in (row.asset_id, row.dataset_id)} - {0})
    chain = chain_part(reading)
    lists = list_parts(queries.lists(reading, payee, sorted({part.asset_id for part in terms})))
    sources = _sources(payee, chain, batches, sums, TermsBook(terms, lists))
    earning = {(source.operator, source.asset_id) for source in sources}
    kept = [b for b in batches if any((bytes(b.operator), row.asset_id) in earning for row in sums[b.batch_id])]
    return PayoutFile(
        format=PAYOUT_FORMAT,
        chain=chain,
        distribution=_distribution(reading, root, line.distribution_id),
        payout=_payout(reading, payee, line),
        sources=sources,
        terms=terms,
        lists=lists,
        batches=_batches(reading, root, payee, kept, {asset for _, asset in earning}, proofs),
    )


def _terms(reading: Reading, assets: set[int]) -> list[TermsPart]:
    rows = queries.terms(reading, sorted(assets))
    return terms_parts(rows, queries.shares(reading, sorted({row.asset_id for row in rows})))


def _distribution(reading: Reading, root: Row[Any], distribution_id: int) -> DistributionPart:
    return DistributionPart(
        root_index=root.root_index,
        root=bytes(root.root),
        total_cumulative=int(root.total_cumulative_units),
        through_l2_block=root.through_l2_block,
        through_l2_block_hash=bytes(root.through_l2_block_hash),
        data_hash=bytes(root.data_hash),
        attestations=[
            Attestation(attester=bytes(row.attester), signature=bytes(row.signature)).sealed()
            for row in queries.signatures(reading, distribution_id)
        ],
    ).sealed()


def _payout(reading: Reading, payee: bytes, line: Row[Any]) -> PayoutLine:
    places = proof_positions(line.leaf_position)
    nodes = contributor_queries.tree_nodes(reading, line.distribution_id, places)
    return PayoutLine(
        payee=payee,
        numerator=int(line.numerator),
        cumulative=int(line.cumulative_units),
        remainder=int(line.numerator) % ENTITLEMENT_ONE,
        proof=[nodes[place] for place in places],
    ).sealed()


def _sources(
    payee: bytes,
    chain: ChainPart,
    batches: Iterable[Row[Any]],
    sums: dict[int, list[Row[Any]]],
    terms: TermsBook,
) -> list[SourceLine]:
    weighed: defaultdict[tuple[bytes, int, int, int, int], int] = defaultdict(int)
    for batch in batches:
        for row in sums[batch.batch_id]:
            key = (bytes(batch.operator), row.asset_id, row.asset_version, row.dataset_id, row.dataset_version)
            weighed[key] += int(row.weighted_fee_units)
    return [
        SourceLine(
            source=source,
            operator=operator,
            asset_id=ids[0],
            asset_version=ids[1],
            dataset_id=ids[2],
            dataset_version=ids[3],
            weighted_fee=fee,
            coefficient=coefficient,
            numerator=fee * coefficient,
        ).sealed()
        for (operator, *ids), fee in sorted(weighed.items())
        for source, coefficient in coefficients(payee, operator, (ids[0], ids[1], ids[2], ids[3]), chain, terms).items()
    ]


def _batches(
    reading: Reading,
    root: Row[Any],
    payee: bytes,
    batches: list[Row[Any]],
    assets: set[int],
    proofs: BlobProofs,
) -> list[BatchPart]:
    if sum(batch.blob_count for batch in batches) <= MOST_BLOBS:
        return [
            batch_part(
                reading,
                batch,
                queries.places(reading, batch, sorted(assets), LISTED_RECEIPTS),
                [proofs.blob(bytes(blob_hash)) for blob_hash in batch.versioned_hashes],
                [],
            )
            for batch in batches
        ]
    seed = keccak256(bytes(root.root), payee)
    drawn = set(sorted((keccak256(seed, b.batch_id.to_bytes(8, "big")), b.batch_id) for b in batches)[:DRAWN_BATCHES])
    named = {batch_id for _, batch_id in drawn}
    return [
        _opened(reading, batch, seed, DRAWN_RECEIPTS if batch.batch_id in named else 0, proofs) for batch in batches
    ]


def _opened(reading: Reading, batch: Row[Any], seed: bytes, draw: int, proofs: BlobProofs) -> BatchPart:
    """A batch by openings: its running total, and receipts at positions that root and payee decide."""
    count = receipts_in(batch)
    draws = (keccak256(seed, batch.batch_id.to_bytes(8, "big"), bytes([n])) for n in range(draw))
    positions = sorted({int.from_bytes(drawn, "big") % count for drawn in draws})
    elements = {b_position(count - 1)} | {fe for i in positions for fe in elements_of(i)}
    openings = proofs.openings([place_of(batch, fe) for fe in sorted(elements)])
    return batch_part(reading, batch, queries.places_at(reading, batch, positions), [], openings)


def receipts_in(batch: Any) -> int:
    """`count` of a batch's row: a column, though a row of any other table has a method of this name."""
    return int(batch.count)


def elements_of(position: int) -> set[int]:
    """FEs that show a receipt: its own two, and the running sum before it."""
    return {a_position(position), b_position(position)} | ({b_position(position - 1)} if position else set())


def place_of(batch: Row[Any], fe: int) -> tuple[int, bytes, int]:
    """(blob's index, its versioned hash, element) of a position in the run."""
    blob_index, element = divmod(fe, FES_PER_BLOB)
    return blob_index, bytes(batch.versioned_hashes[blob_index]), element
