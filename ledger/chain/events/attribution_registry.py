"""What AttributionRegistry (L2) emits."""

from dataclasses import dataclass

from ledger.chain.structs import EffectiveShare, Terms


@dataclass(frozen=True, slots=True)
class AssetCommitted:
    """A registration was announced."""

    commitment: bytes
    registrant: bytes


@dataclass(frozen=True, slots=True)
class AssetRegistered:
    """An asset was registered."""

    asset_id: int
    kind: int
    content_hash: bytes
    owner: bytes
    uri: str


@dataclass(frozen=True, slots=True)
class TermsRegistered:
    """A version of an asset's terms, in force from `effective_at`, with its frozen shares."""

    asset_id: int
    version: int
    effective_at: int
    terms: Terms
    effective_shares: tuple[EffectiveShare, ...]


@dataclass(frozen=True, slots=True)
class OwnershipTransferStarted:
    """An asset was offered to a new owner."""

    asset_id: int
    previous_owner: bytes
    new_owner: bytes


@dataclass(frozen=True, slots=True)
class OwnershipTransferred:
    """The new owner took it."""

    asset_id: int
    previous_owner: bytes
    new_owner: bytes


@dataclass(frozen=True, slots=True)
class ContributorsOpened:
    """A contributor list was committed to."""

    list_id: int
    publisher: bytes
    root: bytes
    count: int
    total_weight: int


@dataclass(frozen=True, slots=True)
class ContributorsPublished:
    """Rows of a contributor list, from position `first` on; the rows before them weigh `weight_before`."""

    list_id: int
    first: int
    weight_before: int
    rows: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ContributorsCompleted:
    """Every row of a list is published and fits what was committed to."""

    list_id: int
