"""Answers about what putting receipts on chain takes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.finality import Finality
from api.schemas.figures import HashText, Model, ReadAt

Purpose = Literal["post", "commit", "finalize"]
WeiText = Annotated[str, Field(description="Wei, as a decimal string", examples=["21000000000000"])]
RatioText = Annotated[str, Field(description="Decimal, two places, rounded half up", examples=["41.67"])]


class TransactionCost(Model):
    """A transaction of a batch; null until a node has told what it took. Gas stands in no log: it is the node's word."""

    purpose: Purpose = Field(description="`post` is on L1, the others are on L2")
    chain_id: int
    block: int
    tx_hash: HashText
    gas_used: int | None
    blob_gas_used: int | None
    fee_wei: WeiText | None = Field(description="All that its sender paid: gas, blob gas, and an OP Stack L2's L1 fee")
    finality: Finality = Field(description="Of its block, on its own chain")


class PurposeCost(Model):
    """All transactions of one purpose together; one that served several batches counts once."""

    purpose: Purpose
    transactions: int
    gas_used: int
    blob_gas_used: int
    fee_wei: WeiText


class PerReceipt(Model):
    """What one receipt took, on average over the batches counted."""

    posted_bytes: RatioText = Field(description="Blobs are posted whole: 131,072 bytes each")
    used_bytes: RatioText = Field(description="32 bytes for each field element that holds something")
    l1_gas: RatioText = Field(description="Execution gas of posting")
    l1_blob_gas: RatioText
    l2_gas: RatioText = Field(description="Of committing and finalising; attestations from L1 are paid there")


class Costs(Model):
    """Gas and bytes of the newest batches that are final and valid and whose transactions are all told."""

    read_at: ReadAt
    batches: int = Field(description="Batches counted, at most 100")
    batches_untold: int = Field(description="Of the newest final ones, those whose gas no node has told yet")
    receipts: int
    blobs: int = Field(description="Blobs that they posted on L1; those behind an Alt-DA server are not there")
    posted_bytes: int
    used_bytes: int
    spending: list[PurposeCost]
    per_receipt: PerReceipt | None = Field(description="Null while no batch is counted")
