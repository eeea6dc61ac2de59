"""Carries a plan out: sends what is missing, checks what stands, writes the deployment file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ledger.chain.deployment import Deployment, load_deployment
from ledger.chain.quantities import quantity
from ledger.errors import UsageError
from ledger.protocol.hexadecimal import to_hex
from tributary.contracts_build import artifacts as compiled_contracts
from tributary.deployment.creation import Report, carry_out
from tributary.deployment.journal import (
    Journal,
    deployment_path,
    journal_path,
    read_journal,
    write_deployment,
    write_journal,
)
from tributary.deployment.plan import plan_steps
from tributary.deployment.surroundings import check_surroundings, has_code, token_decimals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ledger.chain.sender import Sender
    from tributary.contracts_build import Artifact
    from tributary.deployment.parameters import Parameters


def deploy(
    parameters: Parameters,
    l1: Sender,
    l2: Sender,
    folder: Path,
    *,
    report: Report = lambda _step, _before: None,
    when_sent: Callable[[], None] = lambda: None,
) -> Deployment:
    """The deployment, with every contract on its chain and the file in `folder`.

    Both senders must hold the same key. Calling it again after any interruption goes on where it stopped. `report` is
    told of each contract that stands; `when_sent` is called once all transactions are out: a devnet mines there
    instead of waiting for its block time.

    Raises:
        SettingsError: a parameter is wrong, or the chains do not have what it names.
        UsageError: this chain already has a deployment, or the deployer was used in between.
    """
    parameters.check()
    refuse_second_deployment(folder, l1, l2)
    check_surroundings(parameters, l1, l2)
    artifacts = compiled_contracts()
    journal = _begin(parameters, artifacts, l1, l2, folder)
    steps = plan_steps(parameters, l2.address, {"L1": journal.l1_nonce, "L2": journal.l2_nonce}, artifacts)
    carry_out(steps, {"L1": l1, "L2": l2}, report, when_sent)
    addresses = {step.contract: step.address for step in steps}
    addresses.setdefault("TestToken", parameters.token or b"")
    path = deployment_path(folder, parameters.l2_chain_id)
    write_deployment(path, parameters, addresses, journal, token_decimals(l2, addresses["TestToken"]))
    journal_path(folder, parameters.l2_chain_id).unlink()
    return load_deployment(folder, parameters.l2_chain_id)


def refuse_second_deployment(folder: Path, l1: Sender, l2: Sender) -> None:
    """Stops a run that would leave two deployments of one chain, of which the stages see one.

    A file whose contracts are on neither chain is left over from a devnet that has ended, and may be overwritten.

    Raises:
        UsageError: the file names contracts that stand.
    """
    chain_id = l2.rpc.chain_id
    path = deployment_path(folder, chain_id)
    if not path.is_file():
        return
    found = load_deployment(folder, chain_id)
    if has_code(l2, found.l2.ledger) or has_code(l1, found.l1.blob_inbox):
        raise UsageError(
            f"Chain {chain_id} already has a deployment, in {path}; "
            "move that file away to deploy a second one, or set DEPLOYMENTS_DIR."
        )


def _begin(parameters: Parameters, artifacts: Mapping[str, Artifact], l1: Sender, l2: Sender, folder: Path) -> Journal:
    """The plan that an earlier run wrote, if it fits; else a new one, written down."""
    path = journal_path(folder, parameters.l2_chain_id)
    fresh = Journal(
        parameters=parameters.digest(),
        code=hashlib.sha256(b"".join(artifacts[name].bytecode for name in sorted(artifacts))).hexdigest(),
        deployer=to_hex(l2.address),
        l1_nonce=l1.next_nonce(),
        l2_nonce=l2.next_nonce(),
        l1_block=quantity(l1.rpc.call("eth_blockNumber")),
        l2_block=quantity(l2.rpc.call("eth_blockNumber")),
    )
    kept = read_journal(path)
    if kept is not None and _has_begun(kept, parameters, artifacts, l1, l2):
        if (kept.parameters, kept.code, kept.deployer) != (fresh.parameters, fresh.code, fresh.deployer):
            raise UsageError(
                f"An unfinished deployment ({path}) had other settings, code or key; "
                "restore them to finish it, or move the file away to begin anew."
            )
        return kept
    write_journal(path, fresh)
    return fresh


def _has_begun(
    journal: Journal, parameters: Parameters, artifacts: Mapping[str, Artifact], l1: Sender, l2: Sender
) -> bool:
    deployer = bytes.fromhex(journal.deployer[2:])
    steps = plan_steps(parameters, deployer, {"L1": journal.l1_nonce, "L2": journal.l2_nonce}, artifacts)
    return any(has_code(l2 if step.layer == "L2" else l1, step.address) for step in steps)
