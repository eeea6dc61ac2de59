"""Sends the planned creations, all at once, and sees each of them through."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ledger.chain.transaction import Call
from ledger.errors import TransactionPendingError, UsageError
from ledger.protocol.hexadecimal import checksum_address
from tributary.deployment.plan import Step
from tributary.deployment.surroundings import has_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.chain.sender import Sender
    from ledger.chain.transaction import SignedTransaction
    from tributary.deployment.plan import Layer

Report = Callable[[Step, bool], None]
"""Told each step when its contract stands, and whether it stood before this run."""

_REPLACEMENTS = 3
_CONSTRUCTOR_GAS = 1_500_000
"""Room for what the constructors store and check."""


def carry_out(
    steps: Sequence[Step], senders: Mapping[Layer, Sender], report: Report, when_sent: Callable[[], None]
) -> None:
    """Returns when every contract stands.

    Raises:
        UsageError: a planned nonce was used for something else.
        TransactionPendingError: a creation is in no block after several raised fees; run again later.
    """
    missing = [step for step in steps if not has_code(senders[step.layer], step.address)]
    sent = [(step, _send(step, senders[step.layer])) for step in missing]
    when_sent()
    for step in steps:
        if step not in missing:
            report(step, True)
    for step, tx in sent:
        _see_through(step, tx, senders[step.layer])
        report(step, False)


def _send(step: Step, sender: Sender) -> SignedTransaction:
    mined = sender.mined_nonce()
    if mined > step.nonce:
        raise UsageError(
            f"{step.contract} was planned for transaction {step.nonce} of {checksum_address(sender.address)} on "
            f"{step.layer}, but {mined} are mined already and it is not there: the key was used in between. "
            "Move the .partial.json file away to begin anew, with a key that nothing else uses."
        )
    # The gas is reckoned, not estimated: the ledger's constructor asks contracts that are not mined yet.
    tx = sender.sign(Call(b"", step.creation_code), nonce=step.nonce, gas_limit=_gas_limit(step))
    sender.broadcast(tx)
    return tx


def _see_through(step: Step, tx: SignedTransaction, sender: Sender) -> None:
    sent = [tx]
    for left in range(_REPLACEMENTS, -1, -1):
        try:
            receipt = sender.wait([each.hash for each in sent])
            break
        except TransactionPendingError:
            if not left:
                raise
            sent.append(sender.replacement(sent[-1]))
            sender.broadcast(sent[-1])
    else:
        raise AssertionError  # the loop breaks or raises
    sender.succeeded(receipt, tx.transaction.call)
    if not has_code(sender, step.address):
        raise UsageError(f"{step.contract} is not at {checksum_address(step.address)} after its creation.")


def _gas_limit(step: Step) -> int:
    """200 gas for each byte of code stored, at most 40 for each byte sent and its hashing, and the constructor's work."""
    return 53_000 + 240 * len(step.creation_code) + _CONSTRUCTOR_GAS
