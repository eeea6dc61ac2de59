"""The money rule: exact, associative, conserving, and equal to plain fractions."""

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.protocol.attribution import SetEntry
from ledger.protocol.entitlement import (
    EffectiveShare,
    ProtocolShare,
    RoyaltyTerms,
    Share,
    WeightedFee,
    certain_share,
    dust_numerator,
    flatten,
    floor_units,
    numerators,
    version_at,
    weights,
)
from ledger.protocol.units import ENTITLEMENT_ONE, PPM, SHARE_ONE, clamp_terms_time, fee_up
from tests.unit.protocol.strategies import ppm_parts

pytestmark = pytest.mark.unit
PROTOCOL = ProtocolShare(b"P" * 20, 25_000)
OPERATOR = b"O" * 20


def payee(i: int) -> bytes:
    return bytes([i]) * 20


@st.composite
def effective_shares(draw):
    """Flattened shares of an asset with up to three parents, each with splits of its own."""

    def split():
        return [Share(payee(draw(st.integers(1, 9))), ppm) for ppm in draw(ppm_parts(most=5))]

    grandparent = flatten(split(), [])
    parents = []
    left = PPM
    for _ in range(draw(st.integers(0, 3))):
        ppm = draw(st.integers(0, left))
        left -= ppm
        parents.append((ppm, flatten(split(), [(draw(st.integers(0, PPM)), grandparent)])))
    return flatten(split(), parents)


@settings(max_examples=100, deadline=None)
@given(effective_shares())
def test_effective_shares_sum_to_one_exactly(shares):
    assert sum(s.share for s in shares) == SHARE_ONE
    assert len({s.payee for s in shares}) == len(shares)


def test_flattening_follows_the_written_rule():
    parent = flatten([Share(payee(1), 333_333), Share(payee(2), 666_667)], [])
    assert parent == (EffectiveShare(payee(1), 333_333_000_000), EffectiveShare(payee(2), 666_667_000_000))
    child = flatten([Share(payee(3), PPM)], [(1, parent), (299_999, parent)])
    assert child[0] == EffectiveShare(payee(3), 700_000_000_000)
    first = 333_333 + (1_000_000 - 333_333 - 666_667)
    assert child[1] == EffectiveShare(payee(1), first + 299_999 * 333_333)
    assert sum(s.share for s in child) == SHARE_ONE


@st.composite
def histories(draw):
    """Random terms, and receipts as (fee, set)."""
    datasets = {i: draw(effective_shares()) for i in (11, 12, 13)}
    asset = RoyaltyTerms(
        royalty_ppm=draw(st.integers(0, PPM - PROTOCOL.ppm)), data_ppm=draw(st.integers(0, PPM)),
        by_attribution=draw(st.booleans()), datasets=frozenset(draw(st.sets(st.sampled_from([11, 12])))),
        effective=draw(effective_shares()),
    )  # fmt: skip
    receipts = []
    for _ in range(draw(st.integers(1, 12))):
        fee = draw(st.integers(0, 2**64 - 1))
        ids = sorted(draw(st.sets(st.sampled_from([0, 11, 12, 13]), max_size=4)))
        parts = draw(ppm_parts(least=len(ids), most=len(ids))) if ids else []
        receipts.append((fee, tuple(SetEntry(a, p) for a, p in zip(ids, parts, strict=True))))
    return asset, datasets, receipts


def plain(asset, datasets, receipts):
    """Section 8 of the design read aloud with fractions, receipt by receipt."""
    owed: dict[bytes, Fraction] = {}

    def give(who, amount):
        owed[who] = owed.get(who, Fraction(0)) + amount

    for fee, entries in receipts:
        give(PROTOCOL.payee, Fraction(fee * PROTOCOL.ppm, PPM))
        give(OPERATOR, Fraction(fee * (PPM - PROTOCOL.ppm - asset.royalty_ppm), PPM))
        royalty = Fraction(fee * asset.royalty_ppm, PPM)
        data = Fraction(asset.data_ppm, PPM) if asset.by_attribution and entries else Fraction(0)
        for who, share in asset.effective:
            give(who, royalty * (1 - data) * Fraction(share, SHARE_ONE))
        for dataset, ppm in entries if data else ():
            effective = datasets[dataset] if dataset in asset.datasets else asset.effective
            for who, share in effective:
                give(who, royalty * data * Fraction(ppm, PPM) * Fraction(share, SHARE_ONE))
    return {who: amount for who, amount in owed.items() if amount}


def summed(asset, receipts) -> list[WeightedFee]:
    return [
        WeightedFee(OPERATOR, 1, 1, dataset, version, fee * ppm)
        for fee, entries in receipts
        for dataset, version, ppm in weights(asset, entries, lambda _: 1)
    ]


@settings(max_examples=150, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_entitlements_are_the_exact_fractions_in_any_order_and_grouping(history, rng: random.Random):
    asset, datasets, receipts = history
    terms = {(1, 1): asset} | {
        (i, 1): RoyaltyTerms(0, 0, by_attribution=False, datasets=frozenset(), effective=e) for i, e in datasets.items()
    }
    rows = summed(asset, receipts)
    assert sum(r.weighted_fee_units for r in rows) == PPM * sum(fee for fee, _ in receipts)
    owed = numerators(rows, terms, PROTOCOL)
    assert {p: Fraction(n, ENTITLEMENT_ONE) for p, n in owed.items()} == plain(asset, datasets, receipts)
    rng.shuffle(rows)
    cut = rng.randrange(len(rows) + 1)
    one, two = numerators(rows[:cut], terms, PROTOCOL), numerators(rows[cut:], terms, PROTOCOL)
    assert {p: one.get(p, 0) + two.get(p, 0) for p in one.keys() | two.keys()} == owed
    charged = sum(fee for fee, _ in receipts)
    paid = sum(map(floor_units, owed.values()))
    assert sum(owed.values()) == charged * ENTITLEMENT_ONE
    assert charged * ENTITLEMENT_ONE - paid * ENTITLEMENT_ONE == dust_numerator(owed)
    assert dust_numerator(owed) < max(1, len(owed)) * ENTITLEMENT_ONE


@settings(max_examples=100, deadline=None)
@given(histories(), st.integers(0, PPM))
def test_no_sets_take_a_parents_certain_share(history, ppm):
    asset, datasets, receipts = history
    parent = tuple(EffectiveShare(bytes([99]) + s.payee[1:], s.share) for s in asset.effective)
    asset = replace(asset, effective=flatten([Share(payee(1), PPM)], [(ppm, parent)]))
    terms = {(1, 1): asset} | {
        (i, 1): RoyaltyTerms(0, 0, by_attribution=False, datasets=frozenset(), effective=e) for i, e in datasets.items()
    }
    owed = numerators(summed(asset, receipts), terms, PROTOCOL)
    got = sum(owed.get(s.payee, 0) for s in parent)
    certain = certain_share(ppm, asset.data_ppm, by_attribution=asset.by_attribution)
    royalty = asset.royalty_ppm * sum(fee for fee, _ in receipts)
    assert got >= royalty * certain * (ENTITLEMENT_ONE // PPM // SHARE_ONE)
    taken = [(fee, (SetEntry(11, PPM),)) for fee, _ in receipts]
    if 11 in asset.datasets:
        owed = numerators(summed(asset, taken), terms, PROTOCOL)
        assert sum(owed.get(s.payee, 0) for s in parent) == royalty * certain * (ENTITLEMENT_ONE // PPM // SHARE_ONE)


def test_a_fee_of_one_unit_still_earns():
    terms = {
        (1, 1): RoyaltyTerms(
            10**5, 0, by_attribution=False, datasets=frozenset(), effective=flatten([Share(payee(1), PPM)], [])
        )
    }
    row = WeightedFee(OPERATOR, 1, 1, 0, 0, PPM)
    assert numerators([row] * 10, terms, PROTOCOL)[payee(1)] == ENTITLEMENT_ONE


def test_versions_are_in_force_from_their_second_on():
    assert [version_at([100, 200], t) for t in (0, 99, 100, 199, 200, 201)] == [1, 1, 1, 1, 2, 2]


def test_the_terms_time_is_clamped_to_the_posting_deadline():
    assert clamp_terms_time(5, 10**6 - 86_400, 10**6) == 10**6 - 86_400
    assert clamp_terms_time(10**6 + 5, 10**6 - 86_400, 10**6) == 10**6
    assert clamp_terms_time(10**6 - 7, 10**6 - 86_400, 10**6) == 10**6 - 7


@given(st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1), st.integers(0, 2**39), st.integers(0, 2**39))
def test_a_fee_is_rounded_up_once(a, b, p, q):
    exact = Fraction(a * p + b * q, 1000)
    assert exact <= fee_up(a, b, p, q) < exact + 1
