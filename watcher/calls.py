"""Proofs as calls of the contract: field elements opened, arguments in the function's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.chain.contracts.challenges import Challenges, CommittedBatch, Opening
from ledger.protocol.blob import kzg
from ledger.protocol.blob.layout import FES_PER_BLOB
from ledger.protocol.judging.proof import Challenge, Element

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ledger.chain.transaction import Call
    from ledger.protocol.judging.proof import Argument, Proof

FUNCTIONS: Final[Mapping[Challenge, Callable[..., Call]]] = {
    Challenge.HEADER: Challenges.challenge_header,
    Challenge.ELEMENT: Challenges.challenge_element,
    Challenge.CHARGE: Challenges.challenge_charge,
    Challenge.RECEIPT: Challenges.challenge_receipt,
    Challenge.NEIGHBOURS: Challenges.challenge_neighbours,
    Challenge.PAYER_TOTAL: Challenges.challenge_payer_total,
    Challenge.PAYER_LAST: Challenges.challenge_payer_last,
    Challenge.DUPLICATE: Challenges.challenge_duplicate,
    Challenge.ALTERED: Challenges.challenge_altered,
    Challenge.FIELD: Challenges.challenge_field,
    Challenge.SIGNED_FEE: Challenges.challenge_signed_fee,
    Challenge.SIGNED_SET: Challenges.challenge_signed_set,
    Challenge.PRICE: Challenges.challenge_price,
    Challenge.FLOOR: Challenges.challenge_floor,
    Challenge.SET_PART: Challenges.challenge_set_part,
    Challenge.SET_NEIGHBOURS: Challenges.challenge_set_neighbours,
    Challenge.SET_SUM: Challenges.challenge_set_sum,
    Challenge.SET_POINTER: Challenges.challenge_set_pointer,
    Challenge.ADMISSION: Challenges.challenge_admission,
}
"""The binding of each challenge; its parameters follow the contract's."""


class Openings:
    """Openings of a batch's field elements, each made once; about 80 ms each."""

    def __init__(self, blobs: Sequence[bytes]) -> None:
        """Take the batch's blobs, in order."""
        self._blobs = blobs
        self._made: dict[int, Opening] = {}

    def at(self, element: Element) -> Opening:
        """The opening of the element at a position of the run."""
        if element.position not in self._made:
            blob, index = divmod(element.position, FES_PER_BLOB)
            self._made[element.position] = Opening.of(kzg.open_at(self._blobs[blob], index))
        return self._made[element.position]


def challenge_call(challenges: Challenges, batch: CommittedBatch, proof: Proof, openings: Openings) -> Call:
    """The call that proves a fault."""
    arguments = [_opened(argument, openings) for argument in proof.arguments]
    return FUNCTIONS[proof.challenge](challenges, batch, *arguments)


def _opened(argument: Argument, openings: Openings) -> object:
    if isinstance(argument, Element):
        return openings.at(argument)
    return [openings.at(element) for element in argument] if isinstance(argument, tuple) else argument
