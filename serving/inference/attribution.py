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
)
from ledger.protocol.attribution.transcript import exchanged
from ledger.protocol.keccak import keccak256
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
    """A set, what made it, and what was found in datasets that the terms do not admit.

    `parameters` is the listing whose keccak256 `made_by` names; None where nobody made a set.
    """

    entries: AttributionSet
    made_by: MadeBy = NOBODY
    unlicensed: tuple[UnlicensedUse, ...] = ()
    parameters: bytes | None = None


BY_TERMS: Final = Attributed(())
"""No set: the terms' weights."""


class Attributor(Protocol):
    """Finds the registered datasets that an answer drew on."""

    async def attribute(self, answered: AnsweredText) -> Attributed:
        """The set; empty for "by the terms' weights". Asked for every answer that is paid."""

    def parameters(self) -> bytes | None:
        """The listing whose keccak256 is the parameters' hash of sets made now, None where no sets are made."""

    def listing(self, params_hash: bytes) -> bytes | None:
        """The listing of this hash, if sets were made by it since the gateway began."""

    async def look(self) -> None:
        """Takes up what is new about the datasets. What can't be taken up is logged and leaves all as it was."""


class TermsWeights:
    """Leaves every answer to the weights in its asset's terms."""

    async def attribute(self, answered: AnsweredText) -> Attributed:  # noqa: ARG002  the interface's
        """No set."""
        return BY_TERMS

    def parameters(self) -> bytes | None:
        return None

    def listing(self, params_hash: bytes) -> bytes | None:  # noqa: ARG002  the interface's
        return None

    async def look(self) -> None:
        """Nothing can be new."""


class TextAttributor:
    """Finds an answer's words among these registered datasets; what they do not explain goes by the adapter's prior."""

    def __init__(self, finder: Finder, corpus: Sequence[CorpusEntry], method: Method) -> None:
        """Take who knows the texts, which datasets' texts those are, and the method. The finder is asked in threads."""
        self._finder = finder
        self._method = method
        self.parameters = parameters_listing(method.parameters, corpus)
        self.made_by = MadeBy(METHOD_WORD, keccak256(self.parameters))

    async def attribute(self, answered: AnsweredText) -> Attributed:
        """The set of `docs/spec/attribution.md`. In a thread of its own: a long answer must not hold up the others."""
        return await asyncio.to_thread(self._attribute, answered)

    def _attribute(self, answered: AnsweredText) -> Attributed:
        model = answered.model
        texts = exchanged(answered.call.fields, answered.answers)
        found = attribute(texts, self._finder, model.admitted, model.prior, self._method)
        # What was registered after the asset may have been taken from its answers.
        unlicensed = (s for s in found.unlicensed if s.asset_id not in model.licensed and s.asset_id < model.asset_id)
        return Attributed(found.entries, self.made_by, tuple(map(_use, unlicensed)), self.parameters)


def _use(span: Span) -> UnlicensedUse:
    return UnlicensedUse(span.asset_id, span.path, span.offset, span.end - span.start, span.millibits)
