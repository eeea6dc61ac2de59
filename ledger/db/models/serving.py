"""Tables of the gateway: lanes, open requests, issued receipts (the outbox), payers' caps and keys.

One writer: `serving`. Everything here is authored (it cannot be rebuilt from a chain). `issued_receipts` and
`spend_authorizations` are append-only; the batcher reads both and writes neither.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base
from ledger.db.types import (
    Address,
    AssetId,
    BlockNumber,
    ChainId,
    ChainSeconds,
    FixedBytes,
    Hash32,
    RangedInteger,
    Sequence64,
    SignedUnits,
    UnitCount,
    Units,
)
from ledger.db.types import Lane as LaneNumber

OUTCOMES = ("complete", "client_disconnect", "engine_error", "undelivered", "recovered")
"""How a request ended: answered; cut off by its client; failed; never delivered; found open after a crash."""

AnyTime = TIMESTAMP(timezone=True)

_NO_HASH = text(r"'\x" + "00" * 32 + "'")
_SPENDABLE = (
    "LEAST(balance_units - thawing_units - debt_units, cap_units - collected_units) - uncollected_units - held_units"
)


class Lane(Base):
    """One gapless sequence of receipts, and the fence around it. Written by `serving`.

    `epoch` rises each time a gateway takes the lane; every write of a gateway names its epoch, so that one that was
    replaced can neither open a request nor issue a receipt. `next_seq` rises in the transaction that inserts the
    receipts. `collected_seq` is ReceiptLedger.nextSeq in the safe block that `spend_accounts` reflect: receipts below
    it are charged on chain, receipts from it on are `uncollected_units`.
    """

    __tablename__ = "lanes"
    __table_args__ = (CheckConstraint("collected_seq <= next_seq", name="collected_seq_order"),)

    operator: Mapped[Address] = mapped_column(primary_key=True)
    lane: Mapped[LaneNumber] = mapped_column(primary_key=True)
    chain_id: Mapped[ChainId] = mapped_column()
    ledger_address: Mapped[Address] = mapped_column()
    next_seq: Mapped[Sequence64] = mapped_column()
    collected_seq: Mapped[Sequence64] = mapped_column()
    epoch: Mapped[Sequence64] = mapped_column()
    holder: Mapped[str] = mapped_column(Text)
    database_identity: Mapped[str] = mapped_column(Text)
    closed: Mapped[bool] = mapped_column(server_default=text("false"))


class Intent(Base):
    """A request whose answer may have begun; its row goes when its receipt is inserted. Written by `serving`.

    `output_units` and `response_hash` are the checkpoint: what is known to have left the process.
    """

    __tablename__ = "intents"
    __table_args__ = (
        ForeignKeyConstraint(["operator", "lane"], ["lanes.operator", "lanes.lane"]),
        # Recovery reads the requests that an earlier holder of the lane left open.
        Index("ix_intents_operator_lane_epoch", "operator", "lane", "epoch"),
        {"postgresql_with": {"fillfactor": "70"}},  # checkpoints update rows in place
    )

    request_id: Mapped[str] = mapped_column(Text, primary_key=True)
    operator: Mapped[Address] = mapped_column()
    lane: Mapped[LaneNumber] = mapped_column()
    epoch: Mapped[Sequence64] = mapped_column()
    payer: Mapped[Address] = mapped_column()
    key_id: Mapped[str] = mapped_column(Text)
    asset_id: Mapped[AssetId] = mapped_column()
    model: Mapped[str] = mapped_column(Text)
    exposure_units: Mapped[Units] = mapped_column()
    input_price_units: Mapped[Units] = mapped_column()
    output_price_units: Mapped[Units] = mapped_column()
    input_units: Mapped[UnitCount] = mapped_column()
    output_units: Mapped[UnitCount] = mapped_column()
    request_hash: Mapped[Hash32] = mapped_column()
    response_hash: Mapped[Hash32] = mapped_column()
    salt: Mapped[Hash32] = mapped_column()
    body_sha256: Mapped[Hash32] = mapped_column()
    started_at: Mapped[ChainSeconds] = mapped_column()
    checkpoint_ms: Mapped[int] = mapped_column(RangedInteger(2**32 - 1))


class IssuedReceipt(Base):
    """A signed receipt: the outbox that the batcher reads in order of `seq`. Append-only; written by `serving`."""

    __tablename__ = "issued_receipts"
    __table_args__ = (
        ForeignKeyConstraint(["operator", "lane"], ["lanes.operator", "lanes.lane"]),
        CheckConstraint(f"outcome IN ({', '.join(repr(o) for o in OUTCOMES)})", name="outcome_known"),
        # A retry, and GET /v1/receipts/{id}, find the one receipt of a request.
        Index("uq_issued_receipts_request_id", "request_id", unique=True),
    )

    operator: Mapped[Address] = mapped_column(primary_key=True)
    lane: Mapped[LaneNumber] = mapped_column(primary_key=True)
    seq: Mapped[Sequence64] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(Text)
    payer: Mapped[Address] = mapped_column()
    asset_id: Mapped[AssetId] = mapped_column()
    request_hash: Mapped[Hash32] = mapped_column()
    response_hash: Mapped[Hash32] = mapped_column()
    input_units: Mapped[UnitCount] = mapped_column()
    output_units: Mapped[UnitCount] = mapped_column()
    fee_units: Mapped[Units] = mapped_column()
    attribution_hash: Mapped[Hash32] = mapped_column()
    started_at: Mapped[ChainSeconds] = mapped_column()
    duration_ms: Mapped[int] = mapped_column(RangedInteger(2**32 - 1))
    digest: Mapped[Hash32] = mapped_column()
    signature: Mapped[bytes] = mapped_column(FixedBytes(65))
    signer: Mapped[Address] = mapped_column()
    salt: Mapped[Hash32] = mapped_column()
    body_sha256: Mapped[Hash32] = mapped_column()
    attribution_set: Mapped[list[list[int]]] = mapped_column(JSONB)
    attribution_method: Mapped[Hash32] = mapped_column(server_default=_NO_HASH)
    attribution_params_hash: Mapped[Hash32] = mapped_column(server_default=_NO_HASH)
    outcome: Mapped[str] = mapped_column(Text)
    finish_reason: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())


class UnlicensedUse(Base):
    """A passage of a registered dataset in an answer whose asset's terms do not admit that dataset.

    Evidence for its owner, as the gateway saw it when it answered. Append-only; written by `serving`. It names the
    owner's own words (file and offset) and nothing else of the answer.
    """

    __tablename__ = "unlicensed_uses"
    __table_args__ = (
        # An owner asks for the newest uses of a dataset.
        Index("ix_unlicensed_uses_dataset_id_noted_at", "dataset_id", "noted_at"),
    )

    request_id: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(RangedInteger(2**15 - 1), primary_key=True)
    asset_id: Mapped[AssetId] = mapped_column()
    dataset_id: Mapped[AssetId] = mapped_column()
    path: Mapped[str] = mapped_column(Text)
    byte_offset: Mapped[BlockNumber] = mapped_column()
    words: Mapped[int] = mapped_column(RangedInteger(2**31 - 1))
    millibits: Mapped[int] = mapped_column(RangedInteger(2**31 - 1))
    noted_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())


class AuditConsentRow(Base):
    """A payer's consent that drawn exchanges may be opened to attesters. Append-only; written by `serving`."""

    __tablename__ = "audit_consents"

    digest: Mapped[Hash32] = mapped_column(primary_key=True)
    payer: Mapped[Address] = mapped_column()
    operator: Mapped[Address] = mapped_column()
    valid_from: Mapped[ChainSeconds] = mapped_column()
    valid_until: Mapped[ChainSeconds] = mapped_column()
    signature: Mapped[bytes] = mapped_column(FixedBytes(65))
    received_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())


class KeptExchange(Base):
    """A request and its answer of a payer that consented, until the draw is over. Written and swept by `serving`."""

    __tablename__ = "kept_exchanges"
    __table_args__ = (Index("ix_kept_exchanges_expires_at", "expires_at"),)

    request_id: Mapped[str] = mapped_column(Text, primary_key=True)
    request: Mapped[bytes] = mapped_column(LargeBinary)
    produced: Mapped[bytes] = mapped_column(LargeBinary)
    parameters: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(AnyTime)


class SpendAuthorizationRow(Base):
    """A payer's signed cap, as it can be submitted to the PaymentEscrow. Append-only; written by `serving`."""

    __tablename__ = "spend_authorizations"
    # The batcher and the gateway both ask for a payer's highest cap.
    __table_args__ = (Index("ix_spend_authorizations_operator_payer_cap", "operator", "payer", "cap_units"),)

    digest: Mapped[Hash32] = mapped_column(primary_key=True)
    payer: Mapped[Address] = mapped_column()
    operator: Mapped[Address] = mapped_column()
    cap_units: Mapped[Units] = mapped_column()
    valid_until: Mapped[ChainSeconds] = mapped_column()
    signature: Mapped[bytes] = mapped_column(FixedBytes(65))
    signer: Mapped[Address] = mapped_column()
    received_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())


class SpendAccount(Base):
    """What one payer may still spend with one operator. Written by `serving`.

    `spendable_units` = least of (balance - thawing - debt) and (cap - collected), minus uncollected, minus held.
    The first four come from the PaymentEscrow in safe block `block_number`, the cap from there or from a higher
    stored authorization; `uncollected_units` = fees of issued receipts from each lane's `collected_seq` on;
    `held_units` = exposure of open intents. The last two change only in the transactions that open and close requests
    or move `collected_seq`.
    """

    __tablename__ = "spend_accounts"

    operator: Mapped[Address] = mapped_column(primary_key=True)
    payer: Mapped[Address] = mapped_column(primary_key=True)
    balance_units: Mapped[Units] = mapped_column()
    thawing_units: Mapped[Units] = mapped_column()
    debt_units: Mapped[Units] = mapped_column()
    collected_units: Mapped[Units] = mapped_column()
    cap_units: Mapped[Units] = mapped_column()
    valid_until: Mapped[ChainSeconds] = mapped_column()
    uncollected_units: Mapped[Units] = mapped_column()
    held_units: Mapped[Units] = mapped_column()
    spendable_units: Mapped[SignedUnits] = mapped_column(Computed(_SPENDABLE))
    block_number: Mapped[BlockNumber] = mapped_column()


class ApiKey(Base):
    """A bearer key of a payer; only its SHA-256 is kept. Written by `serving`."""

    __tablename__ = "api_keys"
    __table_args__ = (
        # Every request is looked up by what it carries.
        Index("uq_api_keys_key_hash", "key_hash", unique=True),
        # A spend authorization buys at most one key.
        Index("uq_api_keys_authorization_digest", "authorization_digest", unique=True),
    )

    key_id: Mapped[str] = mapped_column(Text, primary_key=True)
    key_hash: Mapped[Hash32] = mapped_column()
    payer: Mapped[Address] = mapped_column()
    operator: Mapped[Address] = mapped_column()
    authorization_digest: Mapped[Hash32 | None] = mapped_column(FixedBytes(32))
    label: Mapped[str] = mapped_column(Text, server_default=text("''"))
    created_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())
    revoked_at: Mapped[datetime | None] = mapped_column(AnyTime)


class StoredAnswer(Base):
    """The answer to a request that carried an Idempotency-Key, until `expires_at`. Written by `serving`."""

    __tablename__ = "stored_answers"
    # The sweep deletes by age.
    __table_args__ = (Index("ix_stored_answers_expires_at", "expires_at"),)

    request_id: Mapped[str] = mapped_column(Text, primary_key=True)
    status: Mapped[int] = mapped_column(RangedInteger(599, 100))
    streamed: Mapped[bool] = mapped_column()
    body: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(AnyTime)
