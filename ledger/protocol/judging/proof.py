"""A one-step fraud proof as data: the challenge, and its arguments with field elements still to be opened.

Source: docs/spec/contracts.md ("Challenges").
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ledger.protocol.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence


class Challenge(StrEnum):
    """The contract's functions that void a batch."""

    HEADER = "challengeHeader"
    ELEMENT = "challengeElement"
    CHARGE = "challengeCharge"
    RECEIPT = "challengeReceipt"
    NEIGHBOURS = "challengeNeighbours"
    PAYER_TOTAL = "challengePayerTotal"
    PAYER_LAST = "challengePayerLast"
    DUPLICATE = "challengeDuplicate"
    ALTERED = "challengeAltered"
    FIELD = "challengeField"
    SIGNED_FEE = "challengeSignedFee"
    SIGNED_SET = "challengeSignedSet"
    PRICE = "challengePrice"
    FLOOR = "challengeFloor"
    SET_PART = "challengeSetPart"
    SET_NEIGHBOURS = "challengeSetNeighbours"
    SET_SUM = "challengeSetSum"
    SET_POINTER = "challengeSetPointer"
    ADMISSION = "challengeAdmission"


@dataclass(frozen=True, slots=True)
class Element:
    """A field element that the challenge needs opened, by its position in the batch's run."""

    position: int


Argument = int | Element | tuple[Element, ...] | Receipt | bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """A fault and the challenge that proves it.

    Attributes:
        rule: the broken rule's name.
        challenge: the function to call.
        arguments: what it takes after the batch, in its own order.
        detail: the fault in a few words.
    """

    rule: str
    challenge: Challenge
    arguments: tuple[Argument, ...]
    detail: str

    @property
    def positions(self) -> tuple[int, ...]:
        """Field elements to open, in the order of the arguments."""
        return tuple(element.position for argument in self.arguments for element in _elements(argument))


def _elements(argument: Argument) -> Sequence[Element]:
    if isinstance(argument, Element):
        return (argument,)
    return argument if isinstance(argument, tuple) else ()
