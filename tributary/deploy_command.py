"""`tributary deploy`: the contracts on an L1 and its L2, by settings alone."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.protocol.hexadecimal import checksum_address
from tributary.deployment.journal import deployment_path
from tributary.deployment.run import deploy as run_deployment
from tributary.deployment.settings import DeploySettings

if TYPE_CHECKING:
    from coincurve import PrivateKey

    from tributary.deployment.plan import Step


app = typer.Typer(help="Put the contracts on an L1 and its L2.", add_completion=False)


@app.command()
def deploy(
    folder: Annotated[
        Path | None, typer.Option("--deployments-dir", help="Folder of the deployment file [DEPLOYMENTS_DIR].")
    ] = None,
) -> None:
    """Deploy the contracts to an L1 and its OP Stack L2.

    Chains, keys and all that is fixed for ever come from the environment (docs/settings.md, "deploy").
    A run that was cut short goes on where it stopped; a chain that has a deployment is refused.
    """
    _deploy(DeploySettings.load(deployments_dir=folder), Console())


def _deploy(settings: DeploySettings, console: Console) -> None:
    parameters = settings.parameters()
    table = Table("chain", "contract", "address", "")
    with ExitStack() as stack:
        l1 = _sender(stack, settings.l1_rpc_url, parameters.l1_chain_id, "L1", settings.key)
        l2 = _sender(stack, settings.l2_rpc_url, parameters.l2_chain_id, "L2", settings.key)
        run_deployment(parameters, l1, l2, settings.deployments_dir, report=partial(_note, table))
    console.print(table)
    console.print(f"Written to {deployment_path(settings.deployments_dir, parameters.l2_chain_id)}", soft_wrap=True)


def _note(table: Table, step: Step, before: bool) -> None:
    table.add_row(step.layer, step.contract, checksum_address(step.address), "stood already" if before else "")


def _sender(stack: ExitStack, urls: tuple[str, ...], chain_id: int, name: str, key: PrivateKey) -> Sender:
    rpc = RpcClient(urls, chain_id, name=name)
    stack.callback(rpc.close)
    rpc.verify()
    return Sender(rpc, key)
