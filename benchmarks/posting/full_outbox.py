"""An outbox that a busy gateway filled: signed receipts of ten payers, as many as make full batches."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

from benchmarks.core import FULL_BATCH as FULL
from benchmarks.core import FULL_BATCH_WITH_SETS as FULL_WITH_SETS
from benchmarks.onchain.world import PAYER_NAMES
from ledger.protocol.attribution import AttributionSet, SetEntry, attribution_hash
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of, sign
from ledger.protocol.units import fee_up
from tests.factories.operator_flow import INPUT_PRICE, OUTPUT_PRICE, key_of

if TYPE_CHECKING:
    from benchmarks.onchain.world import World

__all__ = ["COLUMNS", "FULL", "FULL_WITH_SETS", "FullOutbox"]

LANE = 0
COLUMNS = (
    "operator, lane, seq, request_id, payer, asset_id, request_hash, response_hash, input_units, output_units, fee_units,"
    " attribution_hash, started_at, duration_ms, digest, signature, signer, salt, body_sha256, attribution_set, outcome,"
    " finish_reason, model"
)


@dataclass
class FullOutbox:
    """The operator's lane 0 in a database, and how many receipts it was given so far."""

    stage: World
    url: str
    issued: int = 0
    payers: list[bytes] = field(default_factory=lambda: [address_of(key_of(name)) for name in PAYER_NAMES])

    def fill(self, batches: int, *, with_sets: bool) -> None:
        """Issue the receipts of so many full batches."""
        count = batches * (FULL_WITH_SETS if with_sets else FULL)
        operator, deployment = self.stage.flow.operator.address, self.stage.flow.deployment
        started_at, signer = self.stage.flow.devnet.now() - 3600, address_of(self.stage.flow.lane_key)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO lanes (operator, lane, chain_id, ledger_address, next_seq, collected_seq, epoch, holder,"
                " database_identity) VALUES (%s, %s, %s, %s, %s, 0, 1, 'benchmark', 'benchmark')"
                " ON CONFLICT (operator, lane) DO UPDATE SET next_seq = excluded.next_seq",
                [operator, LANE, deployment.l2.chain_id, deployment.l2.ledger, self.issued + count],
            )
            with (
                connection.cursor() as cursor,
                cursor.copy(f"COPY issued_receipts ({COLUMNS}) FROM STDIN") as copy,
            ):
                for seq in range(self.issued, self.issued + count):
                    copy.write_row(self._row(seq, started_at, signer, with_sets=with_sets))
        self.issued += count

    def _row(self, seq: int, started_at: int, signer: bytes, *, with_sets: bool) -> tuple[object, ...]:
        chosen = self._set(seq % FULL_WITH_SETS) if with_sets else ()
        inputs, outputs = 40 + seq % 900, 60 + seq % 400
        receipt = Receipt(
            operator=self.stage.flow.operator.address, lane=LANE, seq=seq, payer=self.payers[seq % len(self.payers)],
            asset_id=self.stage.model, request_hash=secrets.token_bytes(32), response_hash=secrets.token_bytes(32),
            input_units=inputs, output_units=outputs, fee_units=fee_up(inputs, outputs, INPUT_PRICE, OUTPUT_PRICE),
            attribution_hash=attribution_hash(chosen), started_at=started_at + seq % 1800, duration_ms=900,
        )  # fmt: skip
        digest = receipt.digest(self.stage.flow.deployment.receipt_domain)
        return (
            receipt.operator, LANE, seq, f"request-{seq}", receipt.payer, receipt.asset_id, receipt.request_hash,
            receipt.response_hash, inputs, outputs, receipt.fee_units, receipt.attribution_hash, receipt.started_at,
            receipt.duration_ms, digest, sign(digest, self.stage.flow.lane_key), signer, bytes(32), bytes(32),
            json.dumps([list(entry) for entry in chosen]), "complete", "stop", "model",
        )  # fmt: skip

    def _set(self, n: int) -> AttributionSet:
        weights = (n + 1, 250_000, 250_000, 499_999 - n)
        return tuple(SetEntry(dataset, ppm) for dataset, ppm in zip(self.stage.datasets, weights, strict=True))
