"""Random histories: assets with several versions, datasets, attribution sets, batches in every state."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from ledger.protocol.attribution import SetEntry
from ledger.protocol.contributors import Contributor, ContributorList, check_list
from ledger.protocol.entitlement import EffectiveShare, ProtocolShare, RoyaltyTerms, Share, flatten
from ledger.protocol.units import PPM
from tests.factories.history import AssetVersion, History, PastBatch, Use

PAYEES = [bytes([0xA0 + i]) * 20 for i in range(6)]
PROTOCOL = bytes([0xEE]) * 20
OPERATORS = [bytes([0xC0]) * 20, bytes([0xC1]) * 20, PAYEES[0]]
"""One operator is a payee too: roles of one address add up."""

fees = st.one_of(st.integers(0, 3), st.integers(0, 10**7), st.integers(2**60, 2**63))


@st.composite
def ppm_parts(draw: DrawFn, parts: int) -> list[int]:
    """That many positive parts of a million."""
    cuts = draw(st.lists(st.integers(1, PPM - 1), min_size=parts - 1, max_size=parts - 1, unique=True))
    edges = [0, *sorted(cuts), PPM]
    return [after - before for before, after in pairwise(edges)]


@st.composite
def contributor_lists(draw: DrawFn, list_id: int) -> ContributorList:
    """Up to nine contributors, some of them payees of their own, with weights of any scale."""
    crowd = [*PAYEES, *(bytes([0x10 + i]) * 20 for i in range(9))]
    who = draw(st.lists(st.sampled_from(crowd), min_size=1, max_size=9, unique=True))
    weights = draw(st.lists(st.one_of(st.integers(1, 9), st.integers(1, 2**60)), min_size=len(who), max_size=len(who)))
    return ContributorList(list_id, check_list(map(Contributor, who, weights)))


@st.composite
def own_splits(draw: DrawFn, lists: tuple[ContributorList, ...]) -> list[Share]:
    eligible = [*PAYEES, *(listed.payee for listed in lists)]
    payees = draw(st.lists(st.sampled_from(eligible), min_size=1, max_size=4, unique=True))
    return [Share(payee, ppm) for payee, ppm in zip(payees, draw(ppm_parts(len(payees))), strict=True)]


@st.composite
def effective_shares(
    draw: DrawFn, earlier: list[tuple[EffectiveShare, ...]], lists: tuple[ContributorList, ...]
) -> tuple[EffectiveShare, ...]:
    parents = draw(st.lists(st.sampled_from(earlier), max_size=2)) if earlier else []
    given = [(draw(st.integers(0, PPM // 3)), shares) for shares in parents]
    return flatten(draw(own_splits(lists)), given)


@st.composite
def entry_sets(draw: DrawFn, datasets: list[int]) -> tuple[SetEntry, ...]:
    """A set over datasets, and sometimes "by the terms" or an asset that nobody admits."""
    ids = sorted(draw(st.lists(st.sampled_from([0, 77, *datasets]), max_size=3, unique=True)))
    return tuple(SetEntry(i, ppm) for i, ppm in zip(ids, draw(ppm_parts(len(ids))), strict=True)) if ids else ()


@st.composite
def histories(draw: DrawFn) -> History:
    protocol = ProtocolShare(PROTOCOL, draw(st.sampled_from([0, 1, 10_000, 333_333])))
    lists = tuple(draw(contributor_lists(list_id)) for list_id in range(1, draw(st.integers(0, 2)) + 1))
    datasets = list(range(1, draw(st.integers(0, 3)) + 1))
    terms: dict[AssetVersion, RoyaltyTerms] = {}
    shares: list[tuple[EffectiveShare, ...]] = []
    for asset_id in range(1, len(datasets) + draw(st.integers(1, 3)) + 1):
        for version in range(1, draw(st.integers(1, 2)) + 1):
            admitted = draw(st.sets(st.sampled_from(datasets))) if datasets else set()
            shares.append(draw(effective_shares(shares, lists)))
            terms[asset_id, version] = RoyaltyTerms(
                royalty_ppm=draw(st.integers(0, PPM - protocol.ppm)),
                data_ppm=draw(st.integers(0, PPM)),
                by_attribution=draw(st.booleans()),
                datasets=frozenset(admitted),
                effective=shares[-1],
            )
    versions = {d: draw(st.sampled_from([v for a, v in terms if a == d])) for d in datasets}
    served = [key for key in terms if key[0] not in versions]
    uses = st.builds(Use, st.sampled_from(served), fees, entry_sets(datasets))
    batches = tuple(
        PastBatch(
            batch_id=batch_id,
            operator=draw(st.sampled_from(OPERATORS)),
            uses=tuple(draw(st.lists(uses, min_size=1, max_size=5))),
            finalized_block=draw(st.sampled_from([None, 10, 50, 100, 101])),
            verdict=draw(st.sampled_from(["valid", "valid", "valid", "invalid"])),
        )
        for batch_id in range(1, draw(st.integers(0, 4)) + 1)
    )
    return History(protocol, terms, versions, batches, lists=lists)
