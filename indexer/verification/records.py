"""A judged batch as rows for COPY: receipts and attribution sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from indexer.verification.binary_copy import (
    Field,
    big,
    big_array,
    fixed_bytes,
    integer,
    integer_array,
    records,
    small,
    units,
)

if TYPE_CHECKING:
    from indexer.verification.judge import Contents
    from ledger.protocol.blob.sets import SetTable

RECEIPT_FIELDS: Final = (
    big("batch_id"),
    small("fill"),
    integer("position"),
    big("seq"),
    fixed_bytes("digest31", 31),
    fixed_bytes("payer", 20),
    big("asset_id"),
    big("asset_version"),
    integer("set_position"),
    units("fee_units"),
    units("cumulative_fee_units"),
    integer("input_units"),
    integer("output_units"),
    big("started_at"),
)
SET_COLUMNS: Final = ("batch_id", "fill", "set_position", "asset_ids", "ppms")


def receipt_records(batch_id: int, fill: int, contents: Contents) -> bytes:
    """One row a receipt, in blob order."""
    columns = contents.columns
    count = columns.header.count
    payers = np.frombuffer(b"".join(columns.payers), "V20")
    return records(
        RECEIPT_FIELDS,
        count,
        {
            "batch_id": batch_id,
            "fill": fill,
            "position": np.arange(count),
            "seq": columns.header.first_seq + columns.seq_offset,
            "digest31": np.ascontiguousarray(columns.digests).view("V31")[:, 0],
            "payer": payers[columns.payer_index],
            "asset_id": columns.asset_id,
            "asset_version": contents.asset_version,
            "set_position": columns.set_position,
            "fee_units": columns.fee_units,
            "cumulative_fee_units": columns.cumulative_fee_units,
            "input_units": columns.input_units,
            "output_units": columns.output_units,
            "started_at": contents.started_at,
        },
    )


def set_records(batch_id: int, fill: int, sets: SetTable) -> bytes:
    """One row a set; sets of one length are laid out together."""
    lengths = np.diff(sets.first)
    chunks = []
    for length in np.unique(lengths).tolist():
        chosen = np.flatnonzero(lengths == length)
        entry = sets.first[chosen][:, None] + np.arange(length)
        values = {
            "batch_id": batch_id,
            "fill": fill,
            "set_position": sets.positions[chosen],
            "asset_ids": sets.asset_ids[entry],
            "ppms": sets.ppms[entry],
        }
        chunks.append(records(_set_fields(length), len(chosen), values))
    return b"".join(chunks)


def _set_fields(length: int) -> tuple[Field, ...]:
    return (
        big("batch_id"),
        small("fill"),
        integer("set_position"),
        big_array("asset_ids", length),
        integer_array("ppms", length),
    )
