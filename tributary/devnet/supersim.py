"""Starts supersim and learns from it where its chains and contracts are."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import ProcessFailedError, RpcUnavailableError
from tributary.devnet.node import Node
from tributary.guarded import GuardedProcess
from tributary.ports import LOOPBACK, require_free
from tributary.toolchain import environment_with_tools, find_tool

L1_CHAIN_ID = 900
L2_CHAIN_ID = 901
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports to listen on; 0 lets the system choose a free one."""

    l1: int = 0
    l2: int = 0
    admin: int = 0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a devnet answers: RPC addresses, and the L1 contracts that reach its L2 (20 bytes each)."""

    l1_url: str
    l2_url: str
    portal: bytes
    l1_messenger: bytes


def start_supersim(folder: Path, ports: Ports, *, owned: bool, keep_logs: bool = True) -> GuardedProcess:
    """Start supersim with its logs and temporary files below `folder`; returns before it is ready.

    At its end its temporary files are deleted, without `keep_logs` the whole folder.

    Raises:
        PortTakenError: somebody listens on a port that was asked for.
        ToolMissingError: supersim or anvil is not installed.
    """
    for port in (ports.l1, ports.l2, ports.admin):
        require_free(port)
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    program = [
        *(str(find_tool("supersim")), "--l2.count", "1", "--log.format", "json"),
        *("--l1.host", LOOPBACK, "--l2.host", LOOPBACK, "--logs.directory", str(folder)),
        *("--l1.port", str(ports.l1), "--l2.starting.port", str(ports.l2), "--admin.port", str(ports.admin)),
    ]
    log = folder / "supersim.log"
    log.unlink(missing_ok=True)
    environment = environment_with_tools(Path(__file__).parent / "bin")
    # supersim leaves its genesis files (11 MB a start) in TMPDIR, anvil what it keeps on disk below HOME.
    environment |= {"TRIBUTARY_ANVIL": str(find_tool("anvil")), "TMPDIR": str(scratch), "HOME": str(scratch)}
    return GuardedProcess(program, log, environment=environment, owned=owned, remove=scratch if keep_logs else folder)


def wait_until_ready(process: GuardedProcess) -> Addresses:
    """Addresses of the devnet, once both chains answer.

    Raises:
        ProcessFailedError: supersim ended, or both chains do not answer in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.exit_code() is not None:
            raise ProcessFailedError(f"The devnet did not start: {_reason(process.log_tail(200))}.")
        announcement = process.log_tail(500)
        urls = {int(chain): url for chain, url in re.findall(r"ChainID: (\d+)\s+RPC: (http://[\w.:]+)", announcement)}
        admin = re.search(r"Admin Server: (http://[\w.:]+)", announcement)
        if admin is not None and {L1_CHAIN_ID, L2_CHAIN_ID} <= urls.keys():
            return _addresses(urls[L1_CHAIN_ID], urls[L2_CHAIN_ID], admin[1])
        time.sleep(0.02)
    raise ProcessFailedError(f"The devnet did not start within {START_SECONDS:.0f} s; see {process.log}.")


def _addresses(l1_url: str, l2_url: str, admin_url: str) -> Addresses:
    # The admin server knows the contracts; of the ports it only knows which were asked for, so those come from the log.
    with Node(admin_url) as admin:
        contracts = admin.call("admin_getL1Addresses", L2_CHAIN_ID)
    _require_chain(l1_url, L1_CHAIN_ID)
    _require_chain(l2_url, L2_CHAIN_ID)
    return Addresses(
        l1_url=l1_url,
        l2_url=l2_url,
        portal=bytes.fromhex(contracts["OptimismPortalProxy"][2:]),
        l1_messenger=bytes.fromhex(contracts["L1CrossDomainMessengerProxy"][2:]),
    )


def _require_chain(url: str, chain_id: int) -> None:
    try:
        with Node(url) as node:
            served = node.chain_id()
    except RpcUnavailableError as error:
        raise ProcessFailedError(f"The devnet's chain {chain_id} does not answer at {url}.") from error
    if served != chain_id:
        raise ProcessFailedError(f"The devnet's node at {url} serves chain {served} instead of {chain_id}.")


def _reason(log: str) -> str:
    """The line of a log that says why: the first panic or error, else the last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith("panic:") or "error" in line.lower()]
    return (telling or lines or ["it said nothing"])[0].rstrip(".")
