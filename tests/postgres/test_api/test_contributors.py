"""What contributors read, and a distribution's file, is what the receipts add up to, exactly, and what was paid."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import httpx
import psycopg
import pytest

from ledger.protocol.distribution import leaf_hash, verify_proof
from ledger.protocol.hexadecimal import checksum_address, from_hex, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import ENTITLEMENT_ONE
from settlement.distribution_file import parse
from tests.factories.paid_world import ALICE, BOB, CAROL, DAVE, PROTOCOL_PAYEE, PaidWorld
from tests.postgres.test_api.conftest import Get, walk

pytestmark = pytest.mark.e2e

TIERS = ("finalized", "safe", "unsafe")


def exact(figure: dict[str, Any]) -> Fraction:
    return Fraction(int(figure["numerator"]), ENTITLEMENT_ONE)


def test_the_list_is_everybody_with_exact_earnings_and_payments(world: PaidWorld, get: Get) -> None:
    answer = get("/v1/contributors")
    owed = world.exact(world.settled_ids)
    assert {
        from_hex(item["address"], 20): Fraction(int(item["earned_numerator"]), ENTITLEMENT_ONE)
        for item in answer["items"]
    } == owed
    for item in answer["items"]:
        assert item["earned"]["units"] == item["paid"]["units"] == str(int(owed[from_hex(item["address"], 20)]))
        assert item["earned"]["finality"] == "finalized"
        assert item["earned"]["block"] == answer["read_at"]["l2"]["finalized"]["number"]
    assert [item["address"].lower() for item in answer["items"]] == sorted(
        item["address"].lower() for item in answer["items"]
    )
    assert answer["next_cursor"] is None


def test_the_list_in_pages_of_one_is_the_same_list(get: Get) -> None:
    whole = get("/v1/contributors")["items"]
    pages, cursor = [], None
    while True:
        page = get("/v1/contributors", limit=1, **({"cursor": cursor} if cursor else {}))
        pages += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == whole


@pytest.mark.parametrize("payee", [ALICE, BOB, CAROL, DAVE, PROTOCOL_PAYEE])
def test_a_contributor_sees_settled_and_open_earnings_apart(world: PaidWorld, get: Get, payee: bytes) -> None:
    answer = get(f"/v1/contributors/{checksum_address(payee)}")
    settled = world.exact(world.settled_ids)[payee]
    for tier in TIERS:
        assert exact(answer["earned"]["settled"][tier]) == settled
    assert exact(answer["earned"]["open"]["unsafe"]) == world.exact((world.open_id,))[payee]
    assert exact(answer["earned"]["open"]["finalized"]) == 0
    for state in ("settled", "open"):
        parts = sum(exact(source[state]["unsafe"]) for source in answer["by_source"])
        assert parts == exact(answer["earned"][state]["unsafe"])
    assert answer["paid"]["finalized"]["units"] == answer["published"]["units"] == str(int(settled))
    assert answer["claimable"]["units"] == "0"
    assert (answer["root_index"], answer["next_root_index"]) == (1, None)
    assert answer["recipient"] == answer["address"] == checksum_address(payee)


def test_sources_name_the_use_that_earned(world: PaidWorld, get: Get) -> None:
    def sources(payee: bytes) -> set[tuple[str, int, int | None]]:
        answer = get(f"/v1/contributors/{checksum_address(payee)}")
        return {(s["source"], s["asset_id"], s["dataset_id"]) for s in answer["by_source"]}

    assert sources(CAROL) == sources(DAVE) == {("data", world.adapter, world.dataset)}
    assert sources(BOB) == {("royalty", world.adapter, None)}
    assert sources(ALICE) == {("royalty", world.adapter, None), ("royalty", world.model, None)}
    assert sources(world.operator) == {("operator", world.adapter, None), ("operator", world.model, None)}
    assert sources(PROTOCOL_PAYEE) == {("protocol", world.adapter, None), ("protocol", world.model, None)}


def test_days_add_up_to_the_total_and_can_be_cut_out(get: Get) -> None:
    path = f"/v1/contributors/{checksum_address(ALICE)}/earnings"
    answer = get(path)
    days = answer["by_day"]
    assert sum(exact(day["settled"]["unsafe"]) for day in days) == exact(answer["total"]["settled"]["unsafe"]) > 0
    one = get(path, since=days[0]["day"], until=days[0]["day"])
    assert one["by_day"] == [days[0]]
    assert get(path, until="1999-01-01")["by_day"] == []


def test_payments_are_those_of_the_chain(world: PaidWorld, get: Get) -> None:
    flow = world.inner.flow
    for payee in world.exact(world.settled_ids):
        answer = get(f"/v1/contributors/{checksum_address(payee)}/payments")
        (payment,) = answer["items"]
        claimed = flow.distributor.claimed(payee, at="latest")
        assert payment["amount"]["units"] == payment["cumulative_units"] == str(claimed)
        assert payment["recipient"] == checksum_address(payee)
        assert flow.l2.call("eth_getTransactionReceipt", payment["tx_hash"])["status"] == "0x1"
        assert answer["skipped"] == []


def test_the_proof_of_a_claim_verifies_against_the_root_on_chain(world: PaidWorld, get: Get) -> None:
    flow = world.inner.flow
    root = flow.distributor.root(1, at="latest")
    for payee, earned in world.exact(world.settled_ids).items():
        answer = get(f"/v1/contributors/{checksum_address(payee)}/claim")
        assert from_hex(answer["root"], 32) == root.root
        units = int(answer["cumulative_units"])
        assert units == int(earned)
        proof = [from_hex(node, 32) for node in answer["proof"]]
        assert verify_proof(root.root, leaf_hash(payee, flow.deployment.l2.token, units), proof)
        assert answer["claimable"]["units"] == "0"
        assert answer["active"]


def test_an_address_that_never_earned_is_answered_with_zeros(get: Get, client: Any) -> None:
    stranger = checksum_address(b"\x77" * 20)
    answer = get(f"/v1/contributors/{stranger}")
    assert answer["by_source"] == []
    assert answer["earned"]["settled"]["unsafe"]["numerator"] == "0"
    assert answer["published"]["units"] == "0"
    response = client.get(f"/v1/contributors/{stranger}/claim")
    assert response.status_code == 404
    assert "No standing root" in response.json()["detail"]


@pytest.mark.parametrize("sort", ["address", "-earned"])
@pytest.mark.parametrize("most", [1, 100_000])
def test_earnings_are_kept_as_long_as_the_same_batches_count(
    world: PaidWorld, get: Get, monkeypatch: pytest.MonkeyPatch, sort: str, most: int
) -> None:
    before = walk(get, "/v1/contributors", sort=sort)
    assert len(before) > 4
    monkeypatch.setattr("api.earners.MOST", most)  # with 1, the database is asked for each page
    set_verdict(world, "pending")
    try:
        assert walk(get, "/v1/contributors", sort=sort) != before
    finally:
        set_verdict(world, "valid")
    assert walk(get, "/v1/contributors", sort=sort) == before


def set_verdict(world: PaidWorld, verdict: str) -> None:
    with psycopg.connect(world.url) as connection:
        connection.execute("UPDATE batches SET verdict = %s WHERE batch_id = %s", (verdict, world.settled_ids[0]))


def test_a_distribution_names_its_signers_and_gives_its_file(world: PaidWorld, get: Get, client: httpx.Client) -> None:
    (line,) = get("/v1/distributions")["items"]
    answer = get("/v1/distributions/1")
    assert (line["phase"], answer["settlement_state"], answer["has_file"]) == ("active", "paid", True)
    assert len(line["attesters"]) == 2
    assert [a["signed"] for a in answer["answers"]] == [True] * 3
    owed = world.exact(world.settled_ids)
    assert answer["total_cumulative"]["units"] == answer["paid"]["units"] == str(sum(map(int, owed.values())))
    response = client.get("/v1/distributions/1/file")
    assert to_hex(keccak256(response.content)) == answer["data_hash"]
    file = parse(response.content)
    assert {entry.payee: Fraction(entry.numerator, ENTITLEMENT_ONE) for entry in file.entitlements.lines} == owed
    again = client.get("/v1/distributions/1/file", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    payees = walk(get, "/v1/distributions/1/payees")
    assert {(p["payee"], p["numerator"]) for p in payees} == {
        (checksum_address(entry.payee), str(entry.numerator)) for entry in file.entitlements.lines
    }
