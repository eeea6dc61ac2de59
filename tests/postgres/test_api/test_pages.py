"""What stands around the data: pages and their policy, events, receipts of a contributor."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from api.pages import STATIC
from ledger.protocol.hexadecimal import checksum_address, to_hex
from ledger.protocol.units import ENTITLEMENT_ONE
from tests.factories.paid_world import ALICE, CAROL, PaidWorld
from tests.postgres.test_api.conftest import Get

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/assets",
        "/verify",
        "/docs",
        "/assets/1",
        "/batches/1",
        *(f"/{kind}/0x{'11' * 20}" for kind in ("contributors", "payers", "operators")),
    ],
)
def test_every_page_lets_nothing_in_from_elsewhere(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == httpx.codes.OK
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"https?:", policy) == []
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//", response.text) == []


def test_every_file_that_a_page_or_script_names_is_served(client: httpx.Client) -> None:
    named = set(re.findall(r'"(/static/[^"]+\.\w+)"', client.get("/").text))
    for script in STATIC.glob("*.js"):
        named |= {f"/static/{name}" for name in re.findall(r'(?:from|import\()\s*"\./([^"]+)"', script.read_text())}
    assert len(named) > 15
    for path in named:
        response = client.get(path)
        assert response.status_code == httpx.codes.OK, path
        assert response.headers["x-content-type-options"] == "nosniff"


def test_a_listener_hears_of_the_ledger_and_of_its_earnings(client: httpx.Client, world: PaidWorld) -> None:
    exact = world.exact(world.settled_ids)[ALICE]
    heard: dict[str, object] = {}
    with client.stream("GET", "/v1/events", params={"contributor": to_hex(ALICE)}) as response:
        kind = ""
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                heard[kind] = json.loads(value)
            if len(heard) == 2:
                break
    assert set(heard) == {"change", "earnings"}
    assert heard["earnings"]["settled"] == str(exact * ENTITLEMENT_ONE)  # type: ignore[index]


def test_a_contributor_sees_the_receipts_of_its_assets_page_by_page(get: Get, world: PaidWorld) -> None:
    every = [
        (batch_id, to_hex(entry.digest[:31]))
        for batch_id, batch in world.posted.items()
        for entry in batch.entries
        if entry.receipt.asset_id == world.adapter
    ]
    seen: list[tuple[int, str]] = []
    cursor = None
    while True:
        page = get(f"/v1/contributors/{to_hex(CAROL)}/receipts", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [(item["place"]["batch_id"], item["digest31"]) for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(every)
    assert [batch_id for batch_id, _ in seen] == sorted((batch_id for batch_id, _ in seen), reverse=True)
    nobody = get(f"/v1/contributors/{checksum_address(bytes(20))}/receipts")
    assert nobody["items"] == []
