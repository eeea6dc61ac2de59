"""What a payer may spend, as its receipts are posted and collected on chain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.blob.encode import BatchEntry, encode
from ledger.protocol.receipt import Receipt
from tests.e2e.serving.test_serving_cut_streams import until
from tests.factories.serving_world import RunningGateway, ServingWorld, buy_key, running

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "Friends, Romans, countrymen"}]
ASK = {"model": "quill", "messages": CHAT, "max_tokens": 6}
LANE, DEPOSIT, CAP = 5, 10**9, 10**8


@pytest.fixture(scope="module")
def gateway(serving_world: ServingWorld, module_database_url: str) -> Iterator[RunningGateway]:
    with running(serving_world.settings(module_database_url, lane=LANE)) as one:
        yield one


def test_collected_receipts_move_from_what_is_owed_to_what_is_paid(
    serving_world: ServingWorld, gateway: RunningGateway, module_database_url: str
) -> None:
    """Spendable falls once per receipt and not again when the chain collects it."""
    flow = serving_world.flow
    key = buy_key(gateway.url, serving_world, serving_world.deposit("collected payer", DEPOSIT), CAP)
    with gateway.client(key) as http:
        answers = [http.post("/v1/chat/completions", json=ASK).json()["receipt"] for _ in range(3)]
        receipts = [Receipt.from_json(answer["receipt"]) for answer in answers]
        fees = sum(receipt.fee_units for receipt in receipts)
        before = http.get("/v1/account").json()
        assert (before["uncollected_units"], before["collected_units"]) == (str(fees), "0")
        assert before["spendable_units"] == str(CAP - fees)

        submit_authorizations(serving_world, module_database_url)
        batch = encode([BatchEntry(r, r.digest(flow.deployment.receipt_domain)) for r in receipts])
        hashes, _ = flow.post(batch)
        flow.commit(batch, hashes)
        assert flow.ledger.next_seq(serving_world.operator, LANE, "latest") == 3
        pending = http.get("/v1/account").json()
        assert pending["uncollected_units"] == str(fees)  # not yet in a safe block

        flow.devnet.l2.mine(40)
        after = until(lambda: collected(http.get("/v1/account").json()))
        assert (after["uncollected_units"], after["collected_units"]) == ("0", str(fees))
        assert after["balance_units"] == str(DEPOSIT - fees)
        assert after["spendable_units"] == str(CAP - fees)

        one_more = http.post("/v1/chat/completions", json=ASK).json()["receipt"]["receipt"]
        assert one_more["seq"] == 3
        assert http.get("/v1/account").json()["uncollected_units"] == one_more["feeUnits"]


def collected(account: dict) -> dict | None:
    return account if account["collected_units"] != "0" and account["uncollected_units"] == "0" else None


def submit_authorizations(world: ServingWorld, url: str) -> None:
    """What the batcher does before it commits: the stored authorizations go on chain as they are."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT payer, operator, cap_units, valid_until, signature FROM spend_authorizations"
        ).fetchall()
    authorizations = [SpendAuthorization(bytes(p), bytes(o), int(cap), until_) for p, o, cap, until_, _ in rows]
    world.flow.send(world.flow.escrow.authorize(authorizations, [bytes(row[4]) for row in rows]))


def test_a_deposit_counts_once_it_is_safe(
    serving_world: ServingWorld, gateway: RunningGateway, module_database_url: str
) -> None:
    flow = serving_world.flow
    key = buy_key(gateway.url, serving_world, serving_world.deposit("topping up", 50), CAP)
    payer = flow.sender("topping up")
    with gateway.client(key) as http:
        poor = http.post("/v1/chat/completions", json=ASK)
        assert (poor.status_code, poor.json()["error"]["code"]) == (402, "deposit_exhausted")
        flow.fund(payer.address, flow.escrow.address, DEPOSIT, payer)
        flow.send(flow.escrow.deposit(payer.address, serving_world.operator, DEPOSIT), payer)
        assert http.post("/v1/chat/completions", json=ASK).status_code == 402
        flow.devnet.l2.mine(40)
        until(lambda: http.post("/v1/chat/completions", json=ASK).status_code == 200)


def test_a_lowered_cap_binds_before_a_batch_could_meet_it(serving_world: ServingWorld, gateway: RunningGateway) -> None:
    flow = serving_world.flow
    key = buy_key(gateway.url, serving_world, serving_world.deposit("lowering payer", DEPOSIT), CAP)
    sender = flow.sender("lowering payer")
    with gateway.client(key) as http:
        valid_until = http.get("/v1/account").json()["valid_until"]
        flow.send(flow.escrow.register_cap(serving_world.operator, CAP + 1, valid_until + 1), sender)
        flow.send(flow.escrow.lower_cap(serving_world.operator, 0, valid_until + 1), sender)
        flow.devnet.l2.mine(40)
        assert http.post("/v1/chat/completions", json=ASK).status_code == 200  # the notice is days long
        flow.devnet.advance(3 * 86_400)  # now a batch of this request could be committed after the lowering
        flow.devnet.l2.mine(40)
        refused = until(lambda: payment_required(http.post("/v1/chat/completions", json=ASK)))
        assert refused.json()["error"]["code"] == "cap_exhausted"


def payment_required(answer: object) -> object | None:
    return answer if answer.status_code == 402 else None


def test_two_gateways_share_one_payers_account(
    serving_world: ServingWorld, gateway: RunningGateway, module_database_url: str
) -> None:
    """Lanes of one operator hold against the same account, never beyond it."""
    key = buy_key(gateway.url, serving_world, serving_world.deposit("shared payer", DEPOSIT), 3_000)
    with running(serving_world.settings(module_database_url, lane=2)) as second:

        async def ask_both() -> list[int]:
            headers = {"Authorization": f"Bearer {key}"}
            async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=30) as http:
                urls = [gateway.url, second.url] * 20
                answers = await asyncio.gather(*(http.post(f"{url}/v1/chat/completions", json=ASK) for url in urls))
            return [a.status_code for a in answers]

        statuses = asyncio.run(ask_both())
        assert set(statuses) == {200, 402}
        with gateway.client(key) as http:
            account = http.get("/v1/account").json()
        assert 0 < int(account["uncollected_units"]) <= 3_000
        assert account["held_units"] == "0"
    with psycopg.connect(module_database_url) as connection:
        lanes = connection.execute("SELECT lane, count(*), max(seq) + 1 FROM issued_receipts GROUP BY 1").fetchall()
    assert {lane for lane, _, _ in lanes} == {LANE, 2}
    assert all(count == places for _, count, places in lanes)
