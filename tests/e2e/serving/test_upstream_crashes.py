"""SIGKILL of a gateway before another server: one receipt, for no more than had left, and the server stops."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.serving.test_serving_crashes import ask_until_death, assert_nothing_is_open, process, rows
from tests.factories.serving_world import ServingWorld, buy_key, running
from tests.factories.upstreams import PacedNode, paced_nodes, write_upstreams

pytestmark = pytest.mark.e2e

LANE = 2
WORDS = 6
ASK = {"model": "quill", "messages": [{"role": "user", "content": "To be, or not to be"}], "max_tokens": 200}


@pytest.fixture(scope="module")
def node() -> Iterator[PacedNode]:
    with paced_nodes("only", first_token_ms=2, tokens_per_second=500) as (one,):
        yield one


@pytest.mark.parametrize(
    ("step", "stream", "kind"),
    [("mid_stream", True, "vllm"), ("mid_stream", True, "openai"), ("before_receipt", False, "openai")],
)
def test_a_killed_gateway_charges_no_more_than_was_sent(
    serving_world: ServingWorld, database_url: str, tmp_path: Path, node: PacedNode, step: str, stream: bool, kind: str
) -> None:
    payer = serving_world.deposit("crash payer of an upstream", 10**9)
    path = write_upstreams(tmp_path / "upstreams.toml", [node], serving_world.models, node_models=None, kind=kind)
    with process(serving_world, database_url, step, upstreams=path) as (url, child):
        key = buy_key(url, serving_world, payer, 10**8)
        _, received = ask_until_death(url, key, ASK | {"stream": stream}, {"Idempotency-Key": "once"})
        assert child.wait(30) == -signal.SIGKILL
    deadline = time.monotonic() + 5
    while node.seen["running"]:  # nobody listens any more
        assert time.monotonic() < deadline
    with running(serving_world.settings(database_url, lane=LANE, upstreams=path)):
        assert_nothing_is_open(database_url)
    query = "SELECT outcome, input_units, output_units, fee_units FROM issued_receipts"
    ((outcome, input_units, output_units, fee_units),) = rows(database_url, query)
    if stream:
        assert outcome == "recovered"
        assert 0 < output_units <= received.count(b'" w')
        assert input_units == WORDS  # what the prompt has at least, whatever was held for it
    else:
        assert (outcome, input_units, output_units, fee_units) == ("recovered", 0, 0, 0)
