"""Effective shares: an asset's own split and its ancestors', flattened, in units of 1e-12 that sum to exactly 1e12.

Source: docs/spec/contracts.md and docs/spec/money.md; the NatSpec of IAttributionRegistry.effectiveShares.
"""

from collections.abc import Iterable, Sequence

from ledger.protocol.units import PPM, SHARE_ONE

Shares = tuple[tuple[bytes, int], ...]
"""(payee, units of 1e-12) in the order in which payees first get something; none is zero."""


def effective_shares(split: Sequence[tuple[bytes, int]], parents: Iterable[tuple[int, Shares]]) -> Shares:
    """The shares of a version with this split and these parents.

    Args:
        split: (payee, ppm) of the owners' own part; ppm sum to a million.
        parents: (ppm that goes to the parent, the parent's effective shares), in the order of the terms.
    """
    parents = list(parents)
    left_ppm = PPM - sum(ppm for ppm, _ in parents)
    amounts = [(payee, left_ppm * ppm) for payee, ppm in split]
    for parent_ppm, parent_shares in parents:
        rounded = [(payee, share * parent_ppm // PPM) for payee, share in parent_shares]
        pot = parent_ppm * (SHARE_ONE // PPM)
        first_payee, first_share = rounded[0]
        rounded[0] = (first_payee, first_share + pot - sum(share for _, share in rounded))
        amounts.extend(rounded)
    shares: dict[bytes, int] = {}
    for payee, amount in amounts:
        if amount:
            shares[payee] = shares.get(payee, 0) + amount
    return tuple(shares.items())
