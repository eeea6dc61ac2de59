"""Roots and claims against what is owed."""

from dataclasses import replace

import pytest

from audit.chain.events import Event
from audit.difference import Differences
from audit.money.payouts import Claim, Root, check_claims, check_root, read_claims, read_roots
from audit.money.tree import root as tree_root
from tests.unit.audit.building import fields

pytestmark = pytest.mark.unit
TOKEN, A, B = b"\x70" * 20, b"\xaa" * 20, b"\xbb" * 20
OWED = {A: 10, B: 5}
ROOT = Root(1, tree_root(OWED, TOKEN), 15, 50, b"\x50" * 32, 1_000)
CLAIMS = [Claim(1, A, 10, 10, 60), Claim(1, B, 5, 5, 60)]


def differences_of(root: Root, claims: list[Claim]) -> Differences:
    differences = Differences()
    check_root(root, OWED, claims, TOKEN, differences)
    return differences


def test_a_root_over_what_is_owed_has_no_difference():
    assert differences_of(ROOT, CLAIMS).count == 0


def test_a_root_with_one_unit_moved_between_payees_is_named_and_so_is_the_payee_who_claimed():
    wrong = replace(ROOT, root=tree_root({A: 11, B: 4}, TOKEN))
    assert fields(differences_of(wrong, [])) == ["root"]
    found = differences_of(wrong, [Claim(1, A, 11, 11, 60)])
    assert str(found.first) == f"claim of 0x{A.hex()} on root 1: cumulative units must be 10 but is 11."


def test_a_total_that_is_one_unit_too_high_is_named():
    assert fields(differences_of(replace(ROOT, total_units=16), CLAIMS)) == ["totalCumulative"]


def test_a_claim_of_nobody_who_is_owed_is_named():
    assert fields(differences_of(ROOT, [Claim(1, b"\xcc" * 20, 1, 1, 60)])) == ["cumulative units"]


def checked(claims: list[Claim], time: int = 1_000) -> tuple[dict[bytes, int], list[str]]:
    differences = Differences()
    return check_claims(claims, [ROOT], {60: time}, differences), fields(differences)


def test_claims_add_up_to_what_was_paid():
    again = [*CLAIMS, Claim(1, A, 3, 13, 60)]
    assert checked(again) == ({A: 13, B: 5}, [])


def test_a_claim_that_pays_more_than_is_new_is_named():
    assert checked([*CLAIMS, Claim(1, A, 4, 13, 60)])[1] == ["units"]


def test_a_claim_on_a_root_that_does_not_stand_or_is_not_active_is_named():
    assert checked([replace(CLAIMS[0], root_index=2)])[1] == ["root"]
    assert checked(CLAIMS[:1], time=999)[1] == ["time"]


def test_disabled_roots_are_left_out():
    submitted = {
        "root": bytes(32), "totalCumulative": 1, "throughL2Block": 2, "throughL2BlockHash": bytes(32), "activatesAt": 3,
    }  # fmt: skip
    events = [
        Event("RoyaltyDistributor", "RootSubmitted", {"rootIndex": 1, **submitted}, 1, 0, b""),
        Event("RoyaltyDistributor", "RootDisabled", {"rootIndex": 1, "attester": A}, 2, 0, b""),
        Event("RoyaltyDistributor", "RootSubmitted", {"rootIndex": 2, **submitted}, 3, 0, b""),
        Event("RoyaltyDistributor", "Claimed", {"rootIndex": 2, "payee": A, "amount": 1, "cumulative": 1}, 4, 0, b""),
    ]
    assert [root.index for root in read_roots(events)] == [2]
    assert read_claims(events) == [Claim(2, A, 1, 1, 4)]
