# ruff: noqa: INP001, T201  # a program of one file that prints
"""Chat with an unmodified OpenAI client, then check every receipt from the bytes that went over the wire.

    python examples/chat_and_verify.py --url http://127.0.0.1:8000 --key sk-trib-… --l2-rpc http://127.0.0.1:9545

Needs `openai`, `httpx` and this repository's `ledger` package. Of the gateway it believes nothing: requestHash and
responseHash are computed again from what was sent and received, the fee from the published price, the signer from the
signature; with --l2-rpc the chain is asked whether that signer is a key of the operator's lane, and how far the lane
had come in a block that was safe before the question was sent.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import openai
from typing_extensions import override

from ledger.chain.blocks import BlockRef, block_at
from ledger.chain.contracts.operators import Operators
from ledger.chain.contracts.receipt_ledger import ReceiptLedger
from ledger.chain.deployment import load_deployment
from ledger.chain.rpc import RpcClient
from ledger.errors import TributaryError
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.attribution.transcript import transcript_json
from ledger.protocol.domain import Domain
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import recover
from ledger.protocol.stripping import salted_hash, strip_json, strip_stream
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS, fee_up

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Exchange:
    """One request and its answer, as bytes."""

    request: bytes
    answer: list[bytes] = field(default_factory=list)


class RecordingTransport(httpx.HTTPTransport):
    """Passes everything on, and keeps the bytes of the last exchange. The client above does not notice."""

    last = Exchange(b"")

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body recorded as it is read."""
        self.last = Exchange(request.read())
        response = super().handle_request(request)
        response.stream = _Recorded(response.stream, self.last.answer)
        return response


class _Recorded(httpx.SyncByteStream):
    def __init__(self, stream: Any, kept: list[bytes]) -> None:
        self._stream = stream
        self._kept = kept

    @override
    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._kept.append(chunk)
            yield chunk

    @override
    def close(self) -> None:
        self._stream.close()


class Chain:
    """What the L2 itself says of operators' lanes."""

    def __init__(self, url: str, deployments: Path, chain_id: int) -> None:
        """Bind the contracts of the chain's deployment."""
        contracts = load_deployment(deployments, chain_id).l2
        self._rpc = RpcClient([url], contracts.chain_id, name="L2")
        self._operators = Operators(self._rpc, contracts.operators)
        self._ledger = ReceiptLedger(self._rpc, contracts.ledger)

    def safe_block(self) -> BlockRef:
        """The newest block that no reorganisation takes back."""
        return block_at(self._rpc, "safe")

    def findings(self, receipt: Receipt, signer: bytes, before: BlockRef) -> dict[str, bool]:
        """What the chain knows of the receipt's lane; `before` was safe when the question was sent."""
        lane, time = (receipt.operator, receipt.lane), receipt.started_at
        return {
            f"signer {to_hex(signer)} is a key of the lane": self._operators.key_active_in(
                *lane, signer, time, time, "latest"
            ),
            # A number that a batch had taken can't be posted again: such a receipt is worth nothing. A batch that takes it
            # while the answer is on its way is another matter: it may be this receipt's own.
            f"seq {receipt.seq} was not taken by a batch before": receipt.seq >= self._ledger.next_seq(*lane, before),
        }

    def close(self) -> None:
        """Close the connections."""
        self._rpc.close()


@dataclass(frozen=True)
class Expectation:
    """What a receipt must agree with."""

    operator: dict[str, Any]
    chain: Chain | None

    @property
    def domain(self) -> Domain:
        """EIP-712 domain of receipts."""
        return domain_of(self.operator)


def domain_of(operator: dict[str, Any]) -> Domain:
    """The domain that the gateway names."""
    domain = operator["receipt_domain"]
    return Domain(domain["chainId"], from_hex(domain["verifyingContract"], 20))


def check(exchange: Exchange, model: dict[str, Any], expected: Expectation, before: BlockRef | None) -> Receipt:
    """The receipt of an exchange, once everything in it agrees with what this client knows by itself."""
    answer = b"".join(exchange.answer)
    strip = strip_stream if answer.startswith(b"data: ") else strip_json
    produced, envelope = strip(answer)
    if envelope is None:
        sys.exit("The answer carries no receipt.")
    receipt, salt = Receipt.from_json(envelope["receipt"]), from_hex(envelope["salt"], 32)
    signer = recover(receipt.digest(expected.domain), from_hex(envelope["signature"], 65))
    price = model["price"]
    fee = fee_up(
        receipt.input_units,
        receipt.output_units,
        int(price["input_units_per_1000"]),
        int(price["output_units_per_1000"]),
    )
    entries = [SetEntry(entry["assetId"], entry["ppm"]) for entry in envelope["set"]]
    findings = {
        "requestHash is of the body that was sent": receipt.request_hash == salted_hash(salt, exchange.request),
        "responseHash is of the bytes that came": receipt.response_hash == salted_hash(salt, produced),
        "assetId is the model's": receipt.asset_id == model["asset_id"],
        "fee is the published price times the units, rounded up once": receipt.fee_units == fee,
        "attributionHash is of the set": receipt.attribution_hash == attribution_hash(entries),
        "operator is the one that was asked": to_hex(receipt.operator) == expected.operator["operator"],
        "startedAt is now": abs(receipt.started_at - expected.operator["now"]) <= CLOCK_TOLERANCE_SECONDS,
    } | lane_findings(receipt, signer, expected, before)
    for finding, holds in findings.items():
        print(f"  {'ok ' if holds else 'NOT'} {finding}")
    if not all(findings.values()):
        sys.exit("This receipt does not hold.")
    return receipt


def keep(folder: Path, exchange: Exchange, receipt: Receipt, parameters: str | None) -> None:
    """Writes the exchange as a transcript, from which `tributary audit --transcripts` makes the set again."""
    document = transcript_json(exchange.request, b"".join(exchange.answer), parameters)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{to_hex(receipt.operator)}-{receipt.lane}-{receipt.seq}.json"
    path.write_text(json.dumps(document) + "\n")
    print(f"  kept as {path}")


def attribution_parameters(url: str, exchange: Exchange) -> str | None:
    """What the gateway says of how it made the answer's attribution set; None if it makes none."""
    answer = b"".join(exchange.answer)
    _, envelope = (strip_stream if answer.startswith(b"data: ") else strip_json)(answer)
    made_by = (envelope or {}).get("attributionParamsHash")
    stated = httpx.get(f"{url}/v1/attribution{f'/{made_by}' if made_by else ''}", trust_env=False)
    return None if stated.status_code == httpx.codes.NOT_FOUND else stated.raise_for_status().json()["parameters"]


def lane_findings(receipt: Receipt, signer: bytes, expected: Expectation, before: BlockRef | None) -> dict[str, bool]:
    """What the chain knows of the receipt's lane; without an RPC, what the gateway says of its key."""
    if expected.chain is None or before is None:
        return {f"signer {to_hex(signer)} is a key of the lane": to_hex(signer) == expected.operator["signer"]}
    return expected.chain.findings(receipt, signer, before)


def main() -> None:
    """List, chat, stream; check what came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="address of the gateway")
    parser.add_argument("--key", required=True, help="API key")
    parser.add_argument("--model", help="model to ask; the last that is listed if none is named")
    parser.add_argument("--prompt", default="Shall I compare thee to a summer's day?")
    parser.add_argument("--l2-rpc", help="L2 node to ask for the lane's keys")
    parser.add_argument("--deployments", type=Path, default=Path("contracts/deployments"))
    parser.add_argument("--keep", type=Path, help="folder for transcripts of what was asked and answered")
    words = parser.parse_args()

    operator = httpx.get(f"{words.url}/v1/operator", trust_env=False).raise_for_status().json()
    chain = Chain(words.l2_rpc, words.deployments, domain_of(operator).chain_id) if words.l2_rpc else None
    expected = Expectation(operator, chain)
    transport = RecordingTransport()
    recording: Any = httpx.Client(transport=transport, timeout=120)
    client = openai.OpenAI(base_url=f"{words.url}/v1", api_key=words.key, http_client=recording)

    models = {model.id: model.model_extra or {} for model in client.models.list()}
    for name, model in models.items():
        print(f"{name}: asset {model['asset_id']}, content {model['content_hash']}, {model['identity']}")
    name = words.model or list(models)[-1]
    messages: Any = [{"role": "user", "content": words.prompt}]
    # At temperature 0 the answer is the same each time, and it has words: one that is drawn may end before its first.
    asked = {"model": name, "messages": messages, "max_tokens": 40, "temperature": 0}

    before = chain.safe_block() if chain else None
    answer = client.chat.completions.create(**asked)
    print(f"\n{name} answers: {answer.choices[0].message.content}")
    receipt = check(transport.last, models[name], expected, before)
    print(f"  {receipt.fee_units} units for {receipt.input_units} + {receipt.output_units} tokens, seq {receipt.seq}")
    if words.keep is not None:
        keep(words.keep, transport.last, receipt, attribution_parameters(words.url, transport.last))

    before = chain.safe_block() if chain else None
    print(f"\n{name} streams: ", end="")
    for chunk in client.chat.completions.create(**asked, stream=True):
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()
    receipt = check(transport.last, models[name], expected, before)
    print(f"  {receipt.fee_units} units for {receipt.input_units} + {receipt.output_units} tokens, seq {receipt.seq}")
    if words.keep is not None:
        keep(words.keep, transport.last, receipt, attribution_parameters(words.url, transport.last))
    if chain:
        chain.close()


if __name__ == "__main__":
    try:
        main()
    except (TributaryError, httpx.HTTPError, openai.OpenAIError) as error:
        sys.exit(f"{error}")
