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
