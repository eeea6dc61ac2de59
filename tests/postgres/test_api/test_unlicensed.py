"""Evidence of unlicensed use is shown to the dataset's owner, and to nobody else."""

from __future__ import annotations

import time

import httpx
import psycopg
import pytest
from coincurve import PrivateKey
from psycopg.types.json import Jsonb

from api.routes.unlicensed import owner_message
from ledger.protocol.hexadecimal import checksum_address, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import sign
from tests.factories.operator_flow import key_of
from tests.factories.paid_world import PaidWorld

pytestmark = pytest.mark.e2e


def owner_key(world: PaidWorld) -> PrivateKey:
    """The operator registered the world's assets."""
    return world.inner.flow.operator._key


def headers(world: PaidWorld, key: PrivateKey, signed_at: int | None = None, asset_id: int | None = None):
    at = int(time.time()) if signed_at is None else signed_at
    digest = owner_message(world.dataset if asset_id is None else asset_id, at)
    return {"x-signed-at": str(at), "x-owner-signature": to_hex(sign(digest, key))}


@pytest.fixture(scope="module")
def noted(world: PaidWorld) -> list[bytes]:
    """Three answers, the last with two passages of the dataset."""
    digests = []
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "ALTER TABLE issued_receipts DROP CONSTRAINT IF EXISTS fk_issued_receipts_operator_lane_lanes"
        )
        for seq in range(3):
            digest = keccak256(b"unlicensed", bytes([seq]))
            digests.append(digest)
            columns = {
                "operator": world.operator, "lane": 8, "seq": seq, "request_id": f"req-u{seq}", "payer": b"\x05" * 20,
                "asset_id": world.model, "request_hash": digest, "response_hash": digest, "input_units": 1,
                "output_units": 1, "fee_units": 11, "attribution_hash": bytes(32), "started_at": 1, "duration_ms": 1,
                "digest": digest, "signature": b"\x06" * 65, "signer": b"\x06" * 20, "salt": digest,
                "body_sha256": digest, "attribution_set": Jsonb([]), "outcome": "complete", "finish_reason": "stop",
                "model": "m",
            }  # fmt: skip
            names, values = ", ".join(columns), ", ".join(["%s"] * len(columns))
            connection.execute(f"INSERT INTO issued_receipts ({names}) VALUES ({values})", list(columns.values()))
            for position in range(1 + (seq == 2)):
                connection.execute(
                    "INSERT INTO unlicensed_uses VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                    [f"req-u{seq}", position, world.model, world.dataset, "text.txt", 100 * seq + position, 12, 80_000],
                )
    return digests


def test_the_owner_sees_every_passage_newest_first_page_by_page(
    world: PaidWorld, client: httpx.Client, noted: list[bytes]
) -> None:
    path, found, cursor = f"/v1/assets/{world.dataset}/unlicensed-uses", [], None
    for _ in range(9):
        answer = client.get(
            path,
            params={"limit": 3, **({"cursor": cursor} if cursor else {})},
            headers=headers(world, owner_key(world)),
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert [(use["seq"], use["byte_offset"]) for use in found] == [(2, 201), (2, 200), (1, 100), (0, 0)]
    assert found[0] | {"noted_at": 0} == {
        "operator": checksum_address(world.operator), "lane": 8, "seq": 2, "digest": to_hex(noted[2]),
        "asset_id": world.model, "path": "text.txt", "byte_offset": 201, "words": 12, "millibits": 80_000, "noted_at": 0,
    }  # fmt: skip


def test_nobody_else_sees_them(world: PaidWorld, client: httpx.Client, noted: list[bytes]) -> None:
    path, owner = f"/v1/assets/{world.dataset}/unlicensed-uses", owner_key(world)
    refused = {
        "only the owner": headers(world, key_of("somebody else")),
        "not now": headers(world, owner, signed_at=int(time.time()) - 301),
        "no signature": {"x-signed-at": str(int(time.time())), "x-owner-signature": "0x" + "00" * 65},
        "may ask": headers(world, owner, asset_id=world.adapter),
    }
    for sentence, given in refused.items():
        answer = client.get(path, headers=given)
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
        assert sentence in answer.json()["detail"]
        assert "text.txt" not in answer.text
    assert client.get(path).status_code == httpx.codes.UNPROCESSABLE_ENTITY
