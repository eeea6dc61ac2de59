"""Before the first request: assets and their terms, the operator's bond, key and prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_abi.abi import encode

from ledger.chain.structs import AttributionMode, Kind, Parent, Share, Terms
from ledger.protocol.contributors import Contributor, check_list, contributors_root, list_payee, row_of
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import PPM
from tributary.demo import cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tributary.demo.cast import Actor, AssetTerms
    from tributary.demo.catalogue import CatalogueAsset
    from tributary.demo.chains import Chains

COMMIT_MIN_AGE_SECONDS = 60
LANE = 0


def register_assets(chains: Chains, assets: Sequence[CatalogueAsset]) -> dict[str, int]:
    """Registers every asset by commit and reveal, parents before children; asset ids by name."""
    chains.fund({asset.owner.address: asset.owner for asset in assets}.values())
    registry = chains.contracts.registry
    salts = {asset.name: keccak256(b"salt ", asset.name.encode()) for asset in assets}
    chains.send([(a.owner, registry.commit(_commitment(a, salts[a.name]))) for a in assets])
    lists = {asset.name: publish_crowd(chains, asset) for asset in assets if asset.terms.crowd}
    chains.devnet.advance(COMMIT_MIN_AGE_SECONDS)
    ids: dict[str, int] = {}
    for kind in (Kind.DATASET, Kind.MODEL, Kind.ADAPTER):
        group = [asset for asset in assets if asset.kind == kind]
        chains.send(
            [
                (a.owner, registry.register(kind, a.content_hash, salts[a.name], a.uri, terms))
                for a in group
                for terms in (terms_of(a.terms, ids, lists.get(a.name)),)
            ]
        )
        ids |= {a.name: registry.asset_id_of(a.content_hash, "latest") for a in group}
    return ids


def publish_crowd(chains: Chains, asset: CatalogueAsset) -> bytes:
    """Publishes a datanet's contributors; the payee address that stands for them."""
    registry = chains.contracts.registry
    crowd = check_list(Contributor(actor.address, weight) for actor, weight in asset.terms.crowd)
    opening = registry.open_contributors(contributors_root(crowd), len(crowd), sum(weight for _, weight in crowd))
    chains.send([(asset.owner, opening)])
    list_id = registry.contributor_list_count("latest")
    chains.send([(asset.owner, registry.publish_contributors(list_id, [row_of(one) for one in crowd]))])
    return list_payee(list_id)


def _commitment(asset: CatalogueAsset, salt: bytes) -> bytes:
    types = ["address", "uint8", "bytes32", "bytes32"]
    return keccak256(encode(types, [asset.owner.address, int(asset.kind), asset.content_hash, salt]))


def terms_of(terms: AssetTerms, ids: Mapping[str, int], crowd: bytes | None) -> Terms:
    """The contract's form of terms that name actors and assets; a list has what the actors leave."""
    split = [Share(actor.address, ppm) for actor, ppm in terms.split]
    if crowd is not None:
        split.append(Share(crowd, PPM - sum(share.ppm for share in split)))
    return Terms(
        royalty_ppm=terms.royalty_ppm,
        data_ppm=terms.data_ppm,
        min_child_ppm=terms.min_child_ppm,
        floor_input_price_units=0,
        floor_output_price_units=0,
        mode=AttributionMode.OPERATOR if terms.datasets else AttributionMode.FIXED,
        split=tuple(split),
        parents=tuple(Parent(ids[name], ppm) for name, ppm in terms.parents),
        datasets=tuple(sorted(ids[name] for name in terms.datasets)),
    )


def open_operator(chains: Chains, asset_ids: Sequence[int]) -> None:
    """Bonds the operator, adds its lane key, publishes prices and makes its own deposit."""
    contracts, operator = chains.contracts, cast.OPERATOR
    chains.fund([operator])
    units = cast.BOND_UNITS + cast.OPERATOR_DEPOSIT_UNITS
    chains.send(
        [
            (operator, contracts.token.mint(operator.address, units)),
            (operator, contracts.token.approve(contracts.operators.address, cast.BOND_UNITS)),
            (operator, contracts.token.approve(contracts.escrow.address, cast.OPERATOR_DEPOSIT_UNITS)),
            (operator, contracts.operators.deposit_bond(operator.address, cast.BOND_UNITS)),
            (
                operator,
                contracts.escrow.deposit(operator.address, operator.address, cast.OPERATOR_DEPOSIT_UNITS),
            ),
            (operator, contracts.operators.add_key(LANE, cast.LANE_KEY.address)),
            *(
                (operator, contracts.operators.set_price(i, cast.INPUT_PRICE_UNITS, cast.OUTPUT_PRICE_UNITS))
                for i in asset_ids
            ),
        ]
    )


def fund_payers(chains: Chains, payers: Sequence[Actor], units: int) -> None:
    """Gives every payer tokens and puts them into its account with the operator."""
    token, escrow = chains.contracts.token, chains.contracts.escrow
    chains.fund(payers)
    chains.send(
        [
            call
            for payer in payers
            for call in (
                (payer, token.mint(payer.address, units)),
                (payer, token.approve(escrow.address, units)),
                (payer, escrow.deposit(payer.address, cast.OPERATOR.address, units)),
            )
        ]
    )
