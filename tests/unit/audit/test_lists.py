"""Contributor lists as the audit reads them: rows from logs, root and shares computed again."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.chain.assets import DATASET, read_assets
from audit.chain.lists import List, is_list, read_lists, root
from audit.difference import Differences
from audit.money.entitlement import Drawn, Entitlements, Protocol
from ledger.protocol.contributors import Contributor, ContributorList, contributors_root, list_payee, row_of
from ledger.protocol.units import SHARE_ONE
from tests.unit.audit.building import OPERATOR, asset, fields, terms
from tests.unit.audit.test_events import log, read, registered, with_terms

pytestmark = pytest.mark.unit

REGISTRY = "AttributionRegistry"
A = b"\xaa" * 20


def some(*weights: int) -> list[Contributor]:
    return [Contributor(bytes([n]) * 20, weight) for n, weight in enumerate(weights, start=1)]


def opened(rows: list[Contributor], list_id: int = 1, **wrong: object) -> dict:
    told = {"root": contributors_root(rows), "count": len(rows), "weight": sum(w for _, w in rows)} | wrong
    plain = [told["root"], told["count"], told["weight"]]
    return log(REGISTRY, "ContributorsOpened", [list_id, A], plain, 1, 0)


def published(rows: list[Contributor], first: int = 0, before: int = 0, list_id: int = 1, index: int = 1) -> dict:
    return log(REGISTRY, "ContributorsPublished", [list_id], [first, before, [row_of(r) for r in rows]], 1, index)


def completed(list_id: int = 1, index: int = 9) -> dict:
    return log(REGISTRY, "ContributorsCompleted", [list_id], [], 1, index)


ROWS = some(5, 1, 7, 2, 9)


def test_a_list_in_chunks_is_read_whole() -> None:
    differences = Differences()
    history = read(opened(ROWS), published(ROWS[:2]), published(ROWS[2:], 2, 6, index=2), completed())
    lists = read_lists(history, differences)
    assert differences.kept == []
    assert lists[list_payee(1)].rows == ROWS
    assert is_list(list_payee(1))


def test_a_list_that_is_not_complete_counts_for_nothing() -> None:
    differences = Differences()
    assert read_lists(read(opened(ROWS), published(ROWS[:2])), differences) == {}
    assert differences.kept == []


@pytest.mark.parametrize(
    ("logs", "named"),
    [
        ([opened(ROWS, root=bytes(32)), published(ROWS), completed()], "root"),
        ([opened(ROWS, count=4), published(ROWS), completed()], "rows"),
        ([opened(ROWS, weight=25), published(ROWS), completed()], "total weight"),
        ([opened(ROWS), published(ROWS[:2]), published(ROWS[2:], 3, 6, index=2), completed()], "first"),
        ([opened(ROWS), published(ROWS[:2]), published(ROWS[2:], 2, 5, index=2), completed()], "weightBefore"),
        ([opened(ROWS[::-1]), published(ROWS[::-1]), completed()], "row 1"),
        ([opened(some(1, 0)), published(some(1, 0)), completed()], "row 1"),
        ([opened(ROWS, list_id=2), published(ROWS, list_id=2), completed(2)], "listId"),
        ([published(ROWS)], "its opening"),
    ],
)
def test_what_is_wrong_with_a_list_is_named(logs: list[dict], named: str) -> None:
    differences = Differences()
    read_lists(read(*logs), differences)
    assert named in fields(differences)


def test_terms_that_name_a_list_before_it_is_complete_are_named() -> None:
    payee = list_payee(1)
    naming = with_terms(1, 1, 1, 100, [(payee, 10**6)], shares=[(payee, SHARE_ONE)])
    for logs, names in (
        ([opened(ROWS), published(ROWS), completed(index=3)], []),
        ([opened(ROWS), published(ROWS)], ["payee"]),
        ([], ["payee"]),
    ):
        differences = Differences()
        history = read(*logs, registered(1, DATASET, 1) | {"logIndex": 4}, naming | {"logIndex": 5})
        read_assets(history, {1: 100}, differences, read_lists(history, differences))
        assert fields(differences) == names


weights = st.lists(st.one_of(st.integers(1, 9), st.integers(1, 2**60)), min_size=1, max_size=40)


@given(weights, st.integers(0, SHARE_ONE))
def test_root_and_parts_are_the_protocols(given_weights: list[int], share: int) -> None:
    rows = some(*given_weights)
    mine, theirs = List(1, bytes(32), len(rows), 0, list(map(tuple, rows))), ContributorList(1, rows)
    assert root(mine.rows) == contributors_root(rows)
    assert mine.divide(share) == list(theirs.divide(share))


def test_a_list_that_is_drawn_on_and_descended_from_pays_its_contributors_twice() -> None:
    payee = list_payee(1)
    listed = List(1, bytes(32), 2, 4, [(A, 1), (b"\xbb" * 20, 3)], (1, 1))
    dataset = terms(royalty_ppm=0, data_ppm=0, shares=((payee, SHARE_ONE),))
    served = terms(royalty_ppm=200_000, data_ppm=400_000, shares=((A, SHARE_ONE // 2), (payee, SHARE_ONE // 2)))
    assets = {1: asset(1, 2, served), 7: asset(7, DATASET, dataset)}
    entitlements = Entitlements(assets, Protocol(b"\xee" * 20, 0), {payee: listed})
    entitlements.add(OPERATOR, {Drawn(1, 1, 7, 1): Fraction(1_000)})
    assert entitlements.owed[b"\xbb" * 20] == 1_000 * Fraction(1, 5) * (
        Fraction(6, 10) * Fraction(3, 8) + Fraction(3, 10)
    )
    assert sum(entitlements.owed.values()) == 1_000
    assert payee not in entitlements.owed
