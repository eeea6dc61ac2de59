"""The rules of format 1 that a batch's blobs can break by themselves, receipt by receipt.

A batch that breaks one of them does not count: nobody can say how its money is to be split.
Source: docs/spec/blob.md and docs/spec/validity.md.
"""

from collections import defaultdict
from itertools import pairwise

from audit.batch.decode import ReadBatch, ReadReceipt
from audit.batch.sets import Entry, read_sets
from audit.chain.batches import Batch
from audit.difference import Differences, Place


def receipt_place(batch: Batch, receipt: ReadReceipt) -> Place:
    """Where the audit says it is, speaking of one receipt."""
    return Place("receipt", f"batch {batch.batch_id}", batch.batch_id, receipt.position, receipt.seq)


def check_form(batch: Batch, read: ReadBatch, differences: Differences) -> dict[int, tuple[Entry, ...]] | None:
    """The batch's attribution sets by position, or None where a rule is broken.

    Args:
        batch: what the L2 committed to.
        read: what the blobs say.
        differences: where broken rules go.
    """
    before = differences.count
    _check_header(batch, read, differences)
    _check_payers(batch, read, differences)
    _check_order(batch, read, differences)
    _check_sums(batch, read, differences)
    sets = _check_sets(batch, read, differences)
    return sets if differences.count == before else None


def _check_header(batch: Batch, read: ReadBatch, differences: Differences) -> None:
    header = batch.header
    for name, in_blob in (
        ("operator", read.operator),
        ("lane", read.lane),
        ("firstSeq", read.first_seq),
        ("count", read.count),
        ("payerCount", read.payer_count),
        ("setFeCount", read.set_fe_count),
        ("totalFee", read.total_fee_units),
        ("blobCount", read.blob_count),
        ("baseTime", read.base_time),
    ):
        differences.compare(batch.place, f"{name} in the blob", header[name], in_blob)
    for position, top in enumerate(read.used_tops):
        differences.compare(batch.place, f"first byte of element {position}", 0, top)


def _check_payers(batch: Batch, read: ReadBatch, differences: Differences) -> None:
    in_blob = tuple((payer.payer, payer.total_units) for payer in read.payers)
    if in_blob != batch.charges:
        for p, (charge, found) in enumerate(zip(batch.charges, in_blob, strict=False)):
            differences.compare(batch.place, f"payer {p} and its total", charge, found)
        differences.compare(batch.place, "number of payers", len(batch.charges), len(in_blob))


def _check_order(batch: Batch, read: ReadBatch, differences: Differences) -> None:
    """Sorted by payer, then by seq; every payer and every seq of the run is there."""
    seqs: set[int] = set()
    for receipt in read.receipts:
        place = receipt_place(batch, receipt)
        if receipt.seq in seqs:
            differences.note(place, "seq", "found once in the batch", "a repetition")
        seqs.add(receipt.seq)
        if receipt.seq >= read.first_seq + read.count:
            differences.note(place, "seq", f"below {read.first_seq + read.count}", receipt.seq)
    for before, receipt in pairwise(read.receipts):
        place = receipt_place(batch, receipt)
        if receipt.payer_index == before.payer_index:
            if receipt.seq <= before.seq:
                differences.note(place, "seq", f"above {before.seq}", receipt.seq)
        elif receipt.payer_index != before.payer_index + 1:
            differences.note(place, "payerIndex", before.payer_index + 1, receipt.payer_index)
    if read.receipts:
        first, last = read.receipts[0], read.receipts[-1]
        differences.compare(receipt_place(batch, first), "payerIndex", 0, first.payer_index)
        differences.compare(receipt_place(batch, last), "payerIndex", read.payer_count - 1, last.payer_index)


def _check_sums(batch: Batch, read: ReadBatch, differences: Differences) -> None:
    """The running sum never falls, ends at the total, and gives each payer its charge."""
    for receipt in read.receipts:
        if receipt.fee_units < 0:
            differences.note(receipt_place(batch, receipt), "feeUnits", "0 or more", receipt.fee_units)
    by_payer: dict[int, list[ReadReceipt]] = defaultdict(list)
    for receipt in read.receipts:
        by_payer[receipt.payer_index].append(receipt)
    for p, payer in enumerate(read.payers):
        if own := by_payer[p]:
            place = receipt_place(batch, own[-1])
            fees = sum(receipt.fee_units for receipt in own)
            differences.compare(place, f"sum of the fees of payer {p}", payer.total_units, fees)
            differences.compare(place, f"last receipt of payer {p}", payer.last_index, own[-1].position)
    end = read.receipts[-1].cumulative_fee_units if read.receipts else 0
    differences.compare(batch.place, "last cumulativeFee", read.total_fee_units, end)


def _check_sets(batch: Batch, read: ReadBatch, differences: Differences) -> dict[int, tuple[Entry, ...]]:
    sets, strays = read_sets(read.set_elements, read.first_set_position)
    for position in strays:
        differences.note(batch.place, f"element {position}", "part of a well-formed attribution set", "none")
    for receipt in read.receipts:
        if receipt.set_position and receipt.set_position not in sets:
            place = receipt_place(batch, receipt)
            differences.note(place, "attributionSet", "the position of a set", receipt.set_position)
    return sets
