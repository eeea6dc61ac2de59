"""The contracts' structs as frozen dataclasses, in the ABI's field order.

Those that the protocol hashes or signs are the protocol's own; the rest are defined here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.batch import BatchHeader, Charge
from ledger.protocol.distribution import Distribution


class Kind(IntEnum):
    """What an asset is."""

    NONE = 0
    MODEL = 1
    ADAPTER = 2
    DATASET = 3


class AttributionMode(IntEnum):
    """Whether an asset's receipts may carry attribution sets."""

    FIXED = 0
    OPERATOR = 1


class BatchStatus(IntEnum):
    """Where a batch is in its life; None if it was never committed."""

    NONE = 0
    OPEN = 1
    VOIDED = 2
    FINALIZED = 3


@dataclass(frozen=True, slots=True)
class Share:
    """A payee's part of an asset's own pot, in ppm."""

    payee: bytes
    ppm: int


@dataclass(frozen=True, slots=True)
class Parent:
    """An asset whose effective shares take `ppm` of this one."""

    asset_id: int
    ppm: int


@dataclass(frozen=True, slots=True)
class EffectiveShare:
    """A payee's part after parents are followed to the end, in units of 1e-12."""

    payee: bytes
    share: int


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of an asset's money rules. Floor prices are units per 1000 tokens."""

    royalty_ppm: int
    data_ppm: int
    min_child_ppm: int
    floor_input_price_units: int
    floor_output_price_units: int
    mode: int
    split: tuple[Share, ...]
    parents: tuple[Parent, ...]
    datasets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TermsRules:
    """Part of a version that prices and attribution sets are judged by."""

    floor_input_price_units: int
    floor_output_price_units: int
    mode: int
    dataset_count: int


@dataclass(frozen=True, slots=True)
class Asset:
    """A registered asset; `depth` is the greatest number of steps to an ancestor without parents."""

    kind: int
    depth: int
    version_count: int
    owner: bytes
    pending_owner: bytes
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class ContributorList:
    """A contributor list as far as it is published; complete when `published` is `count`."""

    publisher: bytes
    total_weight: int
    count: int
    published: int
    published_weight: int
    last: bytes
    root: bytes

    @property
    def complete(self) -> bool:
        """Whether terms can name it."""
        return self.published == self.count


@dataclass(frozen=True, slots=True)
class Bond:
    """An operator's stake; free of it is amount - reserved - withdrawing."""

    amount_units: int
    reserved_units: int
    withdrawing_units: int
    available_at: int


@dataclass(frozen=True, slots=True)
class Price:
    """Units per 1000 input and output units; `effective_at` is 0 if none was in force."""

    input_price_units: int
    output_price_units: int
    effective_at: int


@dataclass(frozen=True, slots=True)
class KeyActivity:
    """When a lane key was added (0: never) and revoked (0: not yet)."""

    added_at: int
    revoked_at: int


@dataclass(frozen=True, slots=True)
class Account:
    """A payer's account with one operator. A lowering of the cap is under way if `lowering_at` > 0."""

    balance_units: int
    collected_units: int
    cap_units: int
    valid_until: int
    thawing_units: int
    thaw_end: int
    lowered_cap_units: int
    lowered_valid_until: int
    lowering_at: int
    dead_valid_until: int
    debt_units: int


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """What the ledger keeps the hash of while a batch is open or voided.

    Attributes:
        terms_from: earliest second by which a receipt is judged.
        attested_at: L1 second of the blobs' post; 0 if the batch was committed unattested.
    """

    status: int
    operator: bytes
    lane: int
    first_seq: int
    count: int
    total_fee_units: int
    reserve_units: int
    first_committed_at: int
    committed_at: int
    terms_from: int
    attested_at: int
    batch_commitment: bytes


class DemandStatus(IntEnum):
    """Where a demand for a blob is in its life."""

    NONE = 0
    OPEN = 1
    ANSWERED = 2
    RETURNED = 3


@dataclass(frozen=True, slots=True)
class Demand:
    """A demand for one blob of one filling of a batch."""

    demander: bytes
    due_at: int
    status: int


@dataclass(frozen=True, slots=True)
class Root:
    """A submitted distribution root."""

    root: bytes
    total_cumulative_units: int
    through_l2_block: int
    activates_at: int
    disabled: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A payee's cumulative amount with its proof, for `claimMany`."""

    payee: bytes
    cumulative_units: int
    proof: tuple[bytes, ...]


STRUCTS: Final[dict[str, Callable[..., Any]]] = {
    "AccountView": Account,
    "Asset": Asset,
    "BatchHeader": BatchHeader,
    "BatchRecord": BatchRecord,
    "Bond": Bond,
    "Charge": Charge,
    "Claim": Claim,
    "Demand": Demand,
    "ContributorList": ContributorList,
    "Distribution": Distribution,
    "EffectiveShare": EffectiveShare,
    "KeyActivity": KeyActivity,
    "Parent": Parent,
    "Price": Price,
    "Root": Root,
    "Share": Share,
    "SpendAuthorization": SpendAuthorization,
    "Terms": Terms,
}
"""By the struct's name in Solidity; others are read as tuples."""
