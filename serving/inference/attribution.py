"""Whose data an answer drew on, for assets whose terms leave that to the operator."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from ledger.protocol.attribution import (
    METHOD_WORD,
    AttributionSet,
    CorpusEntry,
    Finder,
    Method,
    Span,
    attribute,
    parameters_listing,
    params_hash,
)
from ledger.protocol.attribution.transcript import exchanged
from serving.catalogue.served import PinnedModel
from serving.inference.call import Call
from serving.journal.records import NOBODY, MadeBy, UnlicensedUse


@dataclass(frozen=True, slots=True)
class AnsweredText:
    """What an attributor looks at: the request, and the text of each choice."""

    model: PinnedModel
    call: Call
    answers: tuple[str, ...]


class Attributed(NamedTuple):
    """A set, what made it, and what was found in datasets that the terms do not admit."""

    entries: AttributionSet
    made_by: MadeBy = NOBODY
    unlicensed: tuple[UnlicensedUse, ...] = ()


BY_TERMS: Final = Attributed(())
"""No set: the terms' weights."""


class Attributor(Protocol):
    """Finds the registered datasets that an answer drew on."""

    async def attribute(self, answered: AnsweredText) -> Attributed:
        """The set; empty for "by the terms' weights". Asked only for answers that are paid, in mode `operator`."""

    def parameters(self) -> bytes | None:
        """The listing whose keccak256 is the parameters' hash, None where no sets are made."""


class TermsWeights:
    """Leaves every answer to the weights in its asset's terms."""

    async def attribute(self, answered: AnsweredText) -> Attributed:  # noqa: ARG002  the interface's
        """No set."""
        return BY_TERMS

    def parameters(self) -> bytes | None:
        return None


class TextAttributor:
    """Finds an answer's words among the registered datasets; what they do not explain goes by the adapter's prior."""

    def __init__(self, finder: Finder, corpus: Sequence[CorpusEntry], method: Method) -> None:
        """Take who knows the texts, which datasets' texts those are, and the method. The finder is asked in threads."""
        self._finder = finder
        self._method = method
        self._listing = parameters_listing(method.parameters, corpus)
        self._made_by = MadeBy(METHOD_WORD, params_hash(method.parameters, corpus))

    async def attribute(self, answered: AnsweredText) -> Attributed:
        """The set of `docs/spec/attribution.md`. In a thread of its own: a long answer must not hold up the others."""
        return await asyncio.to_thread(self._attribute, answered)

    def parameters(self) -> bytes | None:
        return self._listing

    def _attribute(self, answered: AnsweredText) -> Attributed:
        model = answered.model
        texts = exchanged(answered.call.fields, answered.answers)
        found = attribute(texts, self._finder, model.admitted, model.prior, self._method)
        # What was registered after the asset may have been taken from its answers.
        unlicensed = (s for s in found.unlicensed if s.asset_id not in model.licensed and s.asset_id < model.asset_id)
        return Attributed(found.entries, self._made_by, tuple(map(_use, unlicensed)))


def _use(span: Span) -> UnlicensedUse:
    return UnlicensedUse(span.asset_id, span.path, span.offset, span.end - span.start, span.millibits)
