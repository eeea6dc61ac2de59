"""`attr/1`: whose data an answer drew on, as far as its words show, and an agreed prior for the rest.

Pure and in integers: anyone who has the texts gets the same set, bit for bit, whatever they search with.
Source: docs/spec/attribution.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from ledger.protocol.attribution.ownership import NOBODY, Claim, Span, claims_of, spans_of
from ledger.protocol.attribution.shares import by_text, set_of
from ledger.protocol.attribution.windows import echoed, windows_of
from ledger.protocol.units import PPM

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ledger.protocol.attribution.finding import Finder
    from ledger.protocol.attribution.parameters import Method
    from ledger.protocol.attribution.prior import Prior
    from ledger.protocol.attribution.sets import AttributionSet


class Texts(NamedTuple):
    """One answer as its client saw it: a text for each choice; and what it was asked, a text for each message."""

    answers: tuple[str, ...]
    prompts: tuple[str, ...]


@dataclass(frozen=True)
class Attribution:
    """What the function says of one answer.

    Attributes:
        entries: the set for the receipt; empty where it would hold assetId 0 alone.
        claims: who owns each unit of each answer text, and by which passage.
        weights: thousandths of a bit of the answer that each dataset owns.
        total: thousandths of a bit of the whole answer.
        admitted: datasets that the asset's terms admit.
    """

    entries: AttributionSet
    claims: tuple[Claim, ...]
    weights: Mapping[int, int]
    total: int
    admitted: frozenset[int]

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """Passages of the answer that stand in a dataset, each with its place there."""
        return tuple(span for number, claim in enumerate(self.claims) for span in spans_of(number, claim))

    @property
    def unlicensed(self) -> tuple[Span, ...]:
        """Passages that stand in datasets which the asset's terms do not admit."""
        if self.admitted.issuperset(self.weights):
            return ()
        return tuple(span for span in self.spans if span.asset_id not in self.admitted)


def attribute(texts: Texts, finder: Finder, admitted: Collection[int], prior: Prior, method: Method) -> Attribution:
    """The attribution of an answer.

    Args:
        texts: the answer and what it was asked.
        finder: over the text of every dataset of the corpus, admitted or not, and the background.
        admitted: assetIds of the datasets that the asset's terms admit.
        prior: how what no text explains is shared; `NO_PRIOR` where none is committed.
        method: the function's parameters and tables.
    """
    prompts = [method.folding.units(prompt) for prompt in texts.prompts]
    answers = [method.folding.units(answer) for answer in texts.answers]
    claims = [_claims(units, prompts, finder, method) for units in answers]
    weights: dict[int, int] = {}
    for claim in claims:
        for owner, millibits in zip(claim.owners, claim.millibits, strict=True):
            weights[owner] = weights.get(owner, 0) + millibits
    total = sum(weights.values())
    held = {owner: weight for owner, weight in weights.items() if owner > NOBODY}
    by_words = by_text(held, total, admitted, method.parameters.claim_millibits)
    by_prior = prior.admitting(admitted).divide(PPM - sum(by_words.values()), chain.from_iterable(answers))
    return Attribution(
        set_of(by_words, by_prior),
        tuple(claims),
        held,
        total,
        frozenset(admitted),
    )


def _claims(units: Sequence[str], prompts: Sequence[Sequence[str]], finder: Finder, method: Method) -> Claim:
    windows = windows_of(units, method)
    return claims_of(method.surprisal.of(units), windows, finder.first(units, windows), echoed(windows, units, prompts))
