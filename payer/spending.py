"""How much to sign: a cap that reaches a few requests ahead, never lower than before, never above the budget."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.protocol.units import DAY_SECONDS, POST_DEADLINE_SECONDS
from payer.errors import BudgetExhaustedError

_RENEWAL_SECONDS = 3_600
"""An authorization is renewed this long before the gateway would stop serving on it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a payer allows one operator.

    Attributes:
        budget_units: most that may ever be collected, all that was signed before included.
        ahead_requests: for how many requests of the present one's size a new cap is to reach.
        days: how long a new authorization lasts.
    """

    budget_units: int
    ahead_requests: int
    days: int


@dataclass(frozen=True, slots=True)
class Account:
    """One payer with one operator, as its own book has it.

    Attributes:
        base_units: what others may have signed or been charged before this book; counted as spent.
        spent_units: fees of receipts in the book.
        open_units: the most that requests without a receipt may cost.
        cap_units, valid_until: the highest authorization that was signed; 0 before the first.
    """

    base_units: int
    spent_units: int
    open_units: int
    cap_units: int
    valid_until: int

    @property
    def owed_units(self) -> int:
        """The most that may have to be paid, all that is open included."""
        return self.base_units + self.spent_units + self.open_units


def next_cap(account: Account, limits: Limits, most_units: int, now: int) -> tuple[int, int] | None:
    """Cap and end of the authorization to sign before a request that may cost `most_units`; None if what stands reaches.

    Raises:
        BudgetExhaustedError: not even the whole budget leaves a unit for the request, or more was signed already.
    """
    if account.cap_units > limits.budget_units:
        raise BudgetExhaustedError(
            f"A cap of {account.cap_units} units was signed already, above the budget of {limits.budget_units}; it can be "
            "lowered only on chain (PaymentEscrow.lowerCap)."
        )
    if account.owed_units >= limits.budget_units:
        raise BudgetExhaustedError(
            f"The budget of {limits.budget_units} units is used up: {account.spent_units + account.base_units} units are "
            f"spent and {account.open_units} more may be."
        )
    reaches = account.cap_units >= min(account.owed_units + most_units, limits.budget_units)
    lasts = account.valid_until - POST_DEADLINE_SECONDS - _RENEWAL_SECONDS > now
    if reaches and lasts:
        return None
    wanted = account.owed_units + most_units * limits.ahead_requests
    cap = account.cap_units if reaches else min(max(wanted, account.cap_units), limits.budget_units)
    # An authorization must raise one of the two and lower neither: the end may never come nearer.
    return cap, max(account.valid_until, now + limits.days * DAY_SECONDS)
