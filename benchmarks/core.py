"""The protocol's path of a receipt: hash and sign, encode, KZG, decode, verify, COPY, each beside its physical limit."""

import secrets
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import ckzg
import numpy as np
from coincurve import PrivateKey

from benchmarks.measuring.progress import progress
from benchmarks.measuring.report import Options, Row, finish, options
from benchmarks.measuring.timing import interleaved, ready
from benchmarks.measuring.writing import Writing
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.blob.kzg import blob_proof, kzg_commitment, trusted_setup, verify_blobs
from ledger.protocol.domain import Domain
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import RECEIPT_TYPEHASH, Receipt
from ledger.protocol.signature import sign
from ledger.protocol.units import fee_up

SIGNED = 2_000
PAYERS = 10
FULL_BATCH = 12_282
"""Receipts of ten payers that fill six blobs without sets."""
FULL_BATCH_WITH_SETS = 8_188
"""… and with a distinct 4-entry set (one field element) each."""
STARTED_AT = 1_700_000_000
DOMAIN = Domain(901, b"\x1e" * 20)
PRICE = (1_000, 2_000)
FULL_ROUNDS, QUICK_ROUNDS = 9, 3


@dataclass(frozen=True)
class Batch:
    """A full batch, as entries and as blobs."""

    entries: list[BatchEntry]
    encoded: EncodedBatch

    @property
    def receipts(self) -> int:
        return len(self.entries)


def main() -> None:
    asked = options(__doc__ or "")
    rounds = QUICK_ROUNDS if asked.quick else FULL_ROUNDS
    progress("making full batches")
    plain, with_sets = batch_of(FULL_BATCH, with_sets=False), batch_of(FULL_BATCH_WITH_SETS, with_sets=True)
    progress("signing, encoding, KZG")
    rows = [signing(rounds), encoding(rounds, plain), *kzg(rounds, plain)]
    progress("reading, judging and writing")
    rows += writing(rounds, plain, with_sets)
    finish("core", rows, asked, notes(asked, rounds))


def notes(asked: Options, rounds: int) -> tuple[str, ...]:
    kind = "quick " if asked.quick else ""
    return (
        f"Medians of {rounds} interleaved {kind}rounds; one core does the work, PostgreSQL beside it has fsync on.",
        "share = the bare loop's time over ours, in the same run: 1 is the physical limit.",
    )


def batch_of(count: int, *, with_sets: bool) -> Batch:
    """A batch of `count` receipts of ten payers, unsorted."""
    payers = [secrets.token_bytes(20) for _ in range(PAYERS)]
    entries = []
    for seq in range(count):
        attribution = tuple(
            SetEntry(i, ppm) for i, ppm in ((2, seq + 1), (3, 250_000), (4, 250_000), (5, 499_999 - seq))
        )
        receipt = receipt_of(seq, payers[seq % PAYERS], attribution_hash(attribution) if with_sets else bytes(32))
        entries.append(BatchEntry(receipt, receipt.digest(DOMAIN), attribution if with_sets else ()))
    return Batch(entries, encode(entries))


def receipt_of(seq: int, payer: bytes, set_hash: bytes = bytes(32)) -> Receipt:
    inputs, outputs = 40 + seq % 900, 60 + seq % 400
    return Receipt(
        operator=b"\x0e" * 20, lane=0, seq=seq, payer=payer, asset_id=1, request_hash=secrets.token_bytes(32),
        response_hash=secrets.token_bytes(32), input_units=inputs, output_units=outputs,
        fee_units=fee_up(inputs, outputs, *PRICE), attribution_hash=set_hash, started_at=STARTED_AT + seq % 3600,
        duration_ms=900,
    )  # fmt: skip


def row(name: str, receipts: int, seconds: dict[str, float], bare: str, **beside: object) -> Row:
    """Receipts a second of "ours", beside the bare loop's and the share of it."""
    rate, limit = receipts / seconds["ours"], receipts / seconds["bare"]
    return Row(name, round(rate), "receipts/s", beside={"share": round(rate / limit, 3), bare: round(limit), **beside})


def signing(rounds: int) -> Row:
    """EIP-712 digest and signature of receipts, beside bare keccak and bare secp256k1 over as many bytes."""
    receipts = [receipt_of(seq, b"\x01" * 20) for seq in range(SIGNED)]
    key = PrivateKey(secrets.token_bytes(32))
    structs = [RECEIPT_TYPEHASH + secrets.token_bytes(13 * 32) for _ in receipts]
    envelope = b"\x19\x01" + DOMAIN.separator

    def ours() -> None:
        for receipt in receipts:
            sign(receipt.digest(DOMAIN), key)

    def bare() -> None:
        for words in structs:
            key.sign_recoverable(keccak256(envelope + keccak256(words)), hasher=None)

    seconds = interleaved(rounds, {"ours": ready(ours), "bare": ready(bare)})
    return row("hash + sign", SIGNED, seconds, "bare keccak + secp256k1")


def encoding(rounds: int, batch: Batch) -> Row:
    """Receipts to blobs, beside a bare loop that packs the same fields, and beside copying the bytes."""
    raw = np.frombuffer(b"".join(batch.encoded.blobs), np.uint8)
    pack = struct.Struct(">x31sxI3sII8s3s3sH").pack

    def bare() -> bytes:
        """Two elements a receipt out of the same objects: no order, no running sum, no sets, no checks."""
        return b"".join([pack(*fields(each)) for each in batch.entries])

    seconds = interleaved(
        rounds,
        {
            "ours": ready(lambda: encode(batch.entries)),
            "bare": ready(bare),
            "copy": ready(raw.copy),
        },
    )
    copied = {"memory copy": round(batch.receipts / seconds["copy"])}
    return row("encode", batch.receipts, seconds, "bare struct.pack", **copied)


def fields(entry: BatchEntry) -> tuple[object, ...]:
    """What a receipt's two elements hold, straight from its attributes."""
    receipt = entry.receipt
    return (
        entry.digest, receipt.seq, b"\0\0\0", receipt.asset_id, 0, receipt.fee_units.to_bytes(8, "big"),
        receipt.input_units.to_bytes(3, "big"), receipt.output_units.to_bytes(3, "big"),
        receipt.started_at - STARTED_AT,
    )  # fmt: skip


def kzg(rounds: int, batch: Batch) -> list[Row]:
    """Commitments and the verification of blob proofs, beside bare ckzg."""
    blobs, setup = batch.encoded.blobs, trusted_setup()
    commitments = [kzg_commitment(blob) for blob in blobs]
    proofs = [blob_proof(blob, commitment) for blob, commitment in zip(blobs, commitments, strict=True)]
    joined = tuple(map(b"".join, (blobs, commitments, proofs)))
    committing = interleaved(
        rounds,
        {
            "ours": ready(lambda: [kzg_commitment(blob) for blob in blobs]),
            "bare": ready(lambda: [ckzg.blob_to_kzg_commitment(blob, setup) for blob in blobs]),
        },
    )
    verifying = interleaved(
        rounds,
        {
            "ours": ready(lambda: verify_blobs(blobs, commitments, proofs)),
            "bare": ready(lambda: ckzg.verify_blob_kzg_proof_batch(*joined, setup)),
        },
    )
    milliseconds = {"ms a blob": round(1000 * committing["ours"] / len(blobs), 1)}
    each = {"ms a blob": round(1000 * verifying["ours"] / len(blobs), 2)}
    return [
        row("KZG commit", batch.receipts, committing, "bare ckzg", **milliseconds),
        row("KZG verify", batch.receipts, verifying, "bare ckzg", **each),
    ]


def writing(rounds: int, plain: Batch, with_sets: Batch) -> list[Row]:
    """The indexer's own decoding, judging and writing, beside a bare COPY of the same bytes into the same table."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="tributary-bench-") as folder, Writing(Path(folder)) as database:
        for name, batch in (("", plain), (" with sets", with_sets)):
            work = database.contenders(batch.encoded)
            seconds = interleaved(rounds, work)
            bare = {"ours": seconds["decode + verify + COPY"], "bare": seconds["bare COPY"]}
            rows.append(row(f"decode + verify + COPY{name}", batch.receipts, bare, "bare COPY"))
            whole = {"ours": seconds["from blobs to rows"], "bare": seconds["bare ckzg + COPY"]}
            rows.append(row(f"check blobs, decode + verify + COPY{name}", batch.receipts, whole, "bare ckzg + COPY"))
    return rows


if __name__ == "__main__":
    main()
