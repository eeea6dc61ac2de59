"""What a registration will do, said before anything is sent: content, shares, what a fee earns whom, costs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ledger.chain.structs import Kind
from ledger.errors import ContractRevertedError, UsageError
from ledger.protocol import entitlement
from ledger.protocol.contributors import is_list_payee
from ledger.protocol.hexadecimal import checksum_address, to_hex
from ledger.protocol.units import PPM, SHARE_ONE
from tributary.registration.costs import estimate_costs

if TYPE_CHECKING:
    from ledger.chain.blocks import BlockRef
    from ledger.chain.contracts.attribution_registry import AttributionRegistry
    from ledger.protocol.entitlement import EffectiveShare
    from tributary.registration.costs import Costs
    from tributary.registration.draft import Draft

_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Preview:
    """A draft worked out against the chain as it is now."""

    draft: Draft
    shares: tuple[EffectiveShare, ...]
    """As the registry will freeze them; a list that is not published yet has id 0."""
    protocol_ppm: int
    fee_units: int
    """The example's fee."""
    costs: Costs

    @property
    def royalty_units(self) -> Fraction:
        """What of the example's fee is royalty; for a dataset, the part of a royalty that falls to it."""
        royalty_ppm = PPM if self.draft.kind == Kind.DATASET else self.draft.file.royalty_ppm
        return Fraction(self.fee_units * royalty_ppm, PPM)

    def earned(self) -> list[tuple[str, Fraction]]:
        """(who, base units) of the example's fee, every part of it."""
        lines = [(self._name(s.payee), self.royalty_units * Fraction(s.share, SHARE_ONE)) for s in self.shares]
        if self.draft.kind == Kind.DATASET:
            return lines
        protocol = Fraction(self.fee_units * self.protocol_ppm, PPM)
        return [("protocol", protocol), ("operator", self.fee_units - protocol - self.royalty_units), *lines]

    def _name(self, payee: bytes) -> str:
        return payee_name(payee, len(self.draft.crowd))

    def to_json(self) -> dict[str, Any]:
        """For --json. Amounts are decimal strings; `exact` parts are fractions of a base unit."""
        draft, costs = self.draft, self.costs
        return {
            "kind": draft.kind.name.lower(),
            "content_hash": to_hex(draft.content.content_hash),
            "files": draft.content.files,
            "size_bytes": draft.content.size_bytes,
            "owner": checksum_address(draft.owner),
            "uri": draft.file.registered_uri,
            "royalty_ppm": draft.file.royalty_ppm,
            "contributors": None if not draft.crowd else {
                "root": to_hex(draft.root), "count": len(draft.crowd), "total_weight": str(draft.total_weight),
            },
            "effective_shares": [{"payee": checksum_address(s.payee), "share": s.share} for s in self.shares],
            "example": {
                "fee_units": str(self.fee_units),
                "earned": [{"who": who, "units": amount_text(amount)} for who, amount in self.earned()],
            },
            "transactions": [
                {"name": step.name, "gas": step.gas, "l1_fee_wei": str(step.l1_fee_wei)} for step in costs.steps
            ],
            "gas_price_wei": str(costs.gas_price_wei),
            "cost_wei": str(costs.total_wei),
        }  # fmt: skip


def make_preview(
    registry: AttributionRegistry,
    draft: Draft,
    list_id: int | None,
    protocol_ppm: int,
    fee_units: int,
    latest: BlockRef,
) -> Preview:
    """The preview. What the registry would refuse is refused here, before anything is paid for.

    Raises:
        UsageError: a parent is no asset, or the registry would refuse the terms.
    """
    try:
        shares = flattened(registry, draft, list_id, latest)
        costs = estimate_costs(registry, draft, list_id, latest)
    except ContractRevertedError as error:
        raise UsageError(explained(error)) from error
    return Preview(draft, shares, protocol_ppm, fee_units, costs)


def flattened(
    registry: AttributionRegistry, draft: Draft, list_id: int | None, latest: BlockRef
) -> tuple[EffectiveShare, ...]:
    """Effective shares as the registry would freeze them in the latest block."""
    terms = draft.terms(list_id or 0)
    if sum(parent.ppm for parent in terms.parents) > PPM:
        raise UsageError("The parents' parts add up to more than 1,000,000 parts per million.")
    parents = []
    for parent in terms.parents:
        version = registry.terms_version_at(parent.asset_id, latest.timestamp, "latest")
        shares = registry.effective_shares(parent.asset_id, version, "latest")
        parents.append((parent.ppm, [entitlement.EffectiveShare(s.payee, s.share) for s in shares]))
    return entitlement.flatten([entitlement.Share(s.payee, s.ppm) for s in terms.split], parents)


def payee_name(payee: bytes, contributors: int) -> str:
    """A payee as a person reads it."""
    if not is_list_payee(payee):
        return checksum_address(payee)
    list_id = int.from_bytes(payee[-4:])
    return f"contributor list {list_id}" if list_id else f"{contributors:,} contributors"


def amount_text(amount: Fraction) -> str:
    """Base units with up to six decimals, cut off, not rounded: what is shown is never more than what is owed."""
    whole, rest = divmod(amount.numerator, amount.denominator)
    digits = str(rest * 10**_DECIMALS // amount.denominator).rjust(_DECIMALS, "0").rstrip("0")
    return f"{whole:,}.{digits}" if digits else f"{whole:,}"


REASONS = {
    "RegistryAssetUnknown": "There is no asset {assetId} in this registry.",
    "RegistryModelParents": "An adapter has exactly one model among its parents, not {count}; name it with --parents.",
    "RegistryParentBelowLeast": "Asset {parentId} asks {leastPpm:,} parts per million of its children's royalty; "
    "these terms leave it {ppm:,} for certain (in mode operator, data_ppm comes off its part).",
    "RegistryPpmTooHigh": "A share of {ppm:,} parts per million is above the {limit:,} that the registry allows.",
    "RegistryTooMany": "These terms come to {count} entries where the registry allows {limit}.",
    "RegistryTooDeep": "This would be generation {depth} of a lineage; the registry allows {limit}.",
    "RegistryParentRepeated": "Asset {parentId} stands twice among the parents.",
    "RegistryNotDataset": "Asset {assetId} is no dataset, so no attribution set can name it.",
    "ContributorsIncomplete": "The payee {payee} belongs to a contributor list that is not complete.",
}


def explained(error: ContractRevertedError) -> str:
    """The registry's refusal as a person says it."""
    reason = REASONS.get(error.error_name or "")
    if reason is None:
        return str(error)
    operands = {name: to_hex(v) if isinstance(v, bytes) else v for name, v in error.operands.items()}
    return reason.format(**operands)
