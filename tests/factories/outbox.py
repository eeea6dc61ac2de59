"""The gateway's outbox as it would stand: lanes, signed receipts, payers' authorizations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from psycopg.types.json import Jsonb

from ledger.protocol.attribution import AttributionSet, attribution_hash
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of, sign
from tests.factories.repeating import repeating

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from coincurve import PrivateKey

    from ledger.chain.deployment import Deployment
    from tributary.devnet import Devnet


@dataclass(frozen=True)
class Use:
    """One answer: who paid how much for which asset, and whose data it drew on."""

    payer: bytes
    fee_units: int
    asset_id: int = 1
    attribution: AttributionSet = ()


@dataclass
class Outbox:
    """Writes what serving would have written, for one operator on one deployment."""

    database_url: str
    deployment: Deployment
    operator: bytes
    lane_key: PrivateKey
    started_at: int
    issued: dict[int, int] = field(default_factory=dict)
    """Receipts so far, by lane."""

    def issue(self, lane: int, uses: Sequence[Use], age_seconds: int = 0) -> list[Receipt]:
        """Signed receipts of the lane's next sequence numbers, issued that long ago."""
        first = self.issued.setdefault(lane, 0)
        receipts = [self._receipt(lane, first + offset, use) for offset, use in enumerate(uses)]
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO lanes (operator, lane, chain_id, ledger_address, next_seq, collected_seq, epoch, holder,"
                " database_identity) VALUES (%s, %s, %s, %s, %s, 0, 1, 'test', 'test')"
                " ON CONFLICT (operator, lane) DO UPDATE SET next_seq = excluded.next_seq",
                [self.operator, lane, self.deployment.l2.chain_id, self.deployment.l2.ledger, first + len(uses)],
            )
            with connection.cursor() as cursor:
                cursor.executemany(_INSERT, [self._row(r, u, age_seconds) for r, u in zip(receipts, uses, strict=True)])
        self.issued[lane] = first + len(uses)
        return receipts

    def authorize(
        self, payer: PrivateKey, cap_units: int, valid_until: int, signer: PrivateKey | None = None
    ) -> SpendAuthorization:
        """A stored authorization, signed by `signer` where that is not the payer."""
        authorization = SpendAuthorization(address_of(payer), self.operator, cap_units, valid_until)
        digest = authorization.digest(self.deployment.authorization_domain)
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO spend_authorizations (digest, payer, operator, cap_units, valid_until, signature, signer)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [
                    digest, authorization.payer, self.operator, cap_units, valid_until,
                    sign(digest, signer or payer), address_of(signer or payer),
                ],
            )  # fmt: skip
        return authorization

    def _receipt(self, lane: int, seq: int, use: Use) -> Receipt:
        return Receipt(
            operator=self.operator,
            lane=lane,
            seq=seq,
            payer=use.payer,
            asset_id=use.asset_id,
            request_hash=keccak256(b"request", bytes([lane]), seq.to_bytes(8)),
            response_hash=keccak256(b"response", bytes([lane]), seq.to_bytes(8)),
            input_units=5,
            output_units=7,
            fee_units=use.fee_units,
            attribution_hash=attribution_hash(use.attribution),
            started_at=self.started_at + seq % 60,
            duration_ms=900,
        )

    def _row(self, receipt: Receipt, use: Use, age_seconds: int) -> list[object]:
        digest = receipt.digest(self.deployment.receipt_domain)
        return [
            receipt.operator, receipt.lane, receipt.seq, f"request-{receipt.operator.hex()}-{receipt.lane}-{receipt.seq}", receipt.payer,
            receipt.asset_id, receipt.request_hash, receipt.response_hash, receipt.input_units, receipt.output_units,
            receipt.fee_units, receipt.attribution_hash, receipt.started_at, receipt.duration_ms, digest,
            sign(digest, self.lane_key), address_of(self.lane_key), bytes(32), bytes(32),
            Jsonb([list(entry) for entry in use.attribution]), age_seconds,
        ]  # fmt: skip


_INSERT = (
    "INSERT INTO issued_receipts (operator, lane, seq, request_id, payer, asset_id, request_hash, response_hash,"
    " input_units, output_units, fee_units, attribution_hash, started_at, duration_ms, digest, signature, signer, salt,"
    " body_sha256, attribution_set, outcome, finish_reason, model, issued_at) VALUES ("
    + ", ".join(["%s"] * 20)
    + ", 'complete', 'stop', 'model', now() - make_interval(secs => %s))"
)


def mining(devnet: Devnet, pause_seconds: float = 0.1) -> AbstractContextManager[None]:
    """Blocks on both chains, one after the other, until the block ends."""
    return repeating(devnet.mine, pause_seconds)
