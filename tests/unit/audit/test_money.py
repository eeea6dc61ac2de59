"""The audit's fractions and trees, against the protocol's integers and against OpenZeppelin's vectors."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.batch.sets import Entry
from audit.chain.assets import ADAPTER, DATASET
from audit.chain.shares import effective_shares
from audit.money.entitlement import Entitlements, Protocol, Use, weigh
from audit.money.tree import root
from ledger.protocol.attribution import SetEntry
from ledger.protocol.distribution import DistributionTree, Payout
from ledger.protocol.entitlement import (
    EffectiveShare,
    ProtocolShare,
    RoyaltyTerms,
    Share,
    WeightedFee,
    dust_numerator,
    flatten,
    floor_units,
    numerators,
    version_at,
    weights,
)
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.units import ENTITLEMENT_ONE, PPM, SHARE_ONE
from tests.unit.audit.building import OPERATOR, asset, terms
from tests.unit.protocol.strategies import addresses, ppm_parts

pytestmark = pytest.mark.unit
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "protocol.json").read_text())
PROTOCOL = Protocol(b"\x99" * 20, 25_000)


def payee(i: int) -> bytes:
    return bytes([i]) * 20


@st.composite
def splits(draw):
    return [(payee(draw(st.integers(1, 9))), ppm) for ppm in draw(ppm_parts(most=5))]


@st.composite
def shares(draw, depth: int = 2):
    """Effective shares of an asset up to two generations deep, and the way they came about."""
    parents, left = [], PPM
    for _ in range(draw(st.integers(0, 2)) if depth else 0):
        ppm = draw(st.integers(0, left))
        left -= ppm
        parents.append((ppm, draw(shares(depth=depth - 1))))
    return effective_shares(draw(splits()), parents)


@settings(max_examples=150, deadline=None)
@given(splits(), st.lists(st.tuples(st.integers(0, PPM // 3), shares()), max_size=3))
def test_effective_shares_are_the_protocols_and_sum_to_one(split, parents):
    mine = effective_shares(split, parents)
    theirs = flatten([Share(*s) for s in split], [(ppm, [EffectiveShare(*s) for s in flat]) for ppm, flat in parents])
    assert mine == tuple((s.payee, s.share) for s in theirs if s.share)
    assert sum(share for _, share in mine) == SHARE_ONE


@st.composite
def versions(draw, **fixed):
    """One to three versions in force from rising times."""
    times = sorted(draw(st.lists(st.integers(0, 100), min_size=1, max_size=3)))
    return [
        terms(
            version=n + 1, effective_at=since, royalty_ppm=draw(st.integers(0, PPM - PROTOCOL.ppm)),
            data_ppm=draw(st.integers(0, PPM)), mode=draw(st.integers(0, 1)),
            datasets=tuple(sorted(draw(st.sets(st.sampled_from([11, 12]))))), shares=draw(shares()),
        )
        for n, since in enumerate(times)
    ]  # fmt: skip


@st.composite
def histories(draw):
    assets = {1: asset(1, ADAPTER, *draw(versions()))}
    for dataset_id in (11, 12, 13):
        assets[dataset_id] = asset(dataset_id, DATASET, *draw(versions()))
    receipts = []
    for _ in range(draw(st.integers(1, 10))):
        ids = sorted(draw(st.sets(st.sampled_from([0, 11, 12, 13]), max_size=4)))
        parts = draw(ppm_parts(least=len(ids), most=len(ids))) if ids else []
        entries = tuple(SetEntry(a, p) for a, p in zip(ids, parts, strict=True))
        receipts.append((draw(st.integers(0, 2**64 - 1)), draw(st.integers(0, 120)), entries))
    return assets, receipts


def by_protocol(assets, receipts) -> dict[bytes, int]:
    """The numerators that `ledger.protocol.entitlement` comes to."""

    def version(asset_id: int, second: int) -> int:
        return version_at([t.effective_at for t in assets[asset_id].terms], second)

    rules = {
        (asset_id, t.version): RoyaltyTerms(
            t.royalty_ppm, t.data_ppm, t.mode == 1, frozenset(t.datasets), tuple(EffectiveShare(*s) for s in t.shares)
        )
        for asset_id, one in assets.items()
        for t in one.terms
    }
    sums = [
        WeightedFee(OPERATOR, 1, version(1, second), dataset, dataset_version, fee * ppm)
        for fee, second, entries in receipts
        for dataset, dataset_version, ppm in weights(
            rules[1, version(1, second)], entries, lambda k, second=second: version(k, second)
        )
    ]
    return numerators(sums, rules, ProtocolShare(PROTOCOL.payee, PROTOCOL.ppm))


@settings(max_examples=80, deadline=None)
@given(histories())
def test_entitlements_are_the_protocols_to_the_last_fraction(history):
    assets, receipts = history
    uses = [Use(1, second, fee, [Entry(*one) for one in entries]) for fee, second, entries in receipts]
    entitlements = Entitlements(assets, PROTOCOL)
    entitlements.add(OPERATOR, weigh(uses, assets))
    theirs = by_protocol(assets, receipts)
    assert {who: amount for who, amount in entitlements.owed.items() if amount} == {
        who: Fraction(numerator, ENTITLEMENT_ONE) for who, numerator in theirs.items()
    }
    floors = {who: floor_units(numerator) for who, numerator in theirs.items() if floor_units(numerator)}
    assert entitlements.payable() == floors
    assert entitlements.dust() == Fraction(dust_numerator(theirs), ENTITLEMENT_ONE)
    assert entitlements.charged_units == sum(floors.values()) + entitlements.dust()


@pytest.mark.parametrize("tree", VECTORS["trees"], ids=lambda tree: f"{len(tree['claims'])} payees")
def test_the_rebuilt_root_is_openzeppelins(tree):
    amounts = {from_hex(claim["payee"], 20): int(claim["cumulative"]) for claim in tree["claims"]}
    assert root(amounts, from_hex(tree["token"], 20)).hex() == tree["root"].removeprefix("0x")


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(addresses, st.integers(1, 2**128), min_size=1, max_size=40), addresses)
def test_the_rebuilt_root_is_the_protocols(amounts, token):
    assert root(amounts, token) == DistributionTree([Payout(*item) for item in amounts.items()], token).root


def test_nobody_owed_means_a_zero_root():
    assert root({}, payee(1)) == bytes(32)
