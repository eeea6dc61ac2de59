"""Proofs by receipts that clients kept: what the operator signed, held against what it posted.

Source: docs/spec/contracts.md ("Challenges").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ledger.protocol.attribution import attribution_hash
from ledger.protocol.blob.elements import read_set_element
from ledger.protocol.blob.layout import a_position, b_position
from ledger.protocol.hexadecimal import ZERO_HASH
from ledger.protocol.judging.proof import Argument, Challenge, Element, Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.protocol.blob.decode import BatchColumns
    from ledger.protocol.receipt import Receipt, SignedReceipt

RECEIPT_ALTERED: Final = "receipt_altered"
RECEIPT_FIELD: Final = "receipt_field_differs"
RECEIPT_FEE: Final = "receipt_fee_differs"
RECEIPT_SET: Final = "receipt_set_differs"


def signed_proofs(columns: BatchColumns, signed: SignedReceipt) -> Iterator[Proof]:
    """The proofs that one signed receipt makes against a batch of its lane and seq; none if it stands there rightly.

    Args:
        columns: a batch without a fault of format that holds the receipt's seq.
        signed: the receipt; that its key was the lane's is for the contract to say.
    """
    i = int(np.flatnonzero(columns.seq_offset == signed.receipt.seq - columns.header.first_seq)[0])
    evidence: tuple[Argument, ...] = (signed.receipt, signed.signature, i, Element(a_position(i)))
    b = Element(b_position(i))
    if columns.digests[i].tobytes() != signed.digest[:31]:
        yield Proof(RECEIPT_ALTERED, Challenge.ALTERED, (*evidence, b), f"receipt {i} is not the one that was signed")
        return
    if _fields(columns, i) != _signed_fields(signed.receipt):
        yield Proof(RECEIPT_FIELD, Challenge.FIELD, (*evidence, b), f"a field of receipt {i} is not the signed one")
    if int(columns.fee_units[i]) != signed.receipt.fee_units:
        bs = (b, Element(b_position(i - 1))) if i else (b,)
        yield Proof(RECEIPT_FEE, Challenge.SIGNED_FEE, (*evidence, bs), f"the fee of receipt {i} is not the signed one")
    position = int(columns.set_position[i])
    if position and _set_hash(columns, position) != signed.receipt.attribution_hash:
        parts = tuple(Element(position + n) for n in range(_parts(columns, position)))
        yield Proof(RECEIPT_SET, Challenge.SIGNED_SET, (*evidence, b, parts), f"the set of receipt {i} is another")


def _fields(columns: BatchColumns, i: int) -> tuple[object, ...]:
    return (
        columns.payers[int(columns.payer_index[i])],
        int(columns.asset_id[i]),
        int(columns.input_units[i]),
        int(columns.output_units[i]),
        columns.header.base_time + int(columns.time_offset[i]),
        bool(columns.set_position[i]),
    )


def _signed_fields(receipt: Receipt) -> tuple[object, ...]:
    return (
        receipt.payer,
        receipt.asset_id,
        receipt.input_units,
        receipt.output_units,
        receipt.started_at,
        receipt.attribution_hash != ZERO_HASH,
    )


def _parts(columns: BatchColumns, position: int) -> int:
    return read_set_element(columns.set_at(position)[0].tobytes()).parts


def _set_hash(columns: BatchColumns, position: int) -> bytes:
    rows = columns.set_at(position)[: _parts(columns, position)]
    return attribution_hash([entry for row in rows for entry in read_set_element(row.tobytes()).entries])
