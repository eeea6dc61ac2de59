"""Blob transactions on a real L1, and their blobs from its beacon endpoint."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest
from coincurve import PrivateKey

from ledger.chain.beacon import BeaconClient
from ledger.chain.blob_tx import Sidecar, SidecarVersion, build_sidecar, sidecar_version
from ledger.chain.blocks import BlockRef, block_by_hash
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.chain.transaction import Call
from ledger.chain.tx_receipt import TxReceipt
from ledger.errors import BeaconUnavailableError, BlobNotAvailableError, MalformedAnswerError
from ledger.protocol.blob import kzg
from ledger.protocol.blob.layout import BLOB_BYTES
from tests.chain.scripted_server import Answer, serve
from tributary.devnet import Devnet
from tributary.ports import free_port

pytestmark = pytest.mark.chain

SINK = b"\x00" * 18 + b"\xb1\x0b"


def random_blob(seed: int) -> bytes:
    chance = random.Random(seed)
    return b"".join(b"\0" + chance.randbytes(31) for _ in range(BLOB_BYTES // 32))


FIRST, SECOND = random_blob(4), random_blob(5)
OCTETS = {"content-type": "application/octet-stream"}


@pytest.fixture
def l1(devnet: Devnet) -> Iterator[RpcClient]:
    rpc = RpcClient([devnet.l1_url], devnet.l1_chain_id, name="L1")
    yield rpc
    rpc.close()


@pytest.fixture
def sender(devnet: Devnet, l1: RpcClient) -> Sender:
    return Sender(l1, PrivateKey(devnet.accounts[7].private_key))


def post(devnet: Devnet, sender: Sender, sidecar: Sidecar) -> TxReceipt:
    tx = sender.sign(Call(SINK, b""), versioned_hashes=sidecar.versioned_hashes)
    sender.broadcast(tx, sidecar)
    sender.broadcast(tx, sidecar)  # again, as after a crash
    devnet.l1.mine()
    receipt = sender.wait([tx.hash], 10)
    sender.broadcast(tx, sidecar)  # and once more when it is mined
    return receipt


@pytest.mark.parametrize("version", list(SidecarVersion))
def test_blobs_travel_with_either_sidecar_and_come_back_unchanged(
    devnet: Devnet, l1: RpcClient, sender: Sender, version: SidecarVersion
) -> None:
    blobs = [random_blob(1), random_blob(2)]
    sidecar = build_sidecar(blobs, version)
    receipt = post(devnet, sender, sidecar)
    assert receipt.succeeded
    assert receipt.blob_gas_used == 2 * 2**17
    beacon = BeaconClient([devnet.beacon_url])
    block = block_by_hash(l1, receipt.block_hash)
    assert beacon.blobs(block, sidecar.versioned_hashes[::-1]) == blobs[::-1]
    beacon.close()


def test_the_devnet_is_past_osaka_and_says_so(l1: RpcClient) -> None:
    assert sidecar_version(l1) is SidecarVersion.CELL_PROOFS


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ('"result":{"current":{"precompiles":{"ECREC":"0x01"}}}', SidecarVersion.BLOB_PROOFS),
        ('"result":{"current":{"precompiles":{"P256VERIFY":"0x0100"}}}', SidecarVersion.CELL_PROOFS),
        ('"error":{"code":-32601,"message":"no such method"}', SidecarVersion.CELL_PROOFS),
    ],
)
def test_the_sidecar_follows_the_forks_of_the_node(answer: str, version: SidecarVersion) -> None:
    def script(_: str, request: dict[str, object]) -> Answer:
        said = '"result":"0x384"' if request["method"] == "eth_chainId" else answer
        return Answer(body=f'{{"jsonrpc":"2.0","id":{request["id"]},{said}}}'.encode())

    with serve(script) as server:
        rpc = RpcClient([server.url], 900)
        assert sidecar_version(rpc) is version
        rpc.close()


def test_a_blob_nobody_posted_is_not_available(devnet: Devnet, l1: RpcClient, sender: Sender) -> None:
    receipt = post(devnet, sender, build_sidecar([random_blob(3)], SidecarVersion.BLOB_PROOFS))
    beacon = BeaconClient([devnet.beacon_url])
    with pytest.raises(BlobNotAvailableError):
        beacon.blob(block_by_hash(l1, receipt.block_hash), b"\x01" + b"\xab" * 31)
    beacon.close()


def test_a_node_with_slots_is_asked_by_slot() -> None:
    asked: list[str] = []

    def script(path: str, _: object) -> Answer:
        asked.append(path)
        if path == "/eth/v1/config/spec":
            return Answer(body=b'{"data":{"SECONDS_PER_SLOT":"12"}}')
        if path == "/eth/v1/beacon/genesis":
            return Answer(body=b'{"data":{"genesis_time":"1000"}}')
        body = json.dumps({"data": ["0x" + FIRST.hex()]})
        return Answer(body=body.encode(), headers={"content-type": "application/json"})

    with serve(script) as server:
        beacon = BeaconClient([server.url])
        assert beacon.blob(BlockRef(7, b"\1" * 32, b"\0" * 32, 1000 + 12 * 345), b"\x01" * 32) == FIRST
        beacon.close()
    assert asked[-1].startswith("/eth/v1/beacon/blobs/345?versioned_hashes=0x0101")


def test_a_node_that_ignores_the_filter_is_searched() -> None:
    def script(path: str, _: object) -> Answer:
        if "blobs" not in path:
            return Answer(status=404)
        return Answer(body=FIRST + SECOND, headers=OCTETS)

    with serve(script) as server:
        beacon = BeaconClient([server.url])
        wanted = kzg.versioned_hash(kzg.kzg_commitment(SECOND))
        assert beacon.blob(BlockRef(7, b"\1" * 32, b"\0" * 32, 0), wanted) == SECOND
        with pytest.raises(BlobNotAvailableError):
            beacon.blob(BlockRef(7, b"\1" * 32, b"\0" * 32, 0), b"\x01" * 32)
        beacon.close()


def test_the_endpoint_that_has_the_blob_answers_for_those_that_fail() -> None:
    def good(path: str, _: object) -> Answer:
        if "blobs" not in path:
            return Answer(status=404)
        return Answer(body=FIRST, headers=OCTETS)

    def truncating(path: str, _: object) -> Answer:
        if "blobs" not in path:
            return Answer(status=404)
        return Answer(body=FIRST[:-1], headers=OCTETS)

    with serve(truncating) as first, serve(lambda *_: Answer(status=404)) as second, serve(good) as third:
        dead = f"http://127.0.0.1:{free_port()}"
        block = BlockRef(7, b"\1" * 32, b"\0" * 32, 0)
        beacon = BeaconClient([dead, first.url, second.url, third.url], sleep=lambda _: None)
        assert beacon.blob(block, b"\x01" * 32) == FIRST
        beacon.close()
        lying = BeaconClient([first.url], sleep=lambda _: None)
        with pytest.raises(MalformedAnswerError):
            lying.blob(block, b"\x01" * 32)
        lying.close()
        gone = BeaconClient([dead], sleep=lambda _: None)
        with pytest.raises(BeaconUnavailableError, match="out of reach"):
            gone.blob(block, b"\x01" * 32)
        gone.close()
