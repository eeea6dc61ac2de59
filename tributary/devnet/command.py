"""`tributary devnet up|down|status`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.table import Table

from ledger.config import state_folder
from ledger.errors import ProcessFailedError, UsageError
from tributary.devnet.accounts import dev_accounts
from tributary.devnet.network import Devnet
from tributary.devnet.node import Node
from tributary.devnet.state import ENVIRONMENT_FILE, DevnetState
from tributary.devnet.supersim import L1_CHAIN_ID, L2_CHAIN_ID, Ports

STOP_SECONDS = 15.0

app = typer.Typer(
    help="An L1 (chain 900) and an OP Stack L2 (chain 901) on this machine, with Optimism's own contracts and ten "
    "funded accounts. Nothing leaves the machine, and nothing on these chains is worth anything.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)

Name = Annotated[str, typer.Option(help="Which devnet, if there are several side by side.")]


@app.command()
def up(
    name: Name = "default",
    l1_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the L1; 0 takes a free one.")] = 0,
    l2_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the L2; 0 takes a free one.")] = 0,
) -> None:
    """Start the chains in the background and print where they are."""
    folder = _folder(name)
    if _running(folder) is not None:
        raise UsageError(f"The devnet {name} is running already; `tributary devnet status` shows where.")
    folder.mkdir(parents=True, exist_ok=True)
    devnet = Devnet.start(folder, Ports(l1=l1_port, l2=l2_port), owned=False)
    assert devnet.process is not None
    state = DevnetState(
        pid=devnet.process.pid,
        started_at=psutil.Process(devnet.process.pid).create_time(),
        l1_url=devnet.l1_url,
        l2_url=devnet.l2_url,
        portal=f"0x{devnet.portal.hex()}",
        l1_messenger=f"0x{devnet.l1_messenger.hex()}",
    )
    state.write(folder, devnet.environment() | deployment_environment(folder))
    _show(state, folder)


@app.command()
def down(name: Name = "default") -> None:
    """Stop the chains and forget them."""
    folder = _folder(name)
    state = _running(folder)
    if state is not None:
        _end(state)
    shutil.rmtree(folder, ignore_errors=True)
    typer.echo(f"The devnet {name} is stopped." if state else f"The devnet {name} was not running.")


@app.command()
def status(name: Name = "default") -> None:
    """Show where the chains are and how far they have come; exit code 1 if they do not run."""
    folder = _folder(name)
    state = _running(folder)
    if state is None:
        raise UsageError(f"The devnet {name} is not running; `tributary devnet up` starts it.")
    _show(state, folder)


def deployment_environment(folder: Path) -> dict[str, str]:
    """Settings with which `tributary deploy` works on a devnet at once: a test token, and devnet accounts in all roles.

    The deployment file goes into the devnet's folder, since its addresses end with the devnet.
    """
    owner, *attesters = dev_accounts()[:4]
    return {
        "DEPLOYMENTS_DIR": str(folder / "deployments"),
        "DEPLOY_L1_CHAIN_ID": str(L1_CHAIN_ID),
        "DEPLOY_L2_CHAIN_ID": str(L2_CHAIN_ID),
        "DEPLOY_KEY": f"0x{owner.private_key.hex()}",
        "DEPLOY_TOKEN": "test",
        "DEPLOY_PROTOCOL_PPM": "25000",
        "DEPLOY_PROTOCOL_PAYEE": f"0x{owner.address.hex()}",
        "DEPLOY_ATTESTERS": ",".join(f"0x{attester.address.hex()}" for attester in attesters),
        "DEPLOY_QUORUM": "2",
        "DEPLOY_GOVERNOR": f"0x{owner.address.hex()}",
    }


def _folder(name: str) -> Path:
    if not name or Path(name).name != name:
        raise UsageError(f"{name!r} can not name a devnet; take a plain word.")
    return state_folder() / "devnet" / name


def _running(folder: Path) -> DevnetState | None:
    state = DevnetState.read(folder)
    return state if state is not None and state.process() is not None else None


def _end(state: DevnetState) -> None:
    guard = state.process()
    if guard is None:
        return
    guard.terminate()
    try:
        guard.wait(STOP_SECONDS)
    except psutil.TimeoutExpired as error:
        raise ProcessFailedError(f"The devnet does not stop; its process is {state.pid}.") from error


def _show(state: DevnetState, folder: Path) -> None:
    table = Table("", "chain", "RPC address", "latest", "finalized", title_justify="left")
    for label, chain_id, url in (("L1", L1_CHAIN_ID, state.l1_url), ("L2", L2_CHAIN_ID, state.l2_url)):
        with Node(url) as node:
            table.add_row(label, str(chain_id), url, str(node.block_number()), str(node.block_number("finalized")))
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    console.print(f"L1 blobs are served at {state.l1_url}")
    console.print(f"OptimismPortal {state.portal}, L1CrossDomainMessenger {state.l1_messenger}")
    console.print(f"To use it: tributary --env-file {folder / ENVIRONMENT_FILE} deploy")
