"""Why a payer's side asks for nothing more.

UsageError
├── BudgetExhaustedError    the budget does not reach for the request
└── PayerStoppedError       a receipt did not hold, so nothing is signed any more
"""

from __future__ import annotations

from ledger.errors import UsageError


class BudgetExhaustedError(UsageError):
    """The budget does not reach for the request."""


class PayerStoppedError(UsageError):
    """A receipt did not hold, so nothing is signed any more."""
