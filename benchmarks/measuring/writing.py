"""The indexer's verification and writing of batches on an embedded PostgreSQL, ready to be timed."""

import itertools
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import ckzg
from sqlalchemy import insert
from sqlalchemy.orm import Session

from benchmarks.measuring.timing import Prepared, Setup
from indexer.verification.batch import CommittedBatch, Place
from indexer.verification.binary_copy import HEADER, TRAILER
from indexer.verification.commitments import commitment_if
from indexer.verification.judge import Contents, judge
from indexer.verification.records import RECEIPT_FIELDS, SET_COLUMNS, receipt_records, set_records
from indexer.verification.store import VerificationStore
from ledger.db.models.indexer_batches import Batch, Charge
from ledger.db.models.indexer_blobs import Blob
from ledger.db.models.indexer_operators import Price
from ledger.db.models.indexer_receipts import RECEIPT_PARTITION_BATCHES
from ledger.db.models.indexer_registry import AdmittedDataset, Asset, EffectiveShare, Terms
from ledger.db.session import connect, open_engine
from ledger.protocol.batch import batch_commitment, post_hash
from ledger.protocol.blob.encode import EncodedBatch
from ledger.protocol.blob.kzg import kzg_commitment, trusted_setup, versioned_hash
from ledger.protocol.keccak import keccak256
from tributary.database import migrate
from tributary.postgres import PostgresServer

CHAIN_ID = 901
MODEL = 1
DATASETS = (2, 3, 4, 5)
COMMITTED_AT = 1_700_010_000


def place(number: int, log_index: int) -> dict[str, object]:
    """Columns that name an event."""
    return {
        "chain_id": CHAIN_ID, "block_number": number, "block_hash": keccak256(number.to_bytes(8, "big")),
        "log_index": log_index,
    }  # fmt: skip


class Writing:
    """A database with one model, four datasets and a price; batches are added as pending and then decided."""

    def __init__(self, folder: Path) -> None:
        """Start PostgreSQL in `folder`, with its usual safety."""
        self._cleanup = ExitStack()
        server = self._cleanup.enter_context(PostgresServer(folder / "data"))
        url = server.ensure_database("benchmark")
        migrate(url)
        self._engine = open_engine(url)
        self._cleanup.callback(self._engine.dispose)
        self._store = VerificationStore(url)
        self._cleanup.callback(self._store.close)
        self._bare = self._cleanup.enter_context(connect(url, application_name="benchmark"))
        self._batch_ids = itertools.count(1)
        with Session(self._engine) as session, session.begin():
            write_registry(session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def contenders(self, encoded: EncodedBatch) -> Mapping[str, Setup]:
        """The real path and the bare one, over the same batch: with the check of the blobs' hashes, and without."""
        hashes = [versioned_hash(kzg_commitment(blob)) for blob in encoded.blobs]
        with Session(self._engine) as session, session.begin():
            for blob, hash_ in zip(encoded.blobs, hashes, strict=True):
                session.execute(insert(Blob).values(versioned_hash=hash_, kzg_commitment=kzg_commitment(blob)))

        def ours(*, check: bool) -> Setup:
            def setup() -> Prepared:
                self._add_pending(encoded, hashes)
                return lambda: self._decide(encoded.blobs, hashes if check else [])

            return setup

        def bare(*, check: bool) -> Setup:
            def setup() -> Prepared:
                pieces = self._pieces(encoded, hashes)
                return lambda: self._copy(pieces, encoded.blobs if check else ())

            return setup

        return {
            "decode + verify + COPY": ours(check=False), "bare COPY": bare(check=False),
            "from blobs to rows": ours(check=True), "bare ckzg + COPY": bare(check=True),
        }  # fmt: skip

    def _decide(self, blobs: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """What the indexer does with a batch once its blobs are there."""
        if not all(commitment_if(blob, hash_) for blob, hash_ in zip(blobs, hashes, strict=False)):
            raise AssertionError("a blob does not match its hash")
        (batch,) = self._store.ready_batches(1)
        verdict = judge(batch, blobs, lambda ids: self._store.rulebook(batch, ids))
        if verdict.findings or not self._store.decide(batch, verdict):
            raise AssertionError(f"the batch was not taken: {verdict.findings}")

    def _copy(self, pieces: Sequence[tuple[str, bytes]], blobs: Sequence[bytes]) -> None:
        for blob in blobs:
            ckzg.blob_to_kzg_commitment(blob, trusted_setup())
        with self._bare.transaction(), self._bare.cursor() as cursor:
            for statement, raw in pieces:
                with cursor.copy(statement) as copy:
                    copy.write(raw)

    def pieces(self, encoded: EncodedBatch) -> list[tuple[str, bytes]]:
        """The COPY statements for one more batch with these contents, with their bytes."""
        return self._pieces(encoded, [versioned_hash(kzg_commitment(blob)) for blob in encoded.blobs])

    def copy(self, pieces: Sequence[tuple[str, bytes]]) -> None:
        """Nothing but the COPY, in one transaction."""
        self._copy(pieces, ())

    def _pieces(self, encoded: EncodedBatch, hashes: Sequence[bytes]) -> list[tuple[str, bytes]]:
        """The COPY statements that the indexer sends for this batch, with their bytes."""
        batch_id = next(self._batch_ids)
        batch = committed(encoded, hashes, batch_id)
        contents: Contents = judge(batch, encoded.blobs, lambda ids: self._store.rulebook(batch, ids)).contents
        self._make_partition(batch_id)
        pieces = [("receipts", [f.name for f in RECEIPT_FIELDS], receipt_records(batch_id, 0, contents))]
        if len(contents.sets.positions):
            pieces.append(("attribution_sets", SET_COLUMNS, set_records(batch_id, 0, contents.sets)))
        return [
            (f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)", HEADER + raw + TRAILER)
            for table, columns, raw in pieces
        ]

    def _make_partition(self, batch_id: int) -> None:
        first = batch_id - batch_id % RECEIPT_PARTITION_BATCHES
        self._bare.execute(
            f"CREATE TABLE IF NOT EXISTS receipts_from_{first} PARTITION OF receipts"
            f" FOR VALUES FROM ({first}) TO ({first + RECEIPT_PARTITION_BATCHES})"
        )
        self._bare.commit()

    def _add_pending(self, encoded: EncodedBatch, hashes: Sequence[bytes]) -> None:
        """The batch as the follower writes it: committed, and not yet judged."""
        batch = committed(encoded, hashes, next(self._batch_ids))
        header, event = batch.header, place(batch.place.block_number, batch.place.log_index)
        with Session(self._engine) as session, session.begin():
            session.execute(
                insert(Batch).values(
                    batch_id=batch.batch_id, fill=0, tx_hash=bytes(32), operator=header.operator, lane=header.lane,
                    first_seq=header.first_seq, count=header.count, payer_count=header.payer_count,
                    set_fe_count=header.set_fe_count, total_fee_units=header.total_fee_units,
                    blob_count=header.blob_count, base_time=header.base_time,
                    attribution_method=header.attribution_method,
                    attribution_params_hash=header.attribution_params_hash, batch_commitment=batch.batch_commitment,
                    post_hash=post_hash(hashes), versioned_hashes=list(hashes), reserve_units=0,
                    committed_at=COMMITTED_AT, first_committed_at=COMMITTED_AT,
                    terms_from=COMMITTED_AT - 86_400, attested_at=COMMITTED_AT - 60, verdict="pending", **event,
                )
            )  # fmt: skip
            rows = [
                {"batch_id": batch.batch_id, "fill": 0, "position": p, "payer": c.payer, "amount_units": c.amount_units}
                for p, c in enumerate(batch.charges)
            ]
            session.execute(insert(Charge), [row | event for row in rows])


def committed(encoded: EncodedBatch, hashes: Sequence[bytes], batch_id: int) -> CommittedBatch:
    """The batch as its BatchCommitted event states it."""
    number = 1_000 + batch_id
    return CommittedBatch(
        batch_id=batch_id, fill=0, place=Place(CHAIN_ID, number, keccak256(number.to_bytes(8, "big")), 0),
        header=encoded.header, charges=encoded.charges, versioned_hashes=tuple(hashes),
        batch_commitment=batch_commitment(encoded.header, hashes, encoded.charges),
            terms_from=COMMITTED_AT - 86_400, first_committed_at=COMMITTED_AT,
    )  # fmt: skip


def write_registry(session: Session) -> None:
    """One model that admits four datasets, each with a payee, and the operator's price."""
    for asset_id in (MODEL, *DATASETS):
        kind = "model" if asset_id == MODEL else "dataset"
        event = place(1, asset_id)
        content = keccak256(asset_id.to_bytes(4, "big"))
        session.execute(
            insert(Asset).values(
                asset_id=asset_id, kind=kind, content_hash=content, registrant=bytes(20), uri="", **event
            )
        )
        session.execute(
            insert(Terms).values(
                asset_id=asset_id, version=1, effective_at=0, royalty_ppm=200_000, data_ppm=500_000, min_child_ppm=0,
                floor_input_price_units=0, floor_output_price_units=0, mode="operator", **event,
            )
        )  # fmt: skip
        session.execute(
            insert(EffectiveShare).values(
                asset_id=asset_id, version=1, position=0, payee=bytes([asset_id]) * 20, share=10**12, **event
            )
        )
    for position, dataset_id in enumerate(DATASETS):
        session.execute(
            insert(AdmittedDataset).values(
                asset_id=MODEL, version=1, position=position, dataset_id=dataset_id, **place(1, MODEL)
            )
        )
    session.execute(
        insert(Price).values(
            operator=b"\x0e" * 20, asset_id=MODEL, input_price_units=1_000, output_price_units=2_000, effective_at=0,
            **place(2, 0),
        )
    )  # fmt: skip
