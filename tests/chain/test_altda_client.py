"""The Alt-DA client against a server of its own process: what it puts it gets, and every fault is told apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from ledger.chain.altda import MAX_COMMITMENT_BYTES, AltDaClient, CommitmentKind
from ledger.errors import BlobNotAvailableError, DataLayerUnavailableError
from ledger.protocol.blob.layout import BLOB_BYTES, MAX_BLOBS
from ledger.protocol.keccak import keccak256
from tests.chain.scripted_server import Answer, serve
from tests.factories.altda_server import EIGENDA_CERTIFICATE, AltDaServer
from tributary.ports import free_port

pytestmark = pytest.mark.chain

PAYLOAD = bytes(range(256)) * 500


@pytest.fixture(params=list(CommitmentKind))
def client(server: AltDaServer, request: pytest.FixtureRequest) -> Iterator[AltDaClient]:
    with closing(AltDaClient(server.url, kind=request.param, timeout_seconds=2.0)) as client:
        yield client


def test_what_was_put_is_had_again_under_its_commitment(client: AltDaClient) -> None:
    commitment = client.put(PAYLOAD)
    assert commitment is not None
    assert client.get(commitment) == PAYLOAD
    assert commitment == b"\0" + keccak256(PAYLOAD) or commitment.startswith(EIGENDA_CERTIFICATE)


def test_a_commitment_may_come_as_hex(server: AltDaServer) -> None:
    server.configure(CommitmentAsHex=True)
    with closing(AltDaClient(server.url)) as client:
        commitment = client.put(PAYLOAD)
        assert commitment is not None
        assert commitment.startswith(EIGENDA_CERTIFICATE)
        assert client.get(commitment) == PAYLOAD


def test_a_layer_that_is_down_says_so_and_nothing_else_counts_as_that(client: AltDaClient, server: AltDaServer) -> None:
    server.configure(PutReturnsFailoverError=True)
    assert client.put(PAYLOAD) is None
    for status in (400, 429, 500, 502, 504):
        server.configure(PutReturnsFailoverError=False, PutStatusCode=status)
        with pytest.raises(DataLayerUnavailableError, match=f"answered HTTP {status} to a batch"):
            client.put(PAYLOAD)


def test_what_is_lost_or_does_not_hold_is_not_available(client: AltDaClient, server: AltDaServer) -> None:
    server.configure(InstructedStatusCodeReturn={"GetReturnsStatusCode": 3, "IsActivated": True})
    refused = client.put(PAYLOAD + b"refused")
    server.configure()
    kept = client.put(PAYLOAD)
    assert refused is not None
    assert kept is not None
    with pytest.raises(BlobNotAvailableError, match="HTTP 418"):
        client.get(refused)
    for unknown in (b"\x07" + bytes(32), b"\x01\x00\x00 never given"):
        with pytest.raises(BlobNotAvailableError, match="HTTP 40"):
            client.get(unknown)
    server.configure(GetReturnsNothing=True)
    with pytest.raises(BlobNotAvailableError, match="HTTP 404"):
        client.get(kept)
    server.configure()
    server.configure(BlobExpiration="0s")
    with pytest.raises(BlobNotAvailableError, match="HTTP 404"):
        client.get(kept)


def test_a_commitment_of_no_length_or_too_long_is_never_asked_for() -> None:
    with closing(AltDaClient(f"http://127.0.0.1:{free_port()}")) as client:
        for commitment in (b"", bytes(MAX_COMMITMENT_BYTES + 1)):
            with pytest.raises(BlobNotAvailableError, match="is none of an Alt-DA layer"):
                client.get(commitment)


def test_a_slow_server_and_an_absent_one_are_unavailable(server: AltDaServer) -> None:
    server.configure(PutLatency="3s", GetLatency="3s")
    with closing(AltDaClient(server.url, timeout_seconds=0.2)) as hasty:
        for call in (lambda: hasty.put(PAYLOAD), lambda: hasty.get(b"\x01\x00")):
            with pytest.raises(DataLayerUnavailableError, match="did not answer"):
                call()
    with (
        closing(AltDaClient(f"http://127.0.0.1:{free_port()}")) as alone,
        pytest.raises(DataLayerUnavailableError, match="did not answer"),
    ):
        alone.put(PAYLOAD)


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x01", b"\x02" + bytes(40), b"0x", b"0x01zz", b"0x02aa", b"\x01" + bytes(MAX_COMMITMENT_BYTES), b"\xff" * 20_000],
)  # fmt: skip
def test_an_answer_that_is_no_commitment_is_refused(answer: bytes) -> None:
    with (
        serve(lambda _path, _body: Answer(body=answer)) as liar,
        closing(AltDaClient(liar.url)) as client,
        pytest.raises(DataLayerUnavailableError),
    ):
        client.put(b"1")  # a JSON document, for the scripted server


def test_an_answer_longer_than_any_batch_is_given_up() -> None:
    with (
        serve(lambda _path, _body: Answer(body=bytes(MAX_BLOBS * BLOB_BYTES + 1))) as liar,
        closing(AltDaClient(liar.url)) as client,
        pytest.raises(DataLayerUnavailableError, match="more than a batch is"),
    ):
        client.get(b"\x01\x00")
