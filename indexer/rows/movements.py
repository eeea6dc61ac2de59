"""What an event moves from bucket to bucket, and which transfer of the token should go with it.

The buckets are those of the conservation identity (`ledger.db.models.indexer_movements`). Events say what was meant;
`transfers` holds them against what the token did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.chain.events import blob_demands, operators, payment_escrow, receipt_ledger, royalty_distributor
from ledger.db.models.indexer_movements import HELD

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.chain.deployment import L2Deployment


class Account(NamedTuple):
    """A place where units are: a bucket, the contract that holds it (None outside), and whose they are."""

    bucket: str
    contract: bytes | None
    holder: bytes
    counterparty: bytes | None = None


class Move(NamedTuple):
    """Units that leave one account for another."""

    source: Account
    target: Account
    amount_units: int
    batch_id: int | None = None

    @property
    def transfer(self) -> tuple[bytes | None, bytes | None] | None:
        """The contracts between which the token must move; None if both sides are one contract's buckets."""
        if self.source.contract == self.target.contract:
            return None
        return self.source.contract, self.target.contract


@dataclass(frozen=True, slots=True)
class Mover:
    """Moves of each event, for one deployment."""

    contracts: L2Deployment

    def moves(self, event: Any) -> list[Move]:
        """What the event moves, in a fixed order; nothing for events that move no units."""
        rule = _RULES.get(type(event))
        return [] if rule is None else rule(self, event)

    def account(self, payer: bytes, operator: bytes) -> Account:
        """An escrow account; the operator's own is its deposit."""
        if payer == operator:
            return Account("operator_deposits", self.contracts.escrow, operator)
        return Account("escrow", self.contracts.escrow, payer, operator)

    def custody(self) -> Account:
        return Account("custody", self.contracts.escrow, self.contracts.escrow)

    def bond(self, operator: bytes) -> Account:
        return Account("bonds", self.contracts.operators, operator)

    def demands(self) -> Account:
        return Account("demand_deposits", self.contracts.blob_demands, self.contracts.blob_demands)

    def stray(self, contract: bytes, sender: bytes) -> Account:
        """Units that a contract holds for nobody."""
        return Account("stray", contract, contract, sender)


def _deposited(to: Mover, event: payment_escrow.Deposited) -> list[Move]:
    own = event.payer == event.operator
    source = Account("operator_deposits_in" if own else "payer_deposits_in", None, event.funder)
    return [Move(source, to.account(event.payer, event.operator), event.amount_units)]


def _withdrawn(to: Mover, event: payment_escrow.Withdrawn) -> list[Move]:
    own = event.payer == event.operator
    target = Account("operator_withdrawals" if own else "payer_withdrawals", None, event.payer)
    return [Move(to.account(event.payer, event.operator), target, event.amount_units)]


def _shortfall(to: Mover, event: payment_escrow.Shortfall) -> list[Move]:
    """The operator lends the payer what the commit then takes from the payer's account whole."""
    operator, payer = event.operator, event.payer
    return [Move(to.account(operator, operator), to.account(payer, operator), event.amount_units, event.batch_id)]


def _charged(to: Mover, event: receipt_ledger.BatchCommitted | receipt_ledger.BatchRefilled) -> list[Move]:
    return [
        Move(to.account(charge.payer, event.operator), to.custody(), charge.amount_units, event.batch_id)
        for charge in event.charges
    ]


def _debt_collected(to: Mover, event: payment_escrow.DebtCollected) -> list[Move]:
    operator = event.operator
    return [Move(to.account(event.payer, operator), to.account(operator, operator), event.amount_units)]


def _refunded(to: Mover, event: payment_escrow.Refunded) -> list[Move]:
    operator = event.operator
    return [
        Move(to.custody(), to.account(event.payer, operator), event.amount_units, event.batch_id),
        Move(to.custody(), to.account(operator, operator), event.operator_amount_units, event.batch_id),
    ]


def _released(to: Mover, event: payment_escrow.CustodyReleased) -> list[Move]:
    distributor = to.contracts.distributor
    target = Account("distributor", distributor, distributor)
    return [Move(to.custody(), target, event.amount_units, event.batch_id)]


def _claimed(to: Mover, event: royalty_distributor.Claimed) -> list[Move]:
    distributor = to.contracts.distributor
    target = Account("paid_out", None, event.payee, event.recipient)
    return [Move(Account("distributor", distributor, distributor), target, event.amount_units)]


def _bond_deposited(to: Mover, event: operators.BondDeposited) -> list[Move]:
    return [Move(Account("bonds_in", None, event.funder), to.bond(event.operator), event.amount_units)]


def _bond_withdrawn(to: Mover, event: operators.BondWithdrawn) -> list[Move]:
    target = Account("bond_withdrawals", None, event.operator)
    return [Move(to.bond(event.operator), target, event.amount_units)]


def _slashed(to: Mover, event: operators.BondSlashed) -> list[Move]:
    bond, batch_id = to.bond(event.operator), event.batch_id or None
    return [
        Move(bond, Account("challenger_rewards", None, event.challenger), event.reward_units, batch_id),
        Move(bond, Account("burned", None, event.operator), event.burned_units, batch_id),
    ]


def _demanded(to: Mover, event: blob_demands.BlobDemanded) -> list[Move]:
    source = Account("demand_deposits_in", None, event.demander)
    return [Move(source, to.demands(), event.deposit_units, event.batch_id)]


def _demand_ended(to: Mover, event: blob_demands.DemandAnswered | blob_demands.DemandReturned) -> list[Move]:
    """To the operator that posted the blob, or back."""
    payee = event.operator if isinstance(event, blob_demands.DemandAnswered) else event.demander
    return [Move(to.demands(), Account("demand_deposits_out", None, payee), event.deposit_units, event.batch_id)]


_RULES: dict[type, Callable[[Mover, Any], list[Move]]] = {
    payment_escrow.Deposited: _deposited,
    payment_escrow.Withdrawn: _withdrawn,
    payment_escrow.Shortfall: _shortfall,
    payment_escrow.DebtCollected: _debt_collected,
    payment_escrow.Refunded: _refunded,
    payment_escrow.CustodyReleased: _released,
    receipt_ledger.BatchCommitted: _charged,
    receipt_ledger.BatchRefilled: _charged,
    royalty_distributor.Claimed: _claimed,
    operators.BondDeposited: _bond_deposited,
    operators.BondWithdrawn: _bond_withdrawn,
    operators.BondSlashed: _slashed,
    blob_demands.BlobDemanded: _demanded,
    blob_demands.DemandAnswered: _demand_ended,
    blob_demands.DemandReturned: _demand_ended,
}


def is_held(account: Account) -> bool:
    """Whether a contract of ours holds the account."""
    return account.bucket in HELD
