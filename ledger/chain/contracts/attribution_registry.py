"""AttributionRegistry (L2): who made what, and how a fee is divided."""

from collections.abc import Sequence
from typing import ClassVar, cast

from ledger.chain.blocks import At
from ledger.chain.contracts.binding import Contract
from ledger.chain.structs import Asset, ContributorList, EffectiveShare, Kind, Terms, TermsRules
from ledger.chain.transaction import Call


class AttributionRegistry(Contract):
    """One method per function of IAttributionRegistry."""

    abi_name: ClassVar[str] = "AttributionRegistry"

    def commit(self, commitment: bytes) -> Call:
        """Announce a registration: keccak256(abi.encode(registrant, kind, contentHash, salt))."""
        return self._write("commit", commitment)

    def register(self, kind: Kind, content_hash: bytes, salt: bytes, uri: str, terms: Terms) -> Call:
        """Register an asset with version 1 of its terms; the sender becomes the owner."""
        return self._write("register", kind, content_hash, salt, uri, terms)

    def propose_terms(self, asset_id: int, terms: Terms) -> Call:
        """Add the next version of an asset's terms, in force after the notice."""
        return self._write("proposeTerms", asset_id, terms)

    def transfer_ownership(self, asset_id: int, to: bytes) -> Call:
        """Offer an asset to a new owner."""
        return self._write("transferOwnership", asset_id, to)

    def accept_ownership(self, asset_id: int) -> Call:
        """Take an offered asset."""
        return self._write("acceptOwnership", asset_id)

    def open_contributors(self, root: bytes, count: int, total_weight: int) -> Call:
        """Commit to a contributor list; the sender becomes its publisher."""
        return self._write("openContributors", root, count, total_weight)

    def publish_contributors(self, list_id: int, rows: Sequence[bytes]) -> Call:
        """Publish the next rows of a list; with the last of them it is complete."""
        return self._write("publishContributors", list_id, tuple(rows))

    def contributor_list(self, list_id: int, at: At) -> ContributorList:
        """How far a list is published; reverts with ContributorsListUnknown if there is none."""
        return cast("ContributorList", self._read("contributorList", at, list_id))

    def contributor_list_count(self, at: At) -> int:
        """The newest list's id; ids are 1 to this."""
        return cast("int", self._read("contributorListCount", at))

    def contributors_payee(self, list_id: int, at: At) -> bytes:
        """The address by which terms name a list."""
        return cast("bytes", self._read("contributorsPayee", at, list_id))

    def asset_id_of(self, content_hash: bytes, at: At) -> int:
        """The asset registered for this content, or 0."""
        return cast("int", self._read("assetIdOf", at, content_hash))

    def kind_of(self, asset_id: int, at: At) -> Kind:
        """What an asset is; NONE if there is no such asset."""
        return Kind(self._read("kindOf", at, asset_id))

    def kinds_of(self, asset_ids: Sequence[int], at: At) -> list[Kind]:
        """What each of these assets is, in order, asked together."""
        return [Kind(kind) for kind in self._read_many("kindOf", at, [(asset_id,) for asset_id in asset_ids])]

    def asset(self, asset_id: int, at: At) -> Asset:
        """The asset; reverts with RegistryAssetUnknown if there is none."""
        return cast("Asset", self._read("asset", at, asset_id))

    def asset_count(self, at: At) -> int:
        """The newest asset's id; ids are 1 to this."""
        return cast("int", self._read("assetCount", at))

    def terms_version_at(self, asset_id: int, time: int, at: At) -> int:
        """The version in force at `time`; 1 for an earlier time."""
        return cast("int", self._read("termsVersionAt", at, asset_id, time))

    def terms(self, asset_id: int, version: int, at: At) -> Terms:
        """A version's terms."""
        return cast("Terms", self._read("terms", at, asset_id, version))

    def terms_effective_at(self, asset_id: int, version: int, at: At) -> int:
        """Second at which a version comes into force."""
        return cast("int", self._read("termsEffectiveAt", at, asset_id, version))

    def terms_rules(self, asset_id: int, version: int, at: At) -> TermsRules:
        """What prices and sets are judged by, without the version's lists."""
        return TermsRules(*self._read("termsRules", at, asset_id, version))

    def admits(self, asset_id: int, version: int, dataset_id: int, at: At) -> bool:
        """Whether a version admits a dataset."""
        return cast("bool", self._read("admits", at, asset_id, version, dataset_id))

    def effective_shares(self, asset_id: int, version: int, at: At) -> tuple[EffectiveShare, ...]:
        """A version's frozen shares, in units of 1e-12; they sum to 1e12."""
        return cast("tuple[EffectiveShare, ...]", self._read("effectiveShares", at, asset_id, version))

    def committed_at(self, commitment: bytes, at: At) -> int:
        """Second at which a waiting commitment was made, or 0."""
        return cast("int", self._read("committedAt", at, commitment))
