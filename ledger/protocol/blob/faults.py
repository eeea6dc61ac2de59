"""Every rule of format 1 that a batch's own bytes can break, found at once.

Each fault names the rule and the positions that a one-step fraud proof opens. Rules that need the
registry, prices or signed receipts are judged where those are known.
Source: docs/spec/blob.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from ledger.errors import BlobFormatError, InvalidAttributionSetError
from ledger.protocol.attribution import (
    ENTRIES_PER_PART,
    MAX_PARTS,
    AttributionSet,
    SetEntry,
    check_set,
)
from ledger.protocol.batch import BatchHeader, Charge
from ledger.protocol.blob import layout
from ledger.protocol.blob.decode import BatchColumns
from ledger.protocol.blob.elements import LaneElement, ShapeElement, read_set_element
from ledger.protocol.blob.sets import well_formed_sets


class Rule(StrEnum):
    """The rules, by the names that findings and challenges use."""

    HEADER = "header_differs_from_commitment"
    ELEMENT_RANGE = "element_out_of_range"
    PAYER_CHARGE = "payer_differs_from_charge"
    SEQ_RANGE = "seq_offset_out_of_range"
    SEQ_DUPLICATE = "seq_duplicate"
    SEQ_ORDER = "seq_order"
    PAYER_RANGE = "payer_index_out_of_range"
    PAYER_ORDER = "payer_order"
    PAYER_TOTAL = "payer_total"
    PAYER_LAST = "payer_last_index"
    FEE_ORDER = "cumulative_fee_falls"
    FEE_TOTAL = "cumulative_fee_total"
    SET_MALFORMED = "set_malformed"
    SET_POINTER = "set_pointer"


@dataclass(frozen=True, slots=True)
class Fault:
    """A broken rule: `positions` are FE positions in the run, most telling first."""

    rule: Rule
    positions: tuple[int, ...]
    detail: str


Mask = npt.NDArray[np.bool_]


def find_faults(columns: BatchColumns, header: BatchHeader, charges: Sequence[Charge]) -> list[Fault]:
    """The first fault of each broken rule, in the order of `Rule`; empty for an honest batch.

    Args:
        columns: the decoded batch.
        header: the header that the batch_commitment covers.
        charges: the charges that the batch_commitment covers.
    """
    found = [
        *_header_faults(columns, header),
        *_payer_faults(columns, charges),
        *_receipt_faults(columns),
        *_fee_faults(columns, charges),
        *_set_faults(columns),
    ]
    order = list(Rule)
    return sorted(found, key=lambda fault: order.index(fault.rule))


def attribution_sets(columns: BatchColumns) -> dict[int, AttributionSet]:
    """The well-formed sets by FE position of their first part."""
    return {position: entries for position, entries in _read_sets(columns) if entries is not None}


def _header_faults(columns: BatchColumns, header: BatchHeader) -> Iterator[Fault]:
    in_blob = columns.header
    if LaneElement.of(in_blob) != LaneElement.of(header):
        yield Fault(Rule.HEADER, (0,), "operator, lane or firstSeq differs")
    if ShapeElement.of(in_blob) != ShapeElement.of(header):
        yield Fault(Rule.HEADER, (1,), "a count, the total, blobCount or baseTime differs")
    used = layout.used_fes(in_blob.count, in_blob.payer_count, in_blob.set_fe_count)
    bad = np.flatnonzero(columns.elements[:used, 0])
    if len(bad):
        yield Fault(Rule.ELEMENT_RANGE, (int(bad[0]),), "a used element is 2^248 or more")


def _payer_faults(columns: BatchColumns, charges: Sequence[Charge]) -> Iterator[Fault]:
    count = columns.header.count
    for p, payer in enumerate(columns.payers):
        total = int(columns.payer_totals[p])
        if p >= len(charges) or Charge(payer, total) != charges[p]:
            at = layout.p_position(count, p)
            yield Fault(Rule.PAYER_CHARGE, (at,), f"P_{p} is not charge {p}")
            return


def _first(mask: Mask) -> int | None:
    hits = np.flatnonzero(mask)
    return int(hits[0]) if len(hits) else None


def _receipt_faults(columns: BatchColumns) -> Iterator[Fault]:
    b, header = layout.b_position, columns.header
    seq, payer = columns.seq_offset, columns.payer_index
    if (i := _first(seq >= header.count)) is not None:
        yield Fault(Rule.SEQ_RANGE, (b(i),), f"receipt {i} lies outside the run")
    order = np.argsort(seq, kind="stable")
    if (k := _first(np.diff(seq[order]) == 0)) is not None:
        i, j = sorted((int(order[k]), int(order[k + 1])))
        yield Fault(Rule.SEQ_DUPLICATE, (b(i), b(j)), f"receipts {i} and {j} have one seq")
    if (i := _first(payer >= header.payer_count)) is not None:
        yield Fault(Rule.PAYER_RANGE, (b(i),), f"receipt {i} names a payer that is not there")
    elif payer[0] != 0:
        yield Fault(Rule.PAYER_RANGE, (b(0),), "the first receipt is not the first payer's")
    elif payer[-1] != header.payer_count - 1:
        yield Fault(Rule.PAYER_RANGE, (b(header.count - 1),), "the last receipt is not the last payer's")
    step = np.diff(payer)
    if (i := _first((step < 0) | (step > 1))) is not None:
        yield Fault(Rule.PAYER_ORDER, (b(i), b(i + 1)), "payerIndex falls or jumps")
    if (i := _first((step == 0) & (np.diff(seq) <= 0))) is not None:
        yield Fault(Rule.SEQ_ORDER, (b(i), b(i + 1)), "seq does not rise within a payer")


def _fee_faults(columns: BatchColumns, charges: Sequence[Charge]) -> Iterator[Fault]:
    b, header = layout.b_position, columns.header
    running = columns.cumulative_fee_units
    if (i := _first(running[1:] < running[:-1])) is not None:
        yield Fault(Rule.FEE_ORDER, (b(i), b(i + 1)), "cumulativeFee falls")
    if int(running[-1]) != header.total_fee_units:
        yield Fault(Rule.FEE_TOTAL, (b(header.count - 1),), "the last cumulativeFee is not totalFee")
    if np.any(columns.payer_index >= header.payer_count) or np.any(np.diff(columns.payer_index) < 0):
        return
    prefix = 0
    last = np.searchsorted(columns.payer_index, np.arange(header.payer_count), side="right") - 1
    for p, charge in enumerate(charges[: header.payer_count]):
        prefix += charge.amount_units
        i = int(last[p])
        if i >= 0 and int(running[i]) != prefix and i + 1 < header.count:
            yield Fault(Rule.PAYER_TOTAL, (b(i), b(i + 1)), f"payer {p}'s fees are not its charge")
            break
    if (p_ := _first(columns.payer_last_index != last)) is not None:
        at = layout.p_position(header.count, p_)
        yield Fault(Rule.PAYER_LAST, (at, b(max(int(last[p_]), 0))), f"P_{p_} names another receipt")


def _read_sets(columns: BatchColumns) -> Iterator[tuple[int, AttributionSet | None]]:
    """(FE position of part 0, the set or None where it is malformed), over all S elements."""
    header, k = columns.header, 0
    first = layout.s_position(header.count, header.payer_count, 0)
    while k < len(columns.set_elements):
        parts, entries = _read_set(columns, k)
        yield first + k, entries
        k += parts


def _read_set(columns: BatchColumns, k: int) -> tuple[int, AttributionSet | None]:
    """(parts to step over, the set that starts at S_k or None)."""
    entries: list[SetEntry] = []
    try:
        head = read_set_element(columns.set_elements[k].tobytes())
        if head.part != 0 or not 1 <= head.parts <= MAX_PARTS:
            return 1, None
        if k + head.parts > len(columns.set_elements):
            return 1, None
        for part in range(head.parts):
            element = read_set_element(columns.set_elements[k + part].tobytes())
            full = len(element.entries) == ENTRIES_PER_PART
            if (element.part, element.parts) != (part, head.parts):
                return 1, None
            if not element.entries or (part < head.parts - 1 and not full):
                return 1, None
            entries.extend(element.entries)
        return head.parts, check_set(entries)
    except (BlobFormatError, InvalidAttributionSetError):
        return 1, None


def _set_faults(columns: BatchColumns) -> Iterator[Fault]:
    table = well_formed_sets(columns)
    sets = dict(_read_sets(columns)) if table is None else {}
    bad = next((position for position, entries in sets.items() if entries is None), None)
    if bad is not None:
        yield Fault(Rule.SET_MALFORMED, (bad,), "a set element breaks the form of a set")
    starts = [p for p, entries in sets.items() if entries is not None] if table is None else table.positions
    known = np.array([0, *starts])
    if (i := _first(~np.isin(columns.set_position, known))) is not None:
        target = int(columns.set_position[i])
        yield Fault(Rule.SET_POINTER, (layout.b_position(i), target), "no set starts there")
