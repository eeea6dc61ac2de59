"""From what each dataset owns of an answer to the attribution set.

Source: docs/spec/attribution.md, "Shares".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.errors import InvalidAttributionSetError
from ledger.protocol.attribution.sets import BY_TERMS, MAX_ENTRIES, AttributionSet, SetEntry, check_set
from ledger.protocol.units import PPM

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def set_of(
    weights: Mapping[int, int], total: int, admitted: Collection[int], prior: Mapping[int, int], least: int
) -> AttributionSet:
    """The set: text first, then the prior on what is left, and assetId 0 with every rest.

    Every division rounds down, so that a dataset cut in pieces never earns more than in one.

    Args:
        weights: what each dataset owns of the answer.
        total: the weight of the whole answer.
        admitted: datasets that the asset's terms admit; others earn nothing.
        prior: ppm of the rest to each dataset.
        least: a dataset that owns less is not credited by text.

    Raises:
        InvalidAttributionSetError: a prior that shares out more than everything, or less than nothing.
    """
    if sum(prior.values()) > PPM or any(ppm < 0 for ppm in prior.values()):
        raise InvalidAttributionSetError("a prior's ppm must not be negative, nor sum to more than 1000000")
    by_text = {d: PPM * w // total for d, w in weights.items() if d in admitted and w >= least}
    rest = PPM - sum(by_text.values())
    shares = dict(by_text)
    for dataset, ppm in prior.items():
        if dataset in admitted:
            shares[dataset] = shares.get(dataset, 0) + rest * ppm // PPM
    return _folded({dataset: ppm for dataset, ppm in shares.items() if ppm})


def _folded(shares: Mapping[int, int]) -> AttributionSet:
    """At most 16 entries: the largest shares (of equal ones the earlier registered), the tail by the terms."""
    largest = sorted(shares.items(), key=lambda share: (-share[1], share[0]))
    whole = len(largest) <= MAX_ENTRIES and sum(shares.values()) == PPM
    kept = dict(largest if whole else largest[: MAX_ENTRIES - 1])
    if not kept:
        return ()
    if not whole:
        kept[BY_TERMS] = PPM - sum(kept.values())
    return check_set([SetEntry(*share) for share in sorted(kept.items())])
