"""Answers about the ledger as a whole."""

from __future__ import annotations

from pydantic import Field

from api.schemas.figures import AddressText, Figure, Model, ReadAt


class ChainIndex(Model):
    """How the index of one chain has fared."""

    chain_id: int
    indexed_block: int
    lag_seconds: int = Field(description="This server's clock less the newest indexed block's; chain clocks may differ")
    reorgs: int = Field(description="Times that blocks were rolled back")
    deepest_reorg_blocks: int


class Term(Model):
    """One term of the conservation identity: the sum of a bucket of the double-entry book."""

    term: str = Field(examples=["escrow"])
    contract: AddressText | None = Field(description="The contract that holds it; null for units that came or went")
    amount: Figure


class Conservation(Model):
    """What came in = what the contracts hold + what went out, each term summed from its own rows."""

    holds: bool = Field(description="Whether it holds at each of the three blocks")
    came_in: list[Term]
    held: list[Term]
    went_out: list[Term]
    total_in: Figure
    total_held: Figure
    total_out: Figure


class Batches(Model):
    """Batches as the index has them; each filling of a voided batch counts by itself."""

    open: int
    finalized: int
    voided: int
    unread: int = Field(description="Blobs still to be fetched and checked")
    invalid: int = Field(description="Blobs that break the protocol")
    receipts: int = Field(description="Receipts of valid batches")


class Findings(Model):
    rule: str
    times: int


class DeploymentFacts(Model):
    """What is fixed in the contracts."""

    l1_chain_id: int
    l2_chain_id: int
    contracts: dict[str, AddressText]
    protocol_payee: AddressText
    protocol_ppm: int
    attesters: list[AddressText]
    quorum: int
    token_decimals: int


class Status(Model):
    read_at: ReadAt
    chains: list[ChainIndex]
    conservation: Conservation
    batches: Batches
    posts_without_blobs: int = Field(description="Posts whose blobs no source has served yet")
    findings: list[Findings]
    deployment: DeploymentFacts


class Health(Model):
    status: str = Field(examples=["ok"])
