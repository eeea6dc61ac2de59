"""`tributary serve`: it serves until it is told to stop, and says in one sentence why it can't."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import Any

import httpx
import pytest

from ledger.config import CHECKOUT
from ledger.errors import DeploymentMissingError, LaneFencedError, TributaryError
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.signature import address_of
from serving.settings import ServingSettings
from tests.factories.operator_flow import DAY
from tests.factories.serving_world import ServingWorld, running

pytestmark = pytest.mark.e2e


def start(fields: dict[str, Any], *words: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SERVING_")}
    environment |= {ServingSettings.variable(name): str(value) for name, value in fields.items()}
    command = [sys.executable, "-m", "tributary", *(words or ("serve",))]
    return subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def fails(fields: dict[str, Any]) -> str:
    """What it says on stderr, which is one sentence, as it ends."""
    process = start(fields)
    _, said = process.communicate(timeout=60)
    assert process.returncode not in {0, None}
    assert "Traceback" not in said
    return said.strip().splitlines()[-1]


def test_it_serves_until_sigterm_and_gives_the_lane_back(serving_world: ServingWorld, database_url: str) -> None:
    process = start(serving_world.settings(database_url, lane=1))
    try:
        said = next(line for line in process.stdout if line.startswith("Serving "))
        address = said.split()[1]
        assert httpx.get(f"{address.removesuffix('/v1')}/ready", trust_env=False).json()["status"] == "ready"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
    with running(serving_world.settings(database_url, lane=1)) as again:
        assert again.gateway.journal.available


def test_a_taken_port_is_named(serving_world: ServingWorld, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 is taken" in fails(serving_world.settings(database_url, port=port))


def test_without_postgresql_or_a_node_it_ends_with_one_sentence(serving_world: ServingWorld, database_url: str) -> None:
    fields = serving_world.settings(database_url)
    assert "PostgreSQL" in fails(fields | {"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    assert "No L2 node answers" in fails(fields | {"l2_rpc_url": "http://127.0.0.1:1"})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"lane": 77}, "not registered for lane 77"),
        ({"lane_key": "0x12"}, "SERVING_LANE_KEY is wrong"),
        ({"operator": "me"}, "SERVING_OPERATOR is wrong"),
        ({"models_dir": "/nowhere"}, "manifest.json"),
        ({"deployments_dir": "/nowhere"}, "no deployment"),
    ],
)
def test_a_wrong_setting_is_named(
    serving_world: ServingWorld, database_url: str, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(TributaryError) as refusal, running(serving_world.settings(database_url) | change):
        pass
    assert sentence in str(refusal.value)
    assert "0x12" not in str(refusal.value)  # a secret is not repeated


def test_a_chain_of_another_id_is_refused(serving_world: ServingWorld, database_url: str) -> None:
    """An L1 in the place of the L2: there is no deployment for it."""
    settings = serving_world.settings(database_url, l2_rpc_url=serving_world.flow.devnet.l1_url)
    with pytest.raises(DeploymentMissingError, match="no deployment for chain 900"), running(settings):
        pass


def test_a_second_gateway_on_the_lane_is_refused(serving_world: ServingWorld, database_url: str) -> None:
    settings = serving_world.settings(database_url, lane=1)
    with running(settings), pytest.raises(LaneFencedError, match="Another gateway serves lane 1"), running(settings):
        pass


def test_a_key_that_the_operator_gives_serves_a_payer_whose_cap_is_on_chain(
    serving_world: ServingWorld, database_url: str
) -> None:
    """The way of smart accounts, which register a cap and can't sign one."""
    flow, settings = serving_world.flow, serving_world.settings(database_url, lane=1)
    payer = address_of(serving_world.deposit("smart account", 10**7))
    cap = flow.escrow.register_cap(serving_world.operator, 10**6, flow.devnet.now() + 30 * DAY)
    flow.send(cap, flow.sender("smart account"))
    flow.devnet.l2.mine(40)
    key, said = start(settings, "key", to_hex(payer)).communicate(timeout=60)
    assert key.startswith("sk-trib-"), said
    with running(settings) as gateway, gateway.client(key.strip()) as http:
        ask = {"model": "quill", "prompt": "All the world", "max_tokens": 3}
        assert http.post("/v1/completions", json=ask).json()["receipt"]["receipt"]["payer"] == to_hex(payer)
