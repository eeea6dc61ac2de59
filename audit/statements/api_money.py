"""What the API shows of terms, earnings, payments and the conservation identity, compared with what was read."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from audit.chain.assets import BY_OPERATOR, Asset, Terms
from audit.chain.lists import Lists
from audit.difference import Place
from audit.money.conservation import Conservation
from audit.statements.api import Api, Json, address, member
from ledger.protocol.units import ENTITLEMENT_ONE

TERMS: Final = {
    "came_in": {
        "payer_deposits_in": "payer_deposits", "operator_deposits_in": "operator_deposits", "bonds_in": "bonds",
        "demand_deposits_in": "demand_deposits", "direct_transfers_in": "direct_transfers",
    },
    "held": {
        "escrow": "escrow", "operator_deposits": "operator_deposits", "custody": "custody", "bonds": "bonds",
        "demand_deposits": "demand_deposits", "distributor": "distributor", "stray": "stray",
    },
    "went_out": {
        "payer_withdrawals": "payer_withdrawals", "operator_withdrawals": "operator_withdrawals",
        "bond_withdrawals": "bond_withdrawals", "challenger_rewards": "challenger_rewards", "burned": "burned",
        "demand_deposits_out": "demand_deposits", "paid_out": "paid_out",
    },
}  # fmt: skip
"""The API's name of each term of the identity, and the audit's."""


def compare_assets(api: Api, assets: Mapping[int, Asset], lists: Lists, through_block: int) -> None:
    """Every version of every asset's terms, with its effective shares and the contributors of its lists."""
    for asset_id, asset in sorted(assets.items()):
        shown = api.get(f"/v1/assets/{asset_id}")
        versions = [terms for terms in member(shown, "terms") if member(terms, "block") <= through_block]
        place = Place("api", f"asset {asset_id} in the API")
        api.compare(
            place, "versions", list(range(1, len(asset.terms) + 1)), sorted(member(t, "version") for t in versions)
        )
        by_number = {member(terms, "version"): terms for terms in versions}
        for terms in asset.terms:
            if terms.version not in by_number:
                continue
            found, place = (
                by_number[terms.version],
                Place("api", f"asset {asset_id}, version {terms.version} in the API"),
            )
            for name, expected in (
                ("effective_at", terms.effective_at),
                ("royalty_ppm", terms.royalty_ppm),
                ("data_ppm", terms.data_ppm),
                ("floor_input_price_units", terms.floor_input_price_units),
                ("floor_output_price_units", terms.floor_output_price_units),
                ("attribution_mode", "operator" if terms.mode == BY_OPERATOR else "fixed"),
                ("datasets", list(terms.datasets)),
            ):
                api.compare(place, name, expected, member(found, name))
            shares = [[address(s, "payee"), member(s, "share")] for s in member(found, "effective_shares")]
            api.compare(place, "effective_shares", [list(share) for share in terms.shares], shares)
            _compare_contributors_of(api, place, asset_id, terms, lists)


def _compare_contributors_of(api: Api, place: Place, asset_id: int, terms: Terms, lists: Lists) -> None:
    """Every contributor through the lists of one version, with weight and share, in the lists' order."""
    named = sorted((lists[payee].list_id, payee, share) for payee, share in terms.shares if payee in lists)
    expected = [
        [list_id, contributor, weight, part]
        for list_id, payee, share in named
        for (contributor, weight), (_, part) in zip(lists[payee].rows, lists[payee].divide(share), strict=True)
    ]
    shown = api.items(f"/v1/assets/{asset_id}/contributors", version=terms.version) if named else ()
    found = [
        [member(row, "list_id"), address(row, "contributor"), int(member(row, "weight")), member(row, "share")]
        for row in shown
    ]
    api.compare(place, "contributors", len(expected), len(found))
    for at, (ours, theirs) in enumerate(zip(expected, found, strict=False)):
        if not api.compare(place, f"contributor {at}", ours, theirs):
            return


def compare_contributors(api: Api, owed: Mapping[bytes, Fraction], paid: Mapping[bytes, int]) -> None:
    """What every payee earned and was paid through the API's finalised block; nobody is missing, nobody invented."""
    shown = {address(item, "address"): item for item in api.items("/v1/contributors")}
    earning = {payee: amount for payee, amount in owed.items() if amount}
    for payee in sorted(earning.keys() | shown.keys()):
        place = Place("api", f"contributor 0x{payee.hex()} in the API")
        item = shown.get(payee)
        if not api.compare(
            place, "line", "there" if payee in earning else "not there", "there" if item else "not there"
        ):
            continue
        amount = earning[payee]
        api.compare(place, "earned_numerator", int(amount * ENTITLEMENT_ONE), member(item, "earned_numerator"))
        api.compare(place, "earned.units", int(amount), member(item, "earned", "units"))
        api.compare(place, "paid.units", paid.get(payee, 0), member(item, "paid", "units"))


def compare_claimable(
    api: Api, payable: Mapping[int, Mapping[bytes, int]], paid: Mapping[bytes, int], payees: Mapping[bytes, Fraction]
) -> None:
    """What a claim would pay each payee now, where nothing has happened since the finalised block.

    Args:
        api: the API.
        payable: units owed to each payee by the newest roots, by root index.
        paid: units paid to each payee.
        payees: everybody who is owed anything.
    """
    for payee in sorted(payees):
        shown = api.get(f"/v1/contributors/0x{payee.hex()}")
        place = Place("api", f"contributor 0x{payee.hex()} in the API")
        figures = member(shown, "paid")
        api.compare(place, "paid.finalized.units", paid.get(payee, 0), member(figures, "finalized", "units"))
        exact = member(shown, "earned", "settled", "finalized", "numerator")
        api.compare(place, "earned.settled.finalized.numerator", int(payees[payee] * ENTITLEMENT_ONE), exact)
        root, claimable = member(shown, "root_index"), member(shown, "claimable")
        quiet = member(figures, "unsafe", "units") == member(figures, "finalized", "units")
        if claimable is not None and root in payable and quiet:
            due = payable[root].get(payee, 0) - paid.get(payee, 0)
            api.compare(place, "claimable.units", max(0, due), member(claimable, "units"))


def compare_conservation(api: Api, conservation: Conservation) -> None:
    """Every term of the identity at the API's finalised block."""
    shown = member(api.get("/v1/status"), "conservation")
    api.compare(Place("api", "status in the API"), "conservation.holds", expected=True, found=member(shown, "holds"))
    for side, names in TERMS.items():
        sums = _sums(member(shown, side))
        ours: Mapping[str, int] = getattr(conservation, side)
        place = Place("api", "status in the API")
        for theirs, name in names.items():
            api.compare(place, f"conservation.{side}.{theirs}", ours[name], sums.pop(theirs, 0))
        for other, units in sorted(sums.items()):
            api.compare(place, f"conservation.{side}.{other}", 0, units)


def _sums(terms: Json) -> dict[str, int]:
    """Each term's units at the finalised block, added up over contracts."""
    sums: dict[str, int] = {}
    for term in terms:
        name = member(term, "term")
        sums[name] = sums.get(name, 0) + int(member(term, "amount", "finalized", "units"))
    return sums
