"""JSON-RPC under faults: several endpoints, slow ones, lying ones, throttling ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ledger.chain.rpc import RpcClient
from ledger.errors import (
    BlockNotFoundError,
    MalformedAnswerError,
    RpcRejectedError,
    RpcUnavailableError,
    WrongChainError,
)
from tests.chain.scripted_server import Answer, Script, ScriptedServer, result, serve
from tributary.devnet import Devnet
from tributary.ports import free_port

pytestmark = pytest.mark.chain

HEALTHY = {"eth_chainId": "0x384", "eth_blockNumber": "0x10", "eth_getBalance": "0x1"}


def healthy(_: str, request: Any) -> Answer:
    return result(request, HEALTHY)


def after_check(*answers: Answer) -> Script:
    """A node whose chain id is right and whose next answers are these, then healthy ones."""
    turns: Iterator[Answer] = iter(answers)

    def script(path: str, request: Any) -> Answer:
        if isinstance(request, dict) and request["method"] == "eth_chainId":
            return healthy(path, request)
        return next(turns, None) or healthy(path, request)

    return script


class Servers(ExitStack):
    def start(self, script: Script) -> ScriptedServer:
        return self.enter_context(serve(script))

    def client(self, *scripts: Script, patience_seconds: float = 5.0, timeout_seconds: float = 0.5) -> RpcClient:
        urls = [self.start(script).url for script in scripts]
        return self.connect(urls, patience_seconds, timeout_seconds)

    def connect(self, urls: list[str], patience_seconds: float = 5.0, timeout_seconds: float = 0.5) -> RpcClient:
        rpc = RpcClient(urls, 900, name="L1", timeout_seconds=timeout_seconds, patience_seconds=patience_seconds)
        self.callback(rpc.close)
        return rpc


@pytest.fixture
def servers() -> Iterator[Servers]:
    with Servers() as started:
        yield started


def test_a_batch_is_answered_in_the_order_asked_whatever_order_the_node_takes(servers: Servers) -> None:
    rpc = servers.client(healthy)
    assert rpc.batch([("eth_blockNumber", ()), ("eth_getBalance", ("0x", "latest"))]) == ["0x10", "0x1"]


def test_more_calls_than_fit_one_request_are_split(servers: Servers) -> None:
    server = servers.start(healthy)
    rpc = servers.connect([server.url])
    assert rpc.batch([("eth_blockNumber", ())] * 250) == ["0x10"] * 250
    assert [len(r) for r in server.requests if isinstance(r, list)] == [100, 100, 50]


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=500, body=b"oops"),
        Answer(status=502),
        Answer(status=403),
        Answer(body=b"<html>maintenance</html>"),
        Answer(body=b'{"jsonrpc":"2.0","id":1}'),
        Answer(delay_seconds=1.0),
    ],
    ids=["500", "502", "403", "html", "neither", "slow"],
)
def test_the_next_endpoint_answers_for_one_that_fails(servers: Servers, fault: Answer) -> None:
    rpc = servers.client(after_check(fault), healthy)
    assert rpc.call("eth_blockNumber") == "0x10"


def test_an_endpoint_that_nobody_listens_on_is_passed_over(servers: Servers) -> None:
    rpc = servers.connect([f"http://127.0.0.1:{free_port()}", servers.start(healthy).url])
    assert rpc.call("eth_blockNumber") == "0x10"


def test_one_endpoint_is_asked_again_until_it_comes_back(servers: Servers) -> None:
    rpc = servers.client(after_check(Answer(status=503), Answer(status=500)))
    assert rpc.call("eth_blockNumber") == "0x10"


def test_a_throttled_client_waits_as_long_as_it_is_told(servers: Servers) -> None:
    waits: list[float] = []
    url = servers.start(after_check(Answer(status=429, headers={"retry-after": "7"}))).url
    rpc = RpcClient([url], 900, patience_seconds=10, sleep=waits.append)
    # The recorded sleep does not pass, so the endpoint still rests and is asked to wait once more.
    assert rpc.call("eth_blockNumber") == "0x10"
    assert 6.5 < waits[0] <= 7
    rpc.close()


def test_a_rate_limit_in_a_json_error_is_waited_out_too(servers: Servers) -> None:
    limited = Answer(
        body=b'{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"daily request rate exceeded"}}'
    )
    rpc = servers.client(after_check(limited))
    assert rpc.call("eth_blockNumber") == "0x10"


def test_a_chain_out_of_reach_is_one_sentence_after_the_patience(servers: Servers) -> None:
    rpc = servers.connect([f"http://127.0.0.1:{free_port()}"], patience_seconds=0.3)
    with pytest.raises(RpcUnavailableError, match=r"L1 is out of reach: .* did not answer"):
        rpc.call("eth_blockNumber")


def test_the_wrong_chain_is_named_at_the_start_and_never_believed(servers: Servers) -> None:
    wrong = servers.start(lambda _, request: result(request, {**HEALTHY, "eth_chainId": "0x1"}))
    rpc = servers.connect([wrong.url])
    with pytest.raises(WrongChainError, match="serves chain 1, but chain 900 is expected"):
        rpc.verify()
    with pytest.raises(WrongChainError):
        rpc.call("eth_blockNumber")
    assert all(r["method"] == "eth_chainId" for r in wrong.requests)


def test_one_endpoint_of_two_on_the_wrong_chain_is_refused(servers: Servers) -> None:
    rpc = servers.client(healthy, lambda _, request: result(request, {**HEALTHY, "eth_chainId": "0x1"}))
    with pytest.raises(WrongChainError):
        rpc.verify()


def test_verification_holds_while_one_endpoint_answers(servers: Servers) -> None:
    servers.connect([f"http://127.0.0.1:{free_port()}", servers.start(healthy).url]).verify()


def test_a_refused_call_is_not_tried_again(servers: Servers) -> None:
    refusal = {"code": -32602, "message": "invalid params", "data": "0x1234"}
    server = servers.start(lambda _, r: result(r, {**HEALTHY, "eth_call": refusal}))
    rpc = servers.connect([server.url])
    with pytest.raises(RpcRejectedError, match="invalid params") as caught:
        rpc.call("eth_call", {})
    assert (caught.value.code, caught.value.data) == (-32602, "0x1234")
    assert len(server.requests) == 2


def test_a_block_that_one_endpoint_lacks_is_asked_of_the_next(servers: Servers) -> None:
    lagging = {"code": -32000, "message": "header not found"}
    rpc = servers.client(
        lambda _, r: result(r, {**HEALTHY, "eth_call": lagging}), lambda _, r: result(r, {**HEALTHY, "eth_call": "0x"})
    )
    assert rpc.call("eth_call", {}) == "0x"


def test_a_block_that_no_endpoint_has_is_reported_at_once(servers: Servers) -> None:
    lagging = {"code": -32000, "message": "header not found"}
    rpc = servers.client(lambda _, r: result(r, {**HEALTHY, "eth_call": lagging}), patience_seconds=60)
    with pytest.raises(BlockNotFoundError):
        rpc.call("eth_call", {})


def test_a_quantity_that_is_none_is_nonsense(servers: Servers) -> None:
    nonsense = itertools.repeat(Answer(body=b'{"jsonrpc":"2.0","id":1,"result":"abc"}'))
    rpc = servers.client(lambda *_: next(nonsense), patience_seconds=0.2)
    with pytest.raises((MalformedAnswerError, RpcUnavailableError)):
        rpc.verify()


def test_an_api_key_in_an_address_never_shows_in_a_message(servers: Servers) -> None:
    rpc = servers.connect([f"http://user:pw@127.0.0.1:{free_port()}/v3/s3cr3t?key=s3cr3t"], patience_seconds=0)
    with pytest.raises(RpcUnavailableError) as caught:
        rpc.call("eth_blockNumber")
    assert "s3cr3t" not in str(caught.value)
    assert "pw" not in str(caught.value)


def test_a_real_node_answers(devnet: Devnet) -> None:
    rpc = RpcClient([devnet.l1_url], 900, name="L1")
    rpc.verify()
    assert int(rpc.call("eth_blockNumber"), 16) >= 0
    rpc.close()
