"""The life of a distribution, as a table of allowed moves.

    computed ──► attested ──► submitted ──► active ──► paying ──► paid
       │            │  ▲          │  │
       ▼            │  └──────────┘  └──► disabled
    refused ◄───────┤   (its block was replaced)
       superseded ◄─┘

computed    the proposal is stored; attesters are being asked
attested    a quorum of signatures is stored
submitted   the contract holds the root; attesters may still disable it
active      the activation delay is over; payees can claim
paying      the claims to push are chosen and stored
paid        every pushed claim stands in a finalised block (paid, or skipped with the contract's reason)
refused     the attesters, or the contract, say that it is wrong
disabled    an attester disabled the root before it became active
superseded  another root took its index
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, update

from ledger.db.models.settlement import SettledDistribution
from ledger.errors import LaneFencedError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class State(StrEnum):
    COMPUTED = "computed"
    ATTESTED = "attested"
    SUBMITTED = "submitted"
    ACTIVE = "active"
    PAYING = "paying"
    PAID = "paid"
    REFUSED = "refused"
    DISABLED = "disabled"
    SUPERSEDED = "superseded"


MOVES: Final[dict[State, frozenset[State]]] = {
    State.COMPUTED: frozenset({State.ATTESTED, State.REFUSED, State.SUPERSEDED}),
    State.ATTESTED: frozenset({State.SUBMITTED, State.REFUSED, State.SUPERSEDED}),
    State.SUBMITTED: frozenset({State.ACTIVE, State.DISABLED, State.ATTESTED}),
    State.ACTIVE: frozenset({State.PAYING}),
    State.PAYING: frozenset({State.PAID}),
    State.PAID: frozenset(),
    State.REFUSED: frozenset(),
    State.DISABLED: frozenset(),
    State.SUPERSEDED: frozenset(),
}

ENDS: Final = frozenset(state for state, moves in MOVES.items() if not moves)


def move(
    session: Session,
    distribution: SettledDistribution,
    to: State,
    *,
    reason: str | None = None,
    activates_at: int | None = None,
) -> None:
    """Moves a distribution on, by compare-and-set on the state that `distribution` was read in.

    Raises:
        LaneFencedError: another process moved it meanwhile.
    """
    before = State(distribution.state)
    if to not in MOVES[before]:
        msg = f"a distribution can't go from {before} to {to}"
        raise ValueError(msg)
    changes: dict[str, object] = {"state": to.value, "reason": reason, "changed_at": func.now()}
    if activates_at is not None:
        changes["activates_at"] = activates_at
    moved = session.execute(
        update(SettledDistribution)
        .where(
            SettledDistribution.distribution_id == distribution.distribution_id,
            SettledDistribution.state == before.value,
        )
        .values(changes)
        .returning(SettledDistribution.distribution_id)
        .execution_options(synchronize_session=False)
    ).first()
    if moved is None:
        raise LaneFencedError(f"Another process moved distribution {distribution.distribution_id} on from {before}.")
