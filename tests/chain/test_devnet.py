"""The devnet: two chains that stand side by side with others, move together, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ledger.errors import PortTakenError, ProcessFailedError, RpcUnavailableError, ToolMissingError
from tests.factories.outbox import mining
from tributary.devnet import Devnet
from tributary.devnet.node import Node
from tributary.devnet.supersim import Ports, start_supersim, wait_until_ready

pytestmark = pytest.mark.chain

DAY = 86_400


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def deposit_call(recipient: str) -> str:
    """OptimismPortal.depositTransaction(recipient, 1 wei, 100,000 gas, no creation, no data)."""
    words = [recipient[2:].rjust(64, "0"), f"{1:064x}", f"{100_000:064x}", f"{0:064x}", f"{160:064x}", f"{0:064x}"]
    return "0xe9e05c42" + "".join(words)


def test_both_chains_answer_and_the_accounts_are_funded(devnet: Devnet) -> None:
    assert (devnet.l1.chain_id(), devnet.l2.chain_id()) == (900, 901)
    assert len(devnet.accounts) == 10
    fresh = f"0x{devnet.accounts[9].address.hex()}"
    for node in (devnet.l1, devnet.l2):
        assert int(node.call("eth_getBalance", fresh, "latest"), 16) == 10_000 * 10**18
        assert node.call("eth_accounts")[9].lower() == fresh


def test_the_contracts_that_carry_messages_are_where_it_says(devnet: Devnet) -> None:
    for address in (devnet.portal, devnet.l1_messenger):
        assert len(devnet.l1.call("eth_getCode", f"0x{address.hex()}", "latest")) > 100


def deposit(devnet: Devnet, recipient: str) -> None:
    """One wei through the portal, in an L1 block."""
    sender = f"0x{devnet.accounts[8].address.hex()}"
    transaction = {"from": sender, "to": f"0x{devnet.portal.hex()}", "value": "0x1", "data": deposit_call(recipient)}
    # An estimate is too low whenever the block that it was made on has another deposit history than the next one.
    transaction["gas"] = hex(500_000)
    devnet.l1.call("eth_sendTransaction", transaction)
    devnet.l1.mine()


def received(devnet: Devnet, recipient: str) -> int:
    return int(devnet.l2.call("eth_getBalance", recipient, "latest"), 16)


def test_a_deposit_through_the_portal_arrives_on_l2(devnet: Devnet) -> None:
    recipient = "0x" + os.urandom(20).hex()
    deposit(devnet, recipient)
    wait_for(lambda: received(devnet, recipient) == 1)


def test_a_deposit_is_executed_once_however_many_mine(fresh_devnet: Devnet) -> None:
    recipient = "0x" + os.urandom(20).hex()
    fresh_devnet.l2_clock.set(0.01)
    with mining(fresh_devnet, pause_seconds=0.01), mining(fresh_devnet, pause_seconds=0.01):
        for count in range(1, 31):
            deposit(fresh_devnet, recipient)
            wait_for(lambda count=count: received(fresh_devnet, recipient) >= count)
    assert received(fresh_devnet, recipient) == count


def test_the_clock_mines_at_its_pace_and_stands_still_when_told(fresh_devnet: Devnet) -> None:
    before = fresh_devnet.l2.block_number()
    fresh_devnet.l2_clock.set(0.05)
    wait_for(lambda: fresh_devnet.l2.block_number() >= before + 3)
    fresh_devnet.l2_clock.set(0)
    fresh_devnet.l2.mine()  # behind whatever block was being made
    before = fresh_devnet.l2.block_number()
    time.sleep(0.3)
    assert fresh_devnet.l2.block_number() == before


def test_the_clocks_move_together_and_run_on(fresh_devnet: Devnet) -> None:
    before = fresh_devnet.now()
    assert fresh_devnet.advance(8 * DAY) == before + 8 * DAY
    assert fresh_devnet.l1.timestamp() == fresh_devnet.l2.timestamp() == before + 8 * DAY
    fresh_devnet.l1.mine(3)
    assert fresh_devnet.advance(DAY) == fresh_devnet.now()
    fresh_devnet.mine()
    assert before + 9 * DAY <= fresh_devnet.l2.timestamp() < before + 9 * DAY + 60


def test_finalize_makes_what_exists_final(fresh_devnet: Devnet) -> None:
    fresh_devnet.mine(2)
    heads = [node.block_number() for node in (fresh_devnet.l1, fresh_devnet.l2)]
    fresh_devnet.finalize()
    assert fresh_devnet.l1.block_number("finalized") >= heads[0]
    assert fresh_devnet.l2.block_number("finalized") >= heads[1]


def test_a_refused_transaction_of_any_length_does_not_hang_the_chain(fresh_devnet: Devnet) -> None:
    # anvil prints what it refuses on one line, and supersim reads no line over 64 KiB.
    for node in (fresh_devnet.l1, fresh_devnet.l2):
        for _ in range(3):
            with pytest.raises(RpcUnavailableError):
                node.call("eth_sendRawTransaction", "0x02" + "ab" * 140_000)
        assert node.block_number() >= 0


def test_a_long_lived_chain_keeps_the_states_that_finality_needs_and_no_more(fresh_devnet: Devnet) -> None:
    rich = f"0x{fresh_devnet.accounts[0].address.hex()}"
    fresh_devnet.mine(700)
    for node in (fresh_devnet.l1, fresh_devnet.l2):
        depth = node.block_number() - 100
        assert int(node.call("eth_getBalance", rich, hex(depth)), 16) == 10_000 * 10**18
    assert fresh_devnet.process is not None
    family = psutil.Process(fresh_devnet.process.pid).children(recursive=True)
    assert sum(process.memory_info().rss for process in family) < 1.8e9


def test_several_devnets_stand_side_by_side(devnet: Devnet, fresh_devnet: Devnet) -> None:
    before = devnet.now()
    fresh_devnet.advance(before - fresh_devnet.now() + 30 * DAY)
    assert len({devnet.l1_url, devnet.l2_url, fresh_devnet.l1_url, fresh_devnet.l2_url}) == 4
    assert devnet.now() < before + DAY


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} on 127.0.0.1 is taken"):
            Devnet.start(tmp_path, Ports(l2=port))


def test_a_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIBUTARY_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match=r"^supersim is not installed"):
        Devnet.start(tmp_path)


def test_a_devnet_that_dies_at_its_start_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIBUTARY_STATE_DIR", str(tmp_path))
    programs = tmp_path / "node_modules" / ".bin"
    programs.mkdir(parents=True)
    for name in ("anvil", "supersim"):
        (programs / name).write_text("#!/bin/sh\necho 'panic: no such luck' >&2\nexit 2\n")
        (programs / name).chmod(0o755)
    process = start_supersim(tmp_path, Ports(), owned=True)
    with pytest.raises(ProcessFailedError, match=r"^The devnet did not start: panic: no such luck\.$"):
        wait_until_ready(process)
    process.stop()


def test_a_node_that_is_gone_is_named() -> None:
    with Devnet.start() as gone:
        url = gone.l1_url
    with (
        Node(url) as node,
        pytest.raises(RpcUnavailableError, match=rf"^The node at {url} does not answer eth_chainId"),
    ):
        node.chain_id()


@pytest.mark.parametrize("folder", ["", "kept"])
def test_the_chains_end_when_their_owner_is_killed(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    source = (
        "import sys, time; from pathlib import Path; from tributary.devnet import Devnet;"
        f"Devnet.start({f'Path({str(tmp_path / folder)!r})' if folder else ''}); print('up', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        family = psutil.Process(owner.pid).children(recursive=True)
        assert {"anvil", "supersim"} <= {process.name() for process in family}
        owner.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(family, timeout=30)[1] == []
    wait_for(lambda: list((tmp_path / "temporary").iterdir()) == [])
    left = [file.name for file in sorted((tmp_path / folder).iterdir())] if folder else []
    assert left == (["anvil-900.log", "anvil-901.log", "supersim.log"] if folder else [])
