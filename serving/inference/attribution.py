"""Whose data an answer drew on, for assets whose terms leave that to the operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ledger.protocol.attribution import AttributionSet
from serving.catalogue.served import PinnedModel
from serving.inference.call import Call


@dataclass(frozen=True, slots=True)
class AnsweredText:
    """What an attributor looks at."""

    model: PinnedModel
    call: Call
    text: str


class Attributor(Protocol):
    """Finds the registered datasets that an answer drew on."""

    async def attribute(self, answered: AnsweredText) -> AttributionSet:
        """The set; empty for "by the terms' weights". Asked only for answers that are paid, in mode `operator`."""


class TermsWeights:
    """Leaves every answer to the weights in its asset's terms."""

    async def attribute(self, answered: AnsweredText) -> AttributionSet:  # noqa: ARG002  the interface's
        """No set."""
        return ()
