"""Receipts to the blobs of a batch, vectorised with numpy.

Sorts by (payer, seq), runs the fees up, and lets equal attribution sets share their elements.
Source: docs/spec/blob.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ledger.errors import BatchOverflowError
from ledger.protocol.attribution import AttributionSet
from ledger.protocol.batch import BatchHeader, Charge
from ledger.protocol.blob import layout
from ledger.protocol.blob.elements import (
    LaneElement,
    PayerElement,
    ShapeElement,
    lane_element,
    payer_element,
    set_elements,
    shape_element,
)
from ledger.protocol.blob.records import PUBLIC, Elements, rows, to_u24
from ledger.protocol.hexadecimal import ZERO_HASH
from ledger.protocol.receipt import Receipt
from ledger.protocol.units import MAX_U64


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """A receipt to be posted: its digest (32 bytes) and its attribution set ride along."""

    receipt: Receipt
    digest: bytes
    attribution: AttributionSet = ()


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """Blobs of 131,072 bytes with the header and charges that the batch_commitment covers."""

    header: BatchHeader
    blobs: tuple[bytes, ...]
    charges: tuple[Charge, ...]
    entries: tuple[BatchEntry, ...]
    """In blob order: entries[i] is the receipt at A_i and B_i."""


def encode(
    entries: Sequence[BatchEntry],
    attribution_method: bytes = ZERO_HASH,
    attribution_params_hash: bytes = ZERO_HASH,
) -> EncodedBatch:
    """The batch of these receipts: one operator, one lane, a gapless run of seq, in any order.

    Raises:
        BatchOverflowError: no receipts, receipts of several lanes, a gap in seq, more than six
            blobs, a time span above 65,535 s, or a total above 2^64 - 1.
    """
    ordered = sorted(entries, key=lambda e: (e.receipt.payer, e.receipt.seq))
    first_seq, base_time = _check_run(ordered)
    payers = sorted({e.receipt.payer for e in ordered})
    sets, positions = _share_sets(ordered, len(payers))
    count, n_payers = len(ordered), len(payers)
    fes = layout.used_fes(count, n_payers, len(sets))
    if count > layout.MAX_RECEIPTS or fes > layout.MAX_FES:
        raise BatchOverflowError(f"{fes} field elements, at most {layout.MAX_FES} fit a batch")
    running = np.cumsum(np.array([e.receipt.fee_units for e in ordered], dtype=object))
    if running[-1] > MAX_U64:
        raise BatchOverflowError("the batch's fees sum above 2^64 - 1")
    last_index, charges = _charges(ordered, payers)
    receipt = ordered[0].receipt
    header = BatchHeader(
        operator=receipt.operator,
        lane=receipt.lane,
        first_seq=first_seq,
        count=count,
        payer_count=n_payers,
        set_fe_count=len(sets),
        total_fee_units=int(running[-1]),
        blob_count=layout.blobs_needed(fes),
        base_time=base_time,
        attribution_method=attribution_method,
        attribution_params_hash=attribution_params_hash,
    )
    elements = np.zeros((layout.FES_PER_BLOB * header.blob_count, 32), np.uint8)
    elements[:2] = rows(_header_elements(header))
    body = elements[2 : 2 + 2 * count].reshape(count, 2, 32)
    body[:, 0, 1:] = rows([e.digest for e in ordered])[:, :31]
    body[:, 1] = _public_rows(ordered, payers, positions, running, first_seq, base_time)
    at = layout.p_position(count, 0)
    elements[at : at + n_payers] = rows(
        [
            payer_element(PayerElement(c.payer, c.amount_units, last))
            for c, last in zip(charges, last_index, strict=True)
        ]
    )
    if sets:
        elements[at + n_payers : at + n_payers + len(sets)] = rows(sets)
    raw = elements.tobytes()
    size = layout.BLOB_BYTES
    blobs = tuple(raw[i : i + size] for i in range(0, len(raw), size))
    return EncodedBatch(header, blobs, charges, tuple(ordered))


def _check_run(ordered: Sequence[BatchEntry]) -> tuple[int, int]:
    """(firstSeq, baseTime) of the receipts, checked to be one gapless run of one lane."""
    if not ordered:
        raise BatchOverflowError("a batch holds at least one receipt")
    if len({(e.receipt.operator, e.receipt.lane) for e in ordered}) != 1:
        raise BatchOverflowError("a batch holds receipts of one operator and one lane")
    seqs = {e.receipt.seq for e in ordered}
    first = min(seqs)
    if len(seqs) != len(ordered) or max(seqs) - first != len(ordered) - 1:
        raise BatchOverflowError("a batch holds a gapless run of seq")
    times = [e.receipt.started_at for e in ordered]
    if max(times) - min(times) > layout.MAX_TIME_OFFSET:
        raise BatchOverflowError(f"a batch spans at most {layout.MAX_TIME_OFFSET} s")
    return first, min(times)


def _share_sets(ordered: Sequence[BatchEntry], payers: int) -> tuple[list[bytes], list[int]]:
    """The S elements, equal sets once, and each receipt's set position (0 for none)."""
    sets: list[bytes] = []
    known: dict[AttributionSet, int] = {(): 0}
    for entry in ordered:
        if entry.attribution not in known:
            known[entry.attribution] = layout.s_position(len(ordered), payers, len(sets))
            sets.extend(set_elements(entry.attribution))
    return sets, [known[entry.attribution] for entry in ordered]


def _charges(ordered: Sequence[BatchEntry], payers: Sequence[bytes]) -> tuple[list[int], tuple[Charge, ...]]:
    totals = dict.fromkeys(payers, 0)
    last = dict.fromkeys(payers, 0)
    for i, entry in enumerate(ordered):
        totals[entry.receipt.payer] += entry.receipt.fee_units
        last[entry.receipt.payer] = i
    return [last[p] for p in payers], tuple(Charge(p, totals[p]) for p in payers)


def _header_elements(header: BatchHeader) -> list[bytes]:
    return [lane_element(LaneElement.of(header)), shape_element(ShapeElement.of(header))]


def _public_rows(
    ordered: Sequence[BatchEntry],
    payers: Sequence[bytes],
    positions: Sequence[int],
    running: npt.NDArray[np.object_],
    first_seq: int,
    base_time: int,
) -> Elements:
    index = {payer: i for i, payer in enumerate(payers)}
    receipts = [e.receipt for e in ordered]
    records = np.zeros(len(ordered), PUBLIC)
    records["seq_offset"] = [r.seq - first_seq for r in receipts]
    records["payer_index"] = to_u24(np.array([index[r.payer] for r in receipts], np.int64))
    records["asset_id"] = [r.asset_id for r in receipts]
    records["set_position"] = positions
    records["cumulative_fee"] = running.astype(np.uint64)
    records["input_units"] = to_u24(np.array([r.input_units for r in receipts], np.int64))
    records["output_units"] = to_u24(np.array([r.output_units for r in receipts], np.int64))
    records["time_offset"] = [r.started_at - base_time for r in receipts]
    return records.view(np.uint8).reshape(-1, 32)
