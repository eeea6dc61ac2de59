"""Several endpoints: how many requests each takes, which of them lag, and answers without an end."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest

import ledger.chain.endpoint
from ledger.chain.allowance import Allowance
from ledger.chain.lag import LagWatch
from ledger.chain.rpc import RpcClient
from ledger.errors import RpcRejectedError
from tests.factories.rpc_proxy import rpc_proxy

pytestmark = pytest.mark.chain


@pytest.fixture
def two_endpoints(devnet):
    """The L2 behind two proxies, and a client that prefers the first."""
    with (
        rpc_proxy(devnet.l2_url) as first,
        rpc_proxy(devnet.l2_url) as second,
        closing(RpcClient([first.url, second.url], devnet.l2_chain_id, name="L2")) as rpc,
    ):
        yield first, second, rpc


def frozen_at(number):
    """A node that has stopped at this block."""

    def change(call, answer):
        return {**answer, "result": hex(number)} if call["method"] == "eth_blockNumber" else answer

    return change


def asked(proxy):
    calls = []
    proxy.before = lambda call: calls.append(call["method"])
    return calls


def test_an_endpoint_that_lags_is_asked_only_when_the_other_is_away(devnet, two_endpoints):
    first, second, rpc = two_endpoints
    devnet.l2.mine(20)
    first.change = frozen_at(1)
    LagWatch(rpc, every_seconds=0).look()
    calls_of_first, calls_of_second = asked(first), asked(second)
    rpc.call("eth_gasPrice")
    assert (calls_of_first, calls_of_second) == ([], ["eth_gasPrice"])
    rpc.endpoints[1].rest(time.monotonic(), 60)
    rpc.call("eth_gasPrice")
    assert calls_of_first == ["eth_gasPrice"]


def test_an_endpoint_that_has_caught_up_is_preferred_again(devnet, two_endpoints):
    first, _, rpc = two_endpoints
    devnet.l2.mine(20)
    watch = LagWatch(rpc, every_seconds=0)
    first.change = frozen_at(1)
    watch.look()
    first.change = lambda _call, answer: answer
    watch.look()
    calls = asked(first)
    rpc.call("eth_gasPrice")
    assert calls == ["eth_gasPrice"]


def test_a_few_blocks_are_no_lag_and_one_endpoint_has_nobody_to_lag_behind(devnet, two_endpoints):
    first, _, rpc = two_endpoints
    first.change = frozen_at(devnet.l2.block_number() - 3)
    LagWatch(rpc, every_seconds=0).look()
    assert not any(endpoint.lags for endpoint in rpc.endpoints)
    with closing(RpcClient([first.url], devnet.l2_chain_id)) as alone:
        calls = asked(first)
        LagWatch(alone, every_seconds=0).look()
        assert calls == []


def test_no_more_requests_are_under_way_than_an_endpoint_is_allowed(devnet):
    running, most, lock = 0, 0, threading.Lock()
    gate = threading.Event()

    def before(_call):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(0.05)
        with lock:
            running -= 1

    with rpc_proxy(devnet.l2_url) as proxy, closing(RpcClient([proxy.url], devnet.l2_chain_id)) as rpc:
        rpc.limit_requests(2)
        rpc.verify()
        proxy.before = before
        threads = [threading.Thread(target=rpc.call, args=("eth_gasPrice",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == 2


def test_an_allowance_halves_when_throttled_and_grows_back_bit_by_bit():
    allowance = Allowance(8)
    allowance.throttled()
    assert allowance.limit == 4
    for _ in range(10):
        allowance.throttled()
    assert allowance.limit == 1
    for _ in range(100):
        allowance.answered()
    assert allowance.limit == 8


def test_an_answer_without_an_end_is_given_up(devnet, monkeypatch):
    # The proxy builds its answers in memory, several times over: the real bound would be a matter of gigabytes.
    monkeypatch.setattr(ledger.chain.endpoint, "MAX_ANSWER_BYTES", 1_000)
    with rpc_proxy(devnet.l2_url) as proxy, closing(RpcClient([proxy.url], devnet.l2_chain_id)) as rpc:
        rpc.verify()
        proxy.change = lambda _call, answer: {**answer, "result": "0x" + "00" * 2_000}
        with pytest.raises(RpcRejectedError, match="at once"):
            rpc.call("eth_gasPrice")
