"""Answers about batches and receipts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.finality import Finality
from api.schemas.costs import TransactionCost
from api.schemas.figures import AddressText, Amount, HashText, Model, ReadAt, Seconds, UnitsText

BatchStatus = Literal["open", "finalized", "voided"]
Verdict = Literal["pending", "valid", "invalid"]


class Closing(Model):
    """When a batch was finalised or voided."""

    at: Seconds
    finality: Finality
    block: int


class BatchLine(Model):
    """One filling of a batch; `fill` 0 is the first commit, each refill after a void the next."""

    batch_id: int
    fill: int
    operator: AddressText
    lane: int
    first_seq: int
    count: int = Field(description="Receipts in it")
    payer_count: int
    total_fee: Amount
    status: BatchStatus
    verdict: Verdict = Field(description="What its blobs are worth; `pending` until they are read")
    batch_commitment: HashText
    post_hash: HashText
    versioned_hashes: list[HashText]
    committed_at: Seconds
    first_committed_at: Seconds
    terms_from: Seconds = Field(
        description="A receipt's terms are those in force when it began, but not before this time nor after the first commit"
    )
    attested_at: Seconds | None = Field(
        description="L1 time of the post, by the L2 ledger's own record; null if it was committed before the L2 knew of one"
    )
    finalized: Closing | None
    voided: Closing | None


class Finding(Model):
    """A rule that was broken, with what a challenge needs."""

    fill: int
    rule: str
    voids: bool = Field(description="Whether the whole filling counts for nothing")
    challenge: str | None = Field(description="The fraud proof that fits")
    evidence: dict[str, Any]
    finality: Finality
    block: int


class Charge(Model):
    position: int
    payer: AddressText
    amount: Amount


class WeightedFee(Model):
    """Sum of fee x weight (ppm) over the receipts of one asset version that draw on one dataset version."""

    asset_id: int
    asset_version: int
    dataset_id: int | None = Field(description="Null: shared out by the asset's own terms")
    dataset_version: int | None
    weighted_fee_units: UnitsText = Field(description="In millionths of a base unit")
    receipts: int


class Post(Model):
    """The L1 transaction that carried the blobs last."""

    l1_chain_id: int
    l1_block: int
    l1_time: Seconds
    tx_hash: HashText
    finality: Finality


class Batch(BatchLine):
    """A batch with all that is known of it; older fillings beside it."""

    read_at: ReadAt
    set_fe_count: int
    blob_count: int
    base_time: Seconds
    attribution_method: HashText
    attribution_params_hash: HashText
    reserve: Amount = Field(description="The part of the operator's bond that answers for it")
    post: Post | None
    costs: list[TransactionCost] = Field(description="Its transactions and what they took")
    charges: list[Charge]
    sums: list[WeightedFee]
    findings: list[Finding]
    earlier_fillings: list[BatchLine]


class SetEntry(Model):
    asset_id: int = Field(description="0 stands for: by the terms' weights")
    ppm: int


class Place(Model):
    """Where in its blobs a receipt stands: field elements A (digest) and B (public fields)."""

    batch_id: int
    fill: int
    position: int
    versioned_hash_a: HashText
    index_a: int = Field(description="Index of A in its blob's 4096 field elements")
    versioned_hash_b: HashText
    index_b: int


class Receipt(Model):
    """The public fields of a receipt. Its hashes and signature are with the client and the operator."""

    operator: AddressText
    lane: int
    seq: int
    digest31: HashText = Field(description="First 31 bytes of the EIP-712 digest")
    payer: AddressText
    asset_id: int
    asset_version: int | None = Field(description="Version of the terms that count; null while pending")
    fee: Amount
    input_units: int
    output_units: int
    started_at: Seconds
    attribution_set: list[SetEntry]
    batch_status: BatchStatus | None = Field(description="Null while it is in no batch")
    place: Place | None = Field(description="Null while it is in no batch")


class ReceiptAnswer(Receipt):
    read_at: ReadAt
