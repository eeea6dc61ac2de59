"""Both chains and a beacon node over HTTP, out of memory: what the indexer asks of real ones, for histories too long to mine.

The answers have the form of a node's JSON-RPC and of the beacon API's getBlobs; every batch is valid, every block final.
L1 block n and L2 block n belong together: batch k is posted and committed in block FIRST_BLOCK + k. Run as a program it
serves on a free port, prints the address, and ends with its standard input.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.indexing.made_batches import FULL_BATCH, MODEL, OPERATOR, PRICE, MadeBatches
from benchmarks.indexing.made_logs import encoded_log
from ledger.chain.structs import Kind
from ledger.protocol.batch import batch_commitment, post_hash
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import POST_DEADLINE_SECONDS

L1, L2 = 900, 901
CONTRACTS = {
    name: bytes([n]) * 20
    for n, name in enumerate(
        ("TestToken", "AttributionRegistry", "Operators", "PaymentEscrow", "ReceiptLedger", "RoyaltyDistributor",
         "BlobInbox", "FormatChallenges", "ReceiptChallenges", "BlobDemands"), start=1,
    )
}  # fmt: skip
REGISTRY_BLOCK, FIRST_BLOCK = 5, 10
GENESIS_TIME = 1_700_010_000
TERMS = (200_000, 0, 0, 0, 0, 0, ((b"\x0a" * 20, 1_000_000),), (), ())


def deployment() -> dict[str, Any]:
    """The deployment file of these chains."""
    hexed = {name: "0x" + address.hex() for name, address in CONTRACTS.items()}
    return {
        "l1": {"chainId": L1, "deployedAtBlock": 1, "blobInbox": hexed["BlobInbox"]},
        "l2": {
            "chainId": L2, "deployedAtBlock": 1, "token": hexed["TestToken"], "registry": hexed["AttributionRegistry"],
            "operators": hexed["Operators"], "escrow": hexed["PaymentEscrow"], "ledger": hexed["ReceiptLedger"],
            "distributor": hexed["RoyaltyDistributor"], "formatChallenges": hexed["FormatChallenges"],
            "receiptChallenges": hexed["ReceiptChallenges"], "blobDemands": hexed["BlobDemands"],
        },
        "protocolPpm": 25_000, "protocolPayee": "0x" + "0b" * 20, "attesters": ["0x" + "0c" * 20], "quorum": 1,
        "tokenDecimals": 6,
    }  # fmt: skip


class MadeChains:
    """The answers of both chains and the beacon node."""

    def __init__(self, batches: MadeBatches) -> None:
        self._batches = batches
        self._last = FIRST_BLOCK + len(batches.batches)

    def answer(self, chain: int, call: dict[str, Any]) -> dict[str, Any]:
        """The answer to one JSON-RPC call."""
        ways = {
            "eth_chainId": lambda: hex(chain),
            "eth_getBlockByNumber": lambda: self._block(chain, call["params"][0]),
        }
        ways["eth_getLogs"] = lambda: self._logs(chain, call["params"][0])
        way = ways.get(call["method"])
        if way is None:
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32601, "message": "method not found"}}
        return {"jsonrpc": "2.0", "id": call["id"], "result": way()}

    def blob(self, blob_hash: bytes) -> bytes | None:
        return self._batches.blob(blob_hash)

    def _block(self, chain: int, which: str) -> dict[str, Any] | None:
        number = int(which, 16) if which.startswith("0x") else self._last
        if number > self._last:
            return None
        return {
            "number": hex(number), "hash": _hex(_hash(chain, number)), "parentHash": _hex(_hash(chain, number - 1)),
            "timestamp": hex(GENESIS_TIME + number),
        }  # fmt: skip

    def _logs(self, chain: int, query: dict[str, Any]) -> list[dict[str, Any]]:
        if isinstance(query["address"], str):
            return []  # the token's transfers, of which there are none
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        made = []
        for number in range(first, min(last, self._last) + 1):
            for index, (contract, topics, data) in enumerate(self._events(chain, number)):
                made.append({
                    "address": _hex(CONTRACTS[contract]), "topics": list(map(_hex, topics)), "data": _hex(data),
                    "blockNumber": hex(number), "blockHash": _hex(_hash(chain, number)),
                    "blockTimestamp": hex(GENESIS_TIME + number), "transactionIndex": "0x0",
                    "transactionHash": _hex(keccak256(b"tx", _hash(chain, number))), "logIndex": hex(index),
                    "removed": False,
                })  # fmt: skip
        return made

    def _events(self, chain: int, number: int) -> list[tuple[str, list[bytes], bytes]]:
        k = number - FIRST_BLOCK
        if 0 <= k < len(self._batches.batches):
            return self._posted(k, number) if chain == L1 else self._committed(k, number)
        return _registered() if (chain, number) == (L2, REGISTRY_BLOCK) else []

    def _posted(self, k: int, number: int) -> list[tuple[str, list[bytes], bytes]]:
        hashes = self._batches.batches[k].versioned_hashes
        values = [post_hash(hashes), OPERATOR, GENESIS_TIME + number, hashes]
        return [encoded_log("BlobInbox", "BlobsPosted", values)]

    def _committed(self, k: int, number: int) -> list[tuple[str, list[bytes], bytes]]:
        batch, time = self._batches.batches[k], GENESIS_TIME + number
        commitment = batch_commitment(batch.header, batch.versioned_hashes, batch.charges)
        reserve = 100_000_000 + batch.header.total_fee_units
        attested = [post_hash(batch.versioned_hashes), time]
        committed = [k + 1, OPERATOR, 0, commitment, reserve, time, time - POST_DEADLINE_SECONDS, time]
        committed += [batch.header, batch.versioned_hashes, batch.charges]
        return [
            encoded_log("ReceiptLedger", "BlobsAttested", attested),
            encoded_log("Operators", "BondReserved", [OPERATOR, k + 1, reserve]),
            encoded_log("ReceiptLedger", "BatchCommitted", committed),
        ]


def _registered() -> list[tuple[str, list[bytes], bytes]]:
    """One model of one payee, and its price."""
    owner, share = b"\x0a" * 20, ((b"\x0a" * 20, 10**12),)
    return [
        encoded_log("AttributionRegistry", "AssetRegistered", [MODEL, Kind.MODEL, keccak256(b"model"), owner, "made"]),
        encoded_log("AttributionRegistry", "TermsRegistered", [MODEL, 1, 0, TERMS, share]),
        encoded_log("Operators", "PricePublished", [OPERATOR, MODEL, *PRICE, 0]),
    ]


def _hash(chain: int, number: int) -> bytes:
    return keccak256(chain.to_bytes(8, "big"), max(number, 0).to_bytes(8, "big"))


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def serve(chains: MadeChains) -> ThreadingHTTPServer:
    """A server on a free port: `/900` and `/901` are the nodes, `/eth/v1/beacon/…` the beacon API."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            calls = asked if isinstance(asked, list) else [asked]
            answers = [chains.answer(int(self.path[1:]), call) for call in calls]
            body = json.dumps(answers if isinstance(asked, list) else answers[0]).encode()
            self._send(200, "application/json", body)

        def do_GET(self) -> None:
            (text,) = parse_qs(urlsplit(self.path).query).get("versioned_hashes", [""])
            blob = chains.blob(bytes.fromhex(text[2:]))
            self._send(404, "application/json", b"{}") if blob is None else self._send(
                200, "application/octet-stream", blob
            )

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing to say for each of ten thousand requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


def main() -> None:
    batches, folder = int(sys.argv[1]), Path(sys.argv[2])
    made = MadeBatches(batches)
    made.check(batches - 1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{L2}.json").write_text(json.dumps(deployment()))
    server = serve(MadeChains(made))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", batches * FULL_BATCH, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
