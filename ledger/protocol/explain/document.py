"""The parts of an explain file, from the payout line down to the bytes in the blobs.

Source: docs/spec/explain.md.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from ledger.protocol.batch import BatchHeader
from ledger.protocol.explain.form import (
    Amount,
    Base64,
    Bytes20,
    Bytes31,
    Bytes32,
    Bytes48,
    Bytes65,
    Count,
    Part,
    Sealed,
)

PAYOUT_FORMAT: Final = "tributary/explain/1"
RECEIPT_FORMAT: Final = "tributary/receipt-proof/1"


class ChainPart(Sealed):
    """Which contracts the file speaks of, and the protocol's own share of every fee."""

    l2_chain_id: Count
    registry: Bytes20
    ledger: Bytes20
    distributor: Bytes20
    token: Bytes20
    protocol_payee: Bytes20
    protocol_ppm: Count


class Attestation(Sealed):
    """One attester's signature over the distribution."""

    attester: Bytes20
    signature: Bytes65


class DistributionPart(Sealed):
    """The root that pays, as its attesters signed it."""

    root_index: Count
    root: Bytes32
    total_cumulative: Amount
    through_l2_block: Count
    through_l2_block_hash: Bytes32
    data_hash: Bytes32
    attestations: list[Attestation]


class PayoutLine(Sealed):
    """What one payee has earned since the beginning; `numerator` is exact, over 10^30, and `remainder` what the floor left."""

    payee: Bytes20
    numerator: Amount
    cumulative: Amount
    remainder: Amount
    proof: list[Bytes32]


class SourceLine(Sealed):
    """What the payee earns of one kind of use: numerator = weightedFee x coefficient."""

    source: Literal["protocol", "operator", "royalty", "data"]
    operator: Bytes20
    asset_id: Count
    asset_version: Count
    dataset_id: Count
    dataset_version: Count
    weighted_fee: Amount
    coefficient: Amount
    numerator: Amount


class ShareLine(Sealed):
    """A payee's part of all that an asset version earns, in units of 1e-12."""

    payee: Bytes20
    share: Amount


class TermsPart(Sealed):
    """One version of an asset's terms."""

    asset_id: Count
    version: Count
    effective_at: Count
    royalty_ppm: Count
    data_ppm: Count
    mode: Literal["fixed", "operator"]
    datasets: list[Count]
    effective_shares: list[ShareLine]


class ListPart(Sealed):
    """A contributor list that terms name and the payee is on: every row (address, then weight), in order."""

    list_id: Count
    root: Bytes32
    rows: list[Bytes32]


class SumLine(Sealed):
    """Sum of fee x weight (ppm) over a batch's receipts of one asset version that draw on one dataset version."""

    asset_id: Count
    asset_version: Count
    dataset_id: Count
    dataset_version: Count
    weighted_fee: Amount


class ChargeLine(Sealed):
    """What the batch charged one payer."""

    payer: Bytes20
    amount: Amount


class HeaderPart(Sealed):
    """The header that the batch_commitment covers."""

    operator: Bytes20
    lane: Count
    first_seq: Count
    count: Count
    payer_count: Count
    set_fe_count: Count
    total_fee: Amount
    blob_count: Count
    base_time: Count
    attribution_method: Bytes32
    attribution_params_hash: Bytes32

    def header(self) -> BatchHeader:
        """As the protocol's own type."""
        return BatchHeader(
            operator=self.operator,
            lane=self.lane,
            first_seq=self.first_seq,
            count=self.count,
            payer_count=self.payer_count,
            set_fe_count=self.set_fe_count,
            total_fee_units=self.total_fee,
            blob_count=self.blob_count,
            base_time=self.base_time,
            attribution_method=self.attribution_method,
            attribution_params_hash=self.attribution_params_hash,
        )


class BlobPart(Sealed):
    """A whole blob with its proof: opens every position of it at once."""

    kzg_commitment: Bytes48
    proof: Bytes48
    blob: Base64


class OpeningPart(Sealed):
    """One field element: `element` of blob `blob_index` has value `value`."""

    blob_index: Count
    element: Count
    value: Bytes32
    kzg_commitment: Bytes48
    proof: Bytes48


class PlaceLine(Sealed):
    """A receipt in its batch: A_i stands at FE 2 + 2 x position, B_i one further."""

    position: Count
    digest31: Bytes31
    seq: Count
    payer: Bytes20
    asset_id: Count
    fee: Amount
    input_units: Count
    output_units: Count
    started_at: Count


class BatchPart(Sealed):
    """A finalised batch that the payee earned from, with what its blobs say.

    With `blobs`, the sums and every receipt follow from the file. With `openings`, only the running total and the
    sampled receipts do: the sums are then the index's word until somebody reads the blobs.
    """

    unsealed: ClassVar[frozenset[str]] = frozenset({"blobs"})

    batch_id: Count
    fill: Count
    first_committed_at: Count
    terms_from: Count
    finalized_l2_block: Count | None
    header: HeaderPart
    versioned_hashes: list[Bytes32]
    charges: list[ChargeLine]
    batch_commitment: Bytes32
    sums: list[SumLine]
    receipts: list[PlaceLine]
    blobs: list[BlobPart]
    openings: list[OpeningPart]


class PayoutFile(Part):
    """Why one payee is owed one amount: payout line, its sources, batches, receipts, terms, rounding, tree proof."""

    format: Literal["tributary/explain/1"]
    chain: ChainPart
    distribution: DistributionPart
    payout: PayoutLine
    sources: list[SourceLine]
    terms: list[TermsPart]
    lists: list[ListPart]
    batches: list[BatchPart]


class SignedPart(Part):
    """The receipt itself as its payer got it: the EIP-712 message and the lane key's signature."""

    receipt: dict[str, str | int]
    signer: Bytes20
    signature: Bytes65


class ReceiptFile(Part):
    """Where one receipt stands: its batch, and the elements that hold it, each with its opening."""

    format: Literal["tributary/receipt-proof/1"]
    chain: ChainPart
    batch: BatchPart
    place: PlaceLine
    signed: SignedPart | None
