"""A name is not an identity: what serves is what is registered, or nothing does."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from ledger.chain.structs import Kind, Parent
from ledger.errors import SettingsError
from ledger.protocol.attribution import AttributionSet, SetEntry, attribution_hash
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.receipt import Receipt
from serving.catalogue.local import read_local_models
from serving.inference.attribution import AnsweredText, Attributed
from serving.journal.records import MadeBy, UnlicensedUse
from tests.factories.open_adapter import register_open_adapter
from tests.factories.operator_flow import key_of
from tests.factories.serving_world import INPUT_PRICE, OUTPUT_PRICE, ServingWorld, buy_key, register, running

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "My dear Mr. Bennet"}]


def change_weights(models: Path, name: str) -> None:
    """One byte of the adapter's weights."""
    file = models / "adapters" / name / "adapter_model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))


def test_an_adapter_swapped_on_disk_is_refused_and_its_request_is_free(
    own_models: ServingWorld, database_url: str
) -> None:
    """The file behind a name changes while the gateway runs: nothing is answered under the old name."""
    with running(own_models.settings(database_url, lane=1)) as gateway:
        key = buy_key(gateway.url, own_models, own_models.deposit("careful payer", 10**9), 10**8)
        with gateway.client(key) as http:
            ask = {"model": "quill:austen", "messages": CHAT, "max_tokens": 4}
            change_weights(own_models.models, "austen")
            for stream in (False, True):
                answer = http.post("/v1/chat/completions", json=ask | {"stream": stream})
                assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_unavailable")
                receipt = answer.json()["receipt"]["receipt"]
                assert (receipt["feeUnits"], receipt["inputUnits"], receipt["outputUnits"]) == ("0", 0, 0)
            assert http.post("/v1/chat/completions", json=ask | {"model": "quill:bierce"}).status_code == 200


def test_an_adapter_in_memory_stays_the_one_that_was_verified(own_models: ServingWorld, database_url: str) -> None:
    with running(own_models.settings(database_url, lane=1)) as gateway:
        key = buy_key(gateway.url, own_models, own_models.deposit("steady payer", 10**9), 10**8)
        with gateway.client(key) as http:
            ask = {"model": "quill:austen", "messages": CHAT, "max_tokens": 12, "temperature": 0}
            before = http.post("/v1/chat/completions", json=ask).json()
            change_weights(own_models.models, "austen")
            after = http.post("/v1/chat/completions", json=ask).json()
    assert after["choices"] == before["choices"]
    assert after["receipt"]["receipt"]["assetId"] == own_models.asset_ids["quill:austen"]


def test_a_model_that_is_not_registered_is_not_listed_and_not_served(
    own_models: ServingWorld, database_url: str
) -> None:
    change_weights(own_models.models, "bierce")
    with running(own_models.settings(database_url, lane=1)) as gateway, gateway.client("sk-trib-x") as http:
        listed = {model["id"] for model in http.get("/v1/models").json()["data"]}
        assert listed == {"quill", "quill:austen"}
        answer = http.get("/v1/models/quill:bierce")
        assert answer.status_code == 404
        assert "not registered on chain" in answer.json()["error"]["message"]


def test_an_adapter_of_another_base_or_without_a_price_is_not_served(
    own_models: ServingWorld, database_url: str
) -> None:
    flow = own_models.flow
    change_weights(own_models.models, "bierce")
    (own_models.models / "adapters" / "austen" / "README.md").write_text("another content")
    adapters = {a.model_id: a for a in read_local_models(own_models.models).adapters}
    other_base = register(flow, b"\x42" * 32, Kind.MODEL, ())
    orphan = register(flow, adapters["quill:bierce"].content_hash, Kind.ADAPTER, (Parent(other_base, 100_000),))
    flow.send(flow.operators.set_price(orphan, INPUT_PRICE, OUTPUT_PRICE))
    register(
        flow, adapters["quill:austen"].content_hash, Kind.ADAPTER, (Parent(own_models.asset_ids["quill"], 100_000),)
    )
    with running(own_models.settings(database_url, lane=1)) as gateway:
        assert gateway.gateway.catalogue.unservable() == {
            "quill:bierce": "the base model that this gateway runs is not its registered parent",
            "quill:austen": "the operator has published no price for it",
        }


def test_a_lane_whose_key_is_not_registered_is_not_served(serving_world: ServingWorld, database_url: str) -> None:
    settings = serving_world.settings(database_url, lane=1, lane_key=to_hex(key_of("stranger").secret))
    with pytest.raises(SettingsError, match="not registered for lane 1"), running(settings):
        pass


class TwoDatasets:
    """Says that every answer drew on two datasets."""

    def __init__(self) -> None:
        self.asked: list[AnsweredText] = []
        self.answer: AttributionSet = (SetEntry(1, 250_000), SetEntry(2, 750_000))

    async def attribute(self, answered: AnsweredText) -> Attributed:
        self.asked.append(answered)
        found = UnlicensedUse(7, "text.txt", 5, 9, 60_000)
        return Attributed(self.answer, MadeBy(b"by hand".ljust(32, b"\0"), b"\7" * 32), (found,))

    def parameters(self) -> bytes | None:
        return None

    def listing(self, params_hash: bytes) -> bytes | None:
        return None

    async def look(self) -> None: ...


def test_a_set_goes_into_the_receipt_where_the_terms_leave_it_to_the_operator(
    own_models: ServingWorld, database_url: str
) -> None:
    asset_id = register_open_adapter(own_models, "with attribution")
    attributor = TwoDatasets()
    with running(own_models.settings(database_url, lane=1), attributor) as gateway:
        key = buy_key(gateway.url, own_models, own_models.deposit("attributed payer", 10**9), 10**8)
        with gateway.client(key) as http:
            ask = {"model": "quill:austen", "messages": CHAT, "max_tokens": 5}
            chosen = http.post("/v1/chat/completions", json=ask).json()["receipt"]
            fixed = http.post("/v1/chat/completions", json=ask | {"model": "quill"}).json()["receipt"]
            attributor.answer = (SetEntry(1, 1), SetEntry(2, 2))  # does not sum to a million
            broken = http.post("/v1/chat/completions", json=ask).json()["receipt"]
    assert chosen["set"] == [{"assetId": 1, "ppm": 250_000}, {"assetId": 2, "ppm": 750_000}]
    assert Receipt.from_json(chosen["receipt"]).attribution_hash == attribution_hash(
        (SetEntry(1, 250_000), SetEntry(2, 750_000))
    )
    assert attributor.asked[0].answers[0]
    assert fixed["set"] == broken["set"] == []
    assert Receipt.from_json(broken["receipt"]).attribution_hash == bytes(32)
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT asset_id, dataset_id, words FROM unlicensed_uses ORDER BY noted_at"
        ).fetchall()
    assert found == [(asset_id, 7, 9), (own_models.asset_ids["quill"], 7, 9)]
    # Of a model in mode `fixed` too, since its answers may have words that it has no licence for.
    assert [asked.model.local.model_id for asked in attributor.asked] == ["quill:austen", "quill", "quill:austen"]
