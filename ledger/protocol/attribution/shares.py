"""From what each dataset owns of an answer to the attribution set.

Source: docs/spec/attribution.md, "Shares".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.protocol.attribution.sets import BY_TERMS, MAX_ENTRIES, AttributionSet, SetEntry, check_set
from ledger.protocol.units import PPM

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def by_text(weights: Mapping[int, int], total: int, admitted: Collection[int], least: int) -> dict[int, int]:
    """Ppm that each dataset earns by the words that it owns.

    Every division rounds down, so that a dataset cut in pieces never earns more than in one.

    Args:
        weights: what each dataset owns of the answer.
        total: the weight of the whole answer.
        admitted: datasets that the asset's terms admit; others earn nothing.
        least: a dataset that owns less earns nothing.
    """
    return {d: PPM * w // total for d, w in weights.items() if w and d in admitted and w >= least}


def set_of(*parts: Mapping[int, int]) -> AttributionSet:
    """The set that these shares add up to, assetId 0 with every rest.

    At most 16 entries: the largest shares (of equal ones the earlier registered); the tail goes by the terms.

    Raises:
        InvalidAttributionSetError: the shares are more than everything.
    """
    shares: dict[int, int] = {}
    for part in parts:
        for dataset, ppm in part.items():
            shares[dataset] = shares.get(dataset, 0) + ppm
    largest = sorted(((d, ppm) for d, ppm in shares.items() if ppm), key=lambda share: (-share[1], share[0]))
    whole = len(largest) <= MAX_ENTRIES and sum(shares.values()) == PPM
    kept = dict(largest if whole else largest[: MAX_ENTRIES - 1])
    if not kept:
        return ()
    if not whole:
        kept[BY_TERMS] = PPM - sum(kept.values())
    return check_set([SetEntry(*share) for share in sorted(kept.items())])
