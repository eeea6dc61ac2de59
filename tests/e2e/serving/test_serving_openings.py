"""A gateway keeps exchanges of payers that consent, and opens them to attesters alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from coincurve import PrivateKey

from ledger.errors import UpstreamUnavailableError
from ledger.protocol.attribution import SetEntry
from ledger.protocol.consent import AuditConsent, parse_consent
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.opening import asking_digest, parse_opening
from ledger.protocol.signature import address_of, sign
from serving.inference.attribution import AnsweredText, Attributed
from serving.journal.records import MadeBy
from settlement.draw.drawing import Drawn
from settlement.draw.operators import Operators
from settlement.draw.seeds import Seed
from tests.factories.open_adapter import register_open_adapter
from tests.factories.operator_flow import key_of
from tests.factories.serving_world import ServingWorld, buy_key, running

pytestmark = pytest.mark.e2e

LISTING = b"tributary attribution parameters 1\n"
HASH = keccak256(LISTING)
OTHER = to_hex(b"\5" * 32)


class OneDataset:
    """Says that every answer drew on dataset 1."""

    async def attribute(self, answered: AnsweredText) -> Attributed:
        return Attributed((SetEntry(1, 1_000_000),), MadeBy(b"by hand".ljust(32, b"\0"), HASH), parameters=LISTING)

    def parameters(self) -> bytes | None:
        return LISTING

    def listing(self, params_hash: bytes) -> bytes | None:
        return LISTING if params_hash == HASH else None

    async def look(self) -> None: ...


def consent_of(
    world: ServingWorld, payer: PrivateKey, signer: PrivateKey | None = None, **changes: Any
) -> dict[str, Any]:
    now = world.flow.devnet.now()
    consent = AuditConsent(address_of(payer), world.operator, now - 600, now + 86_400)
    digest = consent.digest(world.flow.deployment.receipt_domain)
    stated = consent.signed_json(sign(digest, signer or payer))
    return stated | {"consent": stated["consent"] | changes}


def test_what_a_consenting_payer_asked_is_opened_to_an_attester_and_to_nobody_else(
    own_models: ServingWorld, database_url: str
) -> None:
    flow = own_models.flow
    asset_id = register_open_adapter(own_models, "for the draw")
    open_payer, shy_payer = (own_models.deposit(name, 10**9) for name in ("open payer", "shy payer"))
    body = json.dumps(
        {"model": "quill:austen", "messages": [{"role": "user", "content": "Well?"}], "max_tokens": 5}
    ).encode()
    with running(own_models.settings(database_url, lane=1), OneDataset()) as gateway:
        url = gateway.url
        assert httpx.get(f"{url}/v1/attribution", trust_env=False).json()["parameters"] == LISTING.decode()
        for wrong in (
            consent_of(own_models, open_payer, key_of("another")),
            consent_of(own_models, open_payer, operator="0x" + "01" * 20),
            consent_of(own_models, open_payer, validUntil=1),
            {},
        ):
            assert httpx.post(f"{url}/v1/consents", json=wrong, trust_env=False).status_code == 400
        early = httpx.post(f"{url}/v1/consents", json=consent_of(own_models, open_payer), trust_env=False)
        assert "no API key" in early.json()["error"]["message"]
        keys = [buy_key(url, own_models, payer, 10**8) for payer in (open_payer, shy_payer)]
        given = httpx.post(f"{url}/v1/consents", json=consent_of(own_models, open_payer), trust_env=False)
        assert given.status_code == 201, given.text
        envelopes = [ask(gateway.client, key, body) for key in keys]
        assert [envelope["attributionParamsHash"] for envelope in envelopes] == [to_hex(HASH)] * 2
        by_hash = [httpx.get(f"{url}/v1/attribution/{word}", trust_env=False) for word in (to_hex(HASH), "0x12", OTHER)]
        assert [answer.status_code for answer in by_hash] == [200, 400, 404]
        assert by_hash[0].json()["parameters"] == LISTING.decode()
        kept, private = (envelope["receipt"] for envelope in envelopes)

        def fetch(receipt: dict[str, Any], key: PrivateKey, late: int = 0) -> httpx.Response:
            at = flow.devnet.now() - late
            signature = sign(asking_digest(receipt["lane"], receipt["seq"], at), key)
            headers = {"x-signed-at": str(at), "x-attester-signature": to_hex(signature)}
            return httpx.get(f"{url}/v1/openings/{receipt['lane']}/{receipt['seq']}", headers=headers, trust_env=False)

        attester = key_of("attester")
        opening = parse_opening(fetch(kept, attester).content)
        asking = Operators({own_models.operator: url}, attester, flow.devnet.now)  # as an attester does
        signed = parse_consent(consent_of(own_models, open_payer))
        assert asking.deliver(*signed) >= signed[0].valid_from
        seed = Seed(1, 1, bytes(32))
        place = (1, own_models.operator, kept["lane"], 0, kept["seq"], bytes(31), asset_id, 1, (), bytes(32), bytes(32))
        assert asking.open(Drawn(*place, seed)) == opening
        with pytest.raises(UpstreamUnavailableError, match="the operator answers 404"):
            asking.open(Drawn(*place[:4], private["seq"], *place[5:], seed))
        assert fetch(private, attester).status_code == 404
        assert fetch(kept, key_of("another")).status_code == 400
        assert fetch(kept, attester, late=400).status_code == 400
        assert httpx.get(f"{url}/v1/openings/1/0", trust_env=False).status_code == 400
    with running(own_models.settings(database_url, lane=1), OneDataset()) as gateway:
        assert gateway.gateway.consents.covers(address_of(open_payer), flow.devnet.now())  # it is remembered
    assert opening.request == body
    assert opening.faults(from_hex(envelopes[0]["digest"], 32)[:31], flow.deployment.receipt_domain) == []
    assert (opening.entries, opening.parameters) == ((SetEntry(1, 1_000_000),), LISTING)


def ask(client: Callable[..., httpx.Client], key: str, body: bytes) -> dict[str, Any]:
    with client(key) as http:
        answer = http.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 200, answer.text
        envelope: dict[str, Any] = answer.json()["receipt"]
        return envelope
