"""The clients: they ask, take the answer with its receipt, and believe nothing that they can check."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from ledger.errors import BadSignatureError, LedgerDifferenceError, UpstreamUnavailableError
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.attribution.transcript import transcript_json
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import recover, sign
from ledger.protocol.stripping import salted_hash, strip_json, strip_stream
from ledger.protocol.units import fee_up
from tributary.demo import cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ledger.protocol.domain import Domain
    from tributary.demo.cast import Actor
    from tributary.demo.trace import Inquiry

AT_ONCE = 8
TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer: the request's id, the bytes both ways, and the envelope that came with them."""

    request_id: str
    envelope: dict[str, Any]
    request: bytes
    answer: bytes

    def transcript(self, parameters: str | None) -> dict[str, Any]:
        """The exchange as clients keep it; docs/spec/transcript.md."""
        return transcript_json(self.request, self.answer, parameters)


async def buy_keys(
    gateway: str, payers: Sequence[Actor], domain: Domain, cap_units: int, valid_until: int
) -> dict[bytes, str]:
    """An API key for each payer, each bought with a signed SpendAuthorization; by payer address."""
    keys = {}
    async with httpx.AsyncClient(base_url=gateway, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        for payer in payers:
            authorization = SpendAuthorization(payer.address, cast.OPERATOR.address, cap_units, valid_until)
            body = authorization.signed_json(sign(authorization.digest(domain), payer.key))
            answer = _expect_success(await client.post("/v1/keys", json=body))
            keys[payer.address] = answer.json()["key"]
    return keys


async def replay(
    gateway: str,
    inquiries: Sequence[Inquiry],
    keys: Mapping[bytes, str],
    domain: Domain,
    progress: Callable[[], None],
) -> list[Answer]:
    """Every inquiry asked in order, at most AT_ONCE under way, every receipt checked; in the order asked.

    Raises:
        UpstreamUnavailableError: the gateway refuses a request.
        LedgerDifferenceError: a receipt is not what the client sent, got and can pay for.
    """
    room = asyncio.Semaphore(AT_ONCE)
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=gateway, timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False) as client:

        async def ask(inquiry: Inquiry) -> Answer:
            async with room:
                answer = await _ask(client, inquiry, keys[inquiry.payer.address], domain)
            progress()
            return answer

        return list(await asyncio.gather(*map(ask, inquiries)))


async def _ask(client: httpx.AsyncClient, inquiry: Inquiry, key: str, domain: Domain) -> Answer:
    request = {
        "model": inquiry.model,
        "messages": [{"role": "user", "content": inquiry.prompt}],
        "max_tokens": inquiry.max_tokens,
        "stream": inquiry.stream,
    }
    body = json.dumps(request).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    answer = _expect_success(await client.post("/v1/chat/completions", content=body, headers=headers))
    produced, envelope = strip_stream(answer.content) if inquiry.stream else strip_json(answer.content)
    if envelope is None:
        raise LedgerDifferenceError("An answer came without a receipt.")
    _check(envelope, body, produced, inquiry.payer.address, domain)
    return Answer(answer.headers["x-request-id"], envelope, body, answer.content)


def _check(envelope: Mapping[str, Any], body: bytes, produced: bytes, payer: bytes, domain: Domain) -> None:
    """Nothing, if the receipt is signed by the lane's key and says what the client knows."""
    receipt = Receipt.from_json(envelope["receipt"])
    salt = from_hex(envelope["salt"], 32)
    entries = [SetEntry(entry["assetId"], entry["ppm"]) for entry in envelope["set"]]
    fee = fee_up(receipt.input_units, receipt.output_units, cast.INPUT_PRICE_UNITS, cast.OUTPUT_PRICE_UNITS)
    if recover(receipt.digest(domain), from_hex(envelope["signature"], 65)) != cast.LANE_KEY.address:
        raise BadSignatureError("A receipt is not signed by the lane's key.")
    expected = {
        "payer": payer,
        "operator": cast.OPERATOR.address,
        "request_hash": salted_hash(salt, body),
        "response_hash": salted_hash(salt, produced),
        "fee_units": fee,
        "attribution_hash": attribution_hash(entries),
    }
    for name, value in expected.items():
        if getattr(receipt, name) != value:
            raise LedgerDifferenceError(f"A receipt's {name} is not what its client expects.")


def _expect_success(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        raise UpstreamUnavailableError(f"The gateway answers {answer.status_code}: {answer.text[:300]}")
    return answer
