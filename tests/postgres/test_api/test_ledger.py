"""Batches, receipts, assets, operators, payers and the status page, against chain and blobs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from ledger.chain.tx_receipt import TxReceipt, parse_tx_receipt
from ledger.protocol.blob.layout import FE_BYTES
from ledger.protocol.hexadecimal import checksum_address, from_hex, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import ENTITLEMENT_ONE, POST_DEADLINE_SECONDS, PPM
from tests.factories.indexed_world import BOND, CAP, DEPOSIT, OWN_DEPOSIT
from tests.factories.operator_flow import INPUT_PRICE, OUTPUT_PRICE
from tests.factories.paid_world import DATA_PPM, PaidWorld
from tests.postgres.test_api.conftest import Get, walk

pytestmark = pytest.mark.e2e


def test_batches_are_listed_newest_first_with_their_finality(world: PaidWorld, get: Get) -> None:
    items = walk(get, "/v1/batches")
    assert [item["batch_id"] for item in items] == sorted(world.posted, reverse=True)
    newest, *settled = items
    assert (newest["status"], newest["total_fee"]["finality"], newest["finalized"]) == ("open", "unsafe", None)
    for item in settled:
        assert (item["status"], item["verdict"], item["total_fee"]["finality"]) == ("finalized", "valid", "finalized")
        assert item["finalized"]["finality"] == "finalized"
    assert [i["batch_id"] for i in walk(get, "/v1/batches", status="open")] == [world.open_id]
    assert walk(get, "/v1/batches", operator=checksum_address(b"\x01" * 20)) == []


def test_receipts_are_those_that_stand_in_the_blobs(world: PaidWorld, get: Get) -> None:
    for batch_id, batch in world.posted.items():
        items = walk(get, f"/v1/batches/{batch_id}/receipts")
        assert len(items) == len(batch.entries)
        blobs = dict(zip(get(f"/v1/batches/{batch_id}")["versioned_hashes"], batch.blobs, strict=True))
        for item, entry in zip(items, batch.entries, strict=True):
            receipt = entry.receipt
            assert (item["seq"], item["asset_id"], item["fee"]["units"]) == (
                receipt.seq,
                receipt.asset_id,
                str(receipt.fee_units),
            )
            assert item["payer"] == checksum_address(receipt.payer)
            assert (item["input_units"], item["output_units"]) == (receipt.input_units, receipt.output_units)
            assert [tuple(e.values()) for e in item["attribution_set"]] == [tuple(e) for e in entry.attribution]
            place = item["place"]
            start = place["index_a"] * FE_BYTES
            element = blobs[place["versioned_hash_a"]][start : start + FE_BYTES]
            assert to_hex(element[1:]) == item["digest31"] == to_hex(entry.digest[:31])


def test_a_receipt_is_found_by_digest_by_lane_and_by_place(world: PaidWorld, get: Get) -> None:
    entry = world.posted[world.settled_ids[0]].entries[4]
    (by_digest,) = get(f"/v1/receipts/{to_hex(entry.digest)}")["items"]
    assert get(f"/v1/receipts/{to_hex(entry.digest[:31])}")["items"] == [by_digest]
    operator = checksum_address(world.operator)
    by_lane = get("/v1/receipts", operator=operator, lane=0, seq=entry.receipt.seq)
    by_place = get(f"/v1/batches/{world.settled_ids[0]}/receipts/4")
    for answer in (by_lane, by_place):
        answer.pop("read_at")
        assert answer == by_digest


def test_a_receipt_that_is_only_issued_is_pending(world: PaidWorld, get: Get) -> None:
    digest = keccak256(b"issued")
    columns = {
        "operator": world.operator, "lane": 9, "seq": 5, "request_id": "r", "payer": b"\x05" * 20, "asset_id": world.model,
        "request_hash": digest, "response_hash": digest, "input_units": 3, "output_units": 4, "fee_units": 11,
        "attribution_hash": bytes(32), "started_at": 1, "duration_ms": 2, "digest": digest, "signature": bytes(65),
        "signer": b"\x06" * 20, "salt": digest, "body_sha256": digest, "attribution_set": Jsonb([]), "outcome": "complete",
        "finish_reason": "stop", "model": "m",
    }  # fmt: skip
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "ALTER TABLE issued_receipts DROP CONSTRAINT IF EXISTS fk_issued_receipts_operator_lane_lanes"
        )
        names, values = ", ".join(columns), ", ".join(["%s"] * len(columns))
        connection.execute(f"INSERT INTO issued_receipts ({names}) VALUES ({values})", list(columns.values()))
    answer = get("/v1/receipts", operator=checksum_address(world.operator), lane=9, seq=5)
    assert answer["fee"] == {"units": "11", "finality": "pending", "block": None}
    assert answer["place"] is None


def test_one_batch_shows_charges_sums_and_where_its_blobs_are(world: PaidWorld, get: Get) -> None:
    batch_id = world.settled_ids[0]
    answer, encoded = get(f"/v1/batches/{batch_id}"), world.posted[batch_id]
    assert [(c["payer"], c["amount"]["units"]) for c in answer["charges"]] == [
        (checksum_address(charge.payer), str(charge.amount_units)) for charge in encoded.charges
    ]
    weighted = sum(int(row["weighted_fee_units"]) for row in answer["sums"])
    assert weighted == encoded.header.total_fee_units * 1_000_000
    by_data = [row for row in answer["sums"] if row["dataset_id"] == world.dataset]
    fees = sum(e.receipt.fee_units * dict(e.attribution).get(world.dataset, 0) for e in encoded.entries)
    assert [int(row["weighted_fee_units"]) for row in by_data] == [fees]
    assert answer["findings"] == []
    assert answer["earlier_fillings"] == []
    assert answer["post"]["l1_chain_id"] == 900


def test_assets_show_lineage_terms_and_use(world: PaidWorld, get: Get) -> None:
    kinds = {item["asset_id"]: item["kind"] for item in walk(get, "/v1/assets")}
    assert (kinds[world.dataset], kinds[world.model], kinds[world.adapter]) == ("dataset", "model", "adapter")
    assert [i["asset_id"] for i in walk(get, "/v1/assets", kind="adapter")] == [world.adapter]
    adapter, model, dataset = (get(f"/v1/assets/{i}") for i in (world.adapter, world.model, world.dataset))
    (terms,) = adapter["terms"]
    assert (terms["in_force"], terms["data_ppm"], terms["datasets"]) == (True, DATA_PPM, [world.dataset])
    assert terms["parents"] == [{"asset_id": world.model, "ppm": 300_000}]
    shares = [(from_hex(s["payee"], 20), s["share"]) for s in terms["effective_shares"]]
    assert shares == [tuple(share) for share in world.effective()[world.adapter]]
    assert model["children"] == [world.adapter]
    assert dataset["admitted_by"] == [world.adapter]
    assert get("/v1/assets", content_hash=adapter["content_hash"])["items"][0]["asset_id"] == world.adapter
    (price,) = adapter["prices"]
    assert (price["input_price_units"], price["output_price_units"]) == (str(INPUT_PRICE), str(OUTPUT_PRICE))

    def fees(batch_ids: tuple[int, ...], asset_id: int) -> int:
        entries = [e for i in batch_ids for e in world.posted[i].entries]
        return sum(e.receipt.fee_units for e in entries if e.receipt.asset_id == asset_id)

    for answer in (adapter, model):
        settled = sum(int(day["settled_fees"]["unsafe"]["units"]) for day in answer["served"])
        assert settled == fees(world.settled_ids, answer["asset_id"])
        still_open = sum(int(day["open_fees"]["unsafe"]["units"]) for day in answer["served"])
        assert still_open == fees((world.open_id,), answer["asset_id"])
    drawn = sum(
        Fraction(int(day["settled_fees"]["unsafe"]["numerator"]), ENTITLEMENT_ONE) for day in dataset["drawn_on"]
    )
    assert drawn == sum(
        Fraction(e.receipt.fee_units * dict(e.attribution).get(world.dataset, 0), 1_000_000)
        for i in world.settled_ids
        for e in world.posted[i].entries
    )


def test_operators_show_what_they_have_at_stake(world: PaidWorld, get: Get) -> None:
    address = checksum_address(world.operator)
    assert [item["address"] for item in walk(get, "/v1/operators")] == [address]
    answer = get(f"/v1/operators/{address}")
    assert answer["bond"]["unsafe"]["units"] == str(BOND)
    assert answer["own_deposit"]["unsafe"]["units"] == str(OWN_DEPOSIT)
    assert answer["slashed"]["units"] == "0"
    settled = sum(world.posted[i].header.total_fee_units for i in world.settled_ids)
    assert answer["settled_fees"]["finalized"]["units"] == str(settled)
    assert (answer["open_batches"], answer["finalized_batches"]) == (1, 2)
    bond = world.inner.flow.operators.bond(world.operator, "latest")
    assert int(answer["reserved"]["units"]) == bond.reserved_units > 0
    (lane,) = answer["lanes"]
    assert lane["next_seq"] == world.inner.flow.ledger.next_seq(world.operator, 0, "latest")
    assert len(lane["keys"]) == 1
    prices = walk(get, f"/v1/operators/{address}/prices")
    assert [price["asset_id"] for price in prices] == sorted(price["asset_id"] for price in prices)
    in_force = [price["asset_id"] for price in prices if price["in_force"]]
    assert len(in_force) == len(set(in_force))
    assert set(in_force) >= {world.model, world.adapter}


def test_operators_show_how_steadily_they_commit_and_what_is_exposed(world: PaidWorld, get: Get) -> None:
    (line,) = get("/v1/operators")["items"]
    flow = world.inner.flow
    open_fees = world.posted[world.open_id].header.total_fee_units
    bond = flow.operators.bond(world.operator, "latest")
    exposure = line["exposure"]
    assert (exposure["fees"]["units"], exposure["bond"]["units"]) == (str(open_fees), str(BOND))
    assert int(exposure["reserved"]["units"]) == bond.reserved_units
    assert int(exposure["free"]["units"]) == BOND - bond.reserved_units
    assert exposure["bond_per_fee_ppm"] == BOND * PPM // open_fees
    times = sorted(batch["first_committed_at"] for batch in walk(get, "/v1/batches"))
    up = line["uptime"]
    assert (up["since"], up["until"]) == (times[0], get("/v1/status")["read_at"]["l2"]["unsafe"]["timestamp"])
    covered = {s for time in times for s in range(time, time + POST_DEADLINE_SECONDS) if s < up["until"]}
    assert up["up_seconds"] == len(covered)
    assert up["ppm"] == len(covered) * PPM // (up["until"] - up["since"])
    assert up["longest_pause_seconds"] >= 7 * POST_DEADLINE_SECONDS  # the devnet's clock passes the challenge window
    assert up["late_batches"] == 0


def test_costs_are_those_of_the_final_batches_transactions(world: PaidWorld, get: Get) -> None:
    flow, answer = world.inner.flow, get("/v1/costs")
    final = [world.posted[batch_id] for batch_id in world.settled_ids]
    receipts = sum(len(batch.entries) for batch in final)
    assert (answer["batches"], answer["batches_untold"], answer["receipts"]) == (2, 0, receipts)
    assert answer["posted_bytes"] == sum(len(blob) for batch in final for blob in batch.blobs)
    elements = sum(2 + 2 * len(b.entries) + b.header.payer_count + b.header.set_fe_count for b in final)
    assert answer["used_bytes"] == elements * FE_BYTES
    spent: dict[str, list[TxReceipt]] = {}
    for batch_id in world.settled_ids:
        for cost in get(f"/v1/batches/{batch_id}")["costs"]:
            node = flow.devnet.l1 if cost["chain_id"] == 900 else flow.devnet.l2
            receipt = parse_tx_receipt(node.call("eth_getTransactionReceipt", cost["tx_hash"]))
            assert (cost["gas_used"], cost["fee_wei"]) == (receipt.gas_used, str(receipt.cost_wei))
            spent.setdefault(cost["purpose"], []).append(receipt)
    assert {
        line["purpose"]: (line["transactions"], line["gas_used"], line["fee_wei"]) for line in answer["spending"]
    } == {
        purpose: (2, sum(r.gas_used for r in found), str(sum(r.cost_wei for r in found)))
        for purpose, found in spent.items()
    }
    l2_gas = sum(r.gas_used for purpose in ("commit", "finalize") for r in spent[purpose])
    assert abs(Fraction(answer["per_receipt"]["l2_gas"]) - Fraction(l2_gas, receipts)) <= Fraction(1, 200)
    assert get("/v1/costs", operator=checksum_address(world.operator))["spending"] == answer["spending"]
    nobody = get("/v1/costs", operator=checksum_address(b"\x01" * 20))
    assert (nobody["batches"], nobody["spending"], nobody["per_receipt"]) == (0, [], None)


@pytest.mark.parametrize(
    ("path", "sort", "key"),
    [
        ("/v1/assets", "-id", lambda item: -item["asset_id"]),
        ("/v1/batches", "id", lambda item: item["batch_id"]),
        ("/v1/contributors", "-earned", lambda item: -int(item["earned_numerator"])),
        ("/v1/operators", "-open_fees", lambda item: -int(item["open_fees"]["units"])),
        ("/v1/operators", "-receipts", lambda item: -item["receipts"]),
    ],
)
def test_a_sorted_list_has_every_item_once_page_by_page(get: Get, path: str, sort: str, key: Any) -> None:
    usual, items = walk(get, path), walk(get, path, sort=sort)
    assert items == sorted(items, key=key)
    assert sorted(map(repr, items)) == sorted(map(repr, usual))


def test_operators_are_ranked_page_by_page_whoever_they_are(world: PaidWorld, get: Get) -> None:
    strangers = [bytes([n]) * 20 for n in (1, 2, 0xFE)]
    with psycopg.connect(world.url) as connection:
        connection.cursor().executemany(
            "INSERT INTO prices (chain_id, block_number, block_hash, log_index, operator, asset_id, input_price_units,"
            " output_price_units, effective_at) VALUES (901, 1, sha256('ranked'), %s, %s, 1, 1, 1, 0)",
            [(n, stranger) for n, stranger in enumerate(strangers)],
        )
    try:
        ranked = [item["address"] for item in walk(get, "/v1/operators", sort="-settled_fees")]
        assert ranked[0] == checksum_address(world.operator)
        assert ranked[1:] == [checksum_address(stranger) for stranger in reversed(strangers)]
        assert get(f"/v1/operators/{checksum_address(strangers[0])}")["uptime"] is None
    finally:
        with psycopg.connect(world.url) as connection:
            connection.execute("DELETE FROM prices WHERE block_hash = sha256('ranked')")


def test_an_operators_prices_have_their_history_page_by_page(world: PaidWorld, get: Get) -> None:
    who, later = bytes([3]) * 20, get("/v1/status")["read_at"]["l2"]["unsafe"]["timestamp"] + 86_400
    published = [(2, 10, 0), (2, 20, 0), (2, 20, 1), (2, later, 2), (7, later, 3), (9, 5, 4)]
    with psycopg.connect(world.url) as connection:
        connection.cursor().executemany(
            "INSERT INTO prices (chain_id, block_number, block_hash, log_index, operator, asset_id, input_price_units,"
            " output_price_units, effective_at) VALUES (901, 1, sha256('history'), %s, %s, %s, 1, 1, %s)",
            [(log + 10 * n, who, asset, at) for n, (asset, at, log) in enumerate(published)],
        )
    try:
        found = walk(get, f"/v1/operators/{checksum_address(who)}/prices")
        assert [(price["asset_id"], price["effective_at"], price["in_force"]) for price in found] == [
            (2, later, False), (2, 20, True), (2, 20, False), (2, 10, False), (7, later, False), (9, 5, True),
        ]  # fmt: skip
    finally:
        with psycopg.connect(world.url) as connection:
            connection.execute("DELETE FROM prices WHERE block_hash = sha256('history')")


def test_batches_say_by_which_terms_and_since_when_they_are_attested(world: PaidWorld, get: Get) -> None:
    for batch in walk(get, "/v1/batches"):
        record = world.inner.rows("SELECT terms_from, attested_at FROM batches WHERE batch_id = %s", batch["batch_id"])
        assert record == [(batch["terms_from"], batch["attested_at"])]
        assert batch["terms_from"] <= batch["first_committed_at"] - POST_DEADLINE_SECONDS
        assert batch["attested_at"] == get(f"/v1/batches/{batch['batch_id']}")["post"]["l1_time"]


def test_payers_read_what_the_escrow_holds_for_them(world: PaidWorld, get: Get) -> None:
    flow = world.inner.flow
    for payer in world.inner.payers:
        answer = get(f"/v1/payers/{checksum_address(payer)}")
        view = flow.escrow.account(payer, world.operator, "latest")
        (account,) = answer["accounts"]
        assert account["operator"] == checksum_address(world.operator)
        assert int(account["balance"]["unsafe"]["units"]) == view.balance_units
        assert int(account["collected"]["units"]) == view.collected_units > 0
        assert int(account["cap"]["units"]) == view.cap_units == CAP
        assert int(account["cap_left"]["units"]) == CAP - view.collected_units
        assert account["debt"]["units"] == "0"
        charges = walk(get, f"/v1/payers/{checksum_address(payer)}/charges")
        assert sum(int(charge["amount"]["units"]) for charge in charges) == DEPOSIT - view.balance_units
        for charge in charges:
            receipts = walk(get, f"/v1/payers/{checksum_address(payer)}/charges/{charge['batch_id']}/receipts")
            assert {receipt["payer"] for receipt in receipts} == {checksum_address(payer)}
            assert sum(int(receipt["fee"]["units"]) for receipt in receipts) == int(charge["amount"]["units"])


def test_the_status_page_accounts_for_every_unit(world: PaidWorld, get: Get) -> None:
    flow = world.inner.flow
    answer = get("/v1/status")
    books = answer["conservation"]
    assert books["holds"]
    for tier in ("finalized", "safe", "unsafe"):
        total_in, held, out = (int(books[name][tier]["units"]) for name in ("total_in", "total_held", "total_out"))
        assert total_in == held + out > 0
    held_by: dict[str, int] = {}
    for term in books["held"]:
        held_by[term["contract"]] = held_by.get(term["contract"], 0) + int(term["amount"]["unsafe"]["units"])
    for contract, units in held_by.items():
        assert flow.token.balance_of(from_hex(contract, 20), "latest") == units
    terms = {term["term"]: int(term["amount"]["unsafe"]["units"]) for term in books["came_in"] + books["went_out"]}
    assert terms["payer_deposits_in"] == DEPOSIT * len(world.inner.payers)
    assert terms["paid_out"] == flow.distributor.total_claimed("latest")
    assert answer["batches"] == {"open": 1, "finalized": 2, "voided": 0, "unread": 0, "invalid": 0, "receipts": 13}
    assert answer["deployment"]["contracts"]["ledger"] == checksum_address(flow.deployment.l2.ledger)


def test_a_unit_that_vanishes_from_the_book_is_noticed(world: PaidWorld, get: Get) -> None:
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "UPDATE movements SET amount_units = amount_units - 1 WHERE ctid = (SELECT ctid FROM movements WHERE bucket = 'bonds' LIMIT 1)"
        )
    try:
        assert not get("/v1/status")["conservation"]["holds"]
    finally:
        with psycopg.connect(world.url) as connection:
            connection.execute(
                "UPDATE movements SET amount_units = amount_units + 1 WHERE ctid = (SELECT ctid FROM movements WHERE bucket = 'bonds' LIMIT 1)"
            )
    assert get("/v1/status")["conservation"]["holds"]
