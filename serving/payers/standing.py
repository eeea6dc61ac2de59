"""The cap that a batch can count on, from what stands on chain and what was signed since.

The rule is PaymentEscrow.authorize's: an authorization counts if it is better than what stands and not dead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.chain.structs import Account
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.units import POST_DEADLINE_SECONDS


@dataclass(frozen=True, slots=True)
class Standing:
    """A bound on everything ever collected, the last second it holds, and up to where other permissions are dead."""

    cap_units: int
    valid_until: int
    dead_valid_until: int

    def is_improved_by(self, authorization: SpendAuthorization, now: int) -> bool:
        """Whether PaymentEscrow would take the authorization in the place of what stands."""
        if authorization.valid_until <= max(self.dead_valid_until, now):
            return False
        if self.valid_until < now:
            return True
        cap, valid_until = authorization.cumulative_cap_units, authorization.valid_until
        not_worse = cap >= self.cap_units and valid_until >= self.valid_until
        return not_worse and (cap, valid_until) != (self.cap_units, self.valid_until)

    def improved_by(self, authorization: SpendAuthorization, now: int) -> Standing:
        if not self.is_improved_by(authorization, now):
            return self
        return Standing(authorization.cumulative_cap_units, authorization.valid_until, self.dead_valid_until)


def on_chain(account: Account, now: int) -> Standing:
    """What a batch posted within POST_DEADLINE can count on without further signatures.

    A lowering that takes effect before then already counts: the receipt of this request may meet it.
    """
    if 0 < account.lowering_at <= now + POST_DEADLINE_SECONDS:
        lowered = account.lowered_valid_until
        return Standing(account.lowered_cap_units, lowered, max(lowered, account.dead_valid_until))
    return Standing(account.cap_units, account.valid_until, account.dead_valid_until)


def standing(account: Account, authorizations: Iterable[SpendAuthorization], now: int) -> Standing:
    """What a batch can count on, once the batcher has submitted the best of the authorizations."""
    result = on_chain(account, now)
    for authorization in sorted(authorizations, key=lambda a: (a.valid_until, a.cumulative_cap_units)):
        result = result.improved_by(authorization, now)
    return result
