"""Full batches by the hundred, each with blobs of its own, from one that is encoded and committed to in earnest.

Batch k is the template with k x count added to its first sequence number and k to every receipt's digest. A
kzg_commitment is linear in the blob, so that of batch k is the template's and k times that of the difference: one point
addition a blob instead of 40 ms. Blobs are made when they are asked for. `check` holds a batch against ckzg itself.
"""

import secrets
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from py_ecc.bls.point_compression import compress_G1, decompress_G1
from py_ecc.optimized_bls12_381 import add

from ledger.protocol.batch import BatchHeader, Charge
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.blob.kzg import kzg_commitment, versioned_hash
from ledger.protocol.blob.layout import BLOB_BYTES, FE_BYTES, FES_PER_BLOB, a_position
from ledger.protocol.receipt import Receipt
from ledger.protocol.units import fee_up

OPERATOR = b"\x0e" * 20
MODEL = 1
PRICE = (1_000, 2_000)
STARTED_AT = 1_700_000_000
PAYERS = 10
FULL_BATCH = 12_282
"""Receipts of ten payers that fill six blobs without sets."""
_FIRST_SEQ = slice(4, 12)
"""Where the first sequence number stands in the first field element."""
_DIGEST_END = slice(28, 32)
"""The last four bytes of a digest's field element; the template's are below 2^31."""


@dataclass(frozen=True)
class MadeBatch:
    """What the chain says of a batch."""

    header: BatchHeader
    charges: tuple[Charge, ...]
    versioned_hashes: tuple[bytes, ...]


class MadeBatches:
    """`size` batches of `FULL_BATCH` receipts each."""

    def __init__(self, size: int) -> None:
        template = _template()
        self._blobs = [np.frombuffer(blob, np.uint8) for blob in template.blobs]
        self._places: dict[bytes, tuple[int, int]] = {}
        points = [_point(blob) for blob in template.blobs]
        steps = [_point(_difference(j, template)) for j in range(len(template.blobs))]
        self.batches: list[MadeBatch] = []
        for k in range(size):
            hashes = tuple(versioned_hash(compress_G1(point).to_bytes(48, "big")) for point in points)
            self._places.update({h: (k, j) for j, h in enumerate(hashes)})
            header = _moved(template.header, k)
            self.batches.append(MadeBatch(header, template.charges, hashes))
            points = [add(point, step) for point, step in zip(points, steps, strict=True)]

    def blob(self, blob_hash: bytes) -> bytes | None:
        """The blob with this hash; None if no batch has it."""
        place = self._places.get(blob_hash)
        if place is None:
            return None
        k, j = place
        blob = self._blobs[j].copy()
        elements = blob.reshape(FES_PER_BLOB, FE_BYTES)
        ends = elements[_digest_elements(j), _DIGEST_END]
        elements[_digest_elements(j), _DIGEST_END] = (
            (ends.copy().view(">u4") + np.uint32(k)).astype(">u4").view(np.uint8)
        )
        if j == 0:
            first = self.batches[k].header.first_seq
            elements[0, _FIRST_SEQ] = np.frombuffer(first.to_bytes(8, "big"), np.uint8)
        return blob.tobytes()

    def check(self, k: int) -> None:
        """Compare a batch's hashes with what ckzg makes of its blobs."""
        for blob_hash in self.batches[k].versioned_hashes:
            blob = self.blob(blob_hash)
            if blob is None or versioned_hash(kzg_commitment(blob)) != blob_hash:
                raise AssertionError(f"batch {k} was not made right")


def _moved(header: BatchHeader, k: int) -> BatchHeader:
    return replace(header, first_seq=k * header.count)


def _template() -> EncodedBatch:
    payers = [secrets.token_bytes(20) for _ in range(PAYERS)]
    entries = []
    for seq in range(FULL_BATCH):
        inputs, outputs = 40 + seq % 900, 60 + seq % 400
        receipt = Receipt(
            operator=OPERATOR, lane=0, seq=seq, payer=payers[seq % PAYERS], asset_id=MODEL, request_hash=bytes(32),
            response_hash=bytes(32), input_units=inputs, output_units=outputs,
            fee_units=fee_up(inputs, outputs, *PRICE), attribution_hash=bytes(32),
            started_at=STARTED_AT + seq % 3600, duration_ms=900,
        )  # fmt: skip
        digest = bytearray(secrets.token_bytes(32))
        digest[27] &= 0x7F
        entries.append(BatchEntry(receipt, bytes(digest), ()))
    return encode(entries)


@cache
def _digest_elements(j: int) -> Any:
    """Indexes of the field elements in blob j that hold digests."""
    positions = np.array([a_position(i) for i in range(FULL_BATCH)])
    return positions[positions // FES_PER_BLOB == j] % FES_PER_BLOB


def _difference(j: int, template: EncodedBatch) -> bytes:
    """What blob j of a batch has more than that of the batch before."""
    blob = np.zeros((FES_PER_BLOB, FE_BYTES), np.uint8)
    blob[_digest_elements(j), -1] = 1
    if j == 0:
        blob[0, _FIRST_SEQ] = np.frombuffer(template.header.count.to_bytes(8, "big"), np.uint8)
    assert blob.nbytes == BLOB_BYTES
    return blob.tobytes()


def _point(blob: bytes) -> Any:
    return decompress_G1(int.from_bytes(kzg_commitment(blob), "big"))
