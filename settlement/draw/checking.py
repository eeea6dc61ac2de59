"""The attester's check: every drawn receipt opened, or the root is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from ledger.attribution.errors import LibraryError
from ledger.db.models.settlement import DrawnReceipt
from ledger.errors import (
    MalformedInputError,
    NotFoundError,
    NotYetFinalError,
    TributaryError,
    UpstreamUnavailableError,
    WrongRootError,
)
from ledger.protocol.draw import ONE_IN, OPENING_WINDOW_SECONDS
from settlement.draw.drawing import drawn_receipts, registry_for
from settlement.draw.operators import OperatorAwayError
from settlement.legible import legible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session, sessionmaker

    from settlement.draw.drawing import Drawn
    from settlement.draw.judging import Judge
    from settlement.draw.operators import Operators
    from settlement.draw.seeds import Seeds

log = structlog.get_logger(__name__)

MOST_REASON: Final = 1_000
_MOST_UNANSWERED: Final = 3
"""Questions to one operator that may come to nothing in one look; the others' receipts must not wait for it."""

_REFUSING: Final = text("""
    SELECT d.batch_id, d.position, d.outcome, d.reason FROM drawn_receipts d
    JOIN batches b ON b.batch_id = d.batch_id
    WHERE d.outcome <> 'held' AND b.status = 'finalized' AND b.finalized_block_number <= :through
    ORDER BY d.batch_id, d.position LIMIT 1
""")
_NEWEST: Final = text(
    "SELECT max(committed_at) FROM batches WHERE status = 'finalized' AND finalized_block_number <= :through"
)
_PAID: Final = text("""
    SELECT batch_id FROM batches
    WHERE status = 'finalized' AND finalized_block_number <= :through AND batch_id = ANY(:batch_ids)
""")


@dataclass(frozen=True)
class Draw:
    """The draw as one attester does it.

    Attributes:
        sessions: of the attester's own database.
        one_in: how many receipts share one draw; the protocol's number, but in tests.
    """

    sessions: sessionmaker[Session]
    seeds: Seeds
    operators: Operators
    judge: Judge
    one_in: int = ONE_IN

    def look(self, through: int) -> Sequence[Drawn]:
        """Asks for every drawn receipt of batches committed up to an L2 block that is not opened yet; those it named.

        Raises:
            NotFoundError, LibraryError: this attester lacks a text or an adapter that it takes to judge one.
        """
        with self.sessions() as session:
            drawn = list(drawn_receipts(session, self.seeds, through, self.one_in))
        undecided: list[TributaryError] = []
        away: Counter[bytes] = Counter()
        for one in drawn:
            try:
                self._judge(one, away)
            except (NotFoundError, LibraryError) as error:
                log.warning("draw_undecided", batch_id=one.batch_id, position=one.position, reason=str(error))
                undecided.append(error)  # what it takes for one operator's must not keep the others' waiting
        if undecided:
            raise undecided[0]
        return drawn

    def require(self, through: int) -> None:
        """Nothing, if all that was drawn in batches that are finalised by an L2 block is opened and right.

        Raises:
            WrongRootError: it is not; the sentence names the first receipt.
            NotYetFinalError: this attester's L1 is too far behind to know what was drawn.
            NotFoundError, LibraryError: as `look`.
        """
        drawn = self.look(through)
        with self.sessions() as session:
            refusing = session.execute(_REFUSING, {"through": through}).first()
            newest = session.scalar(_NEWEST, {"through": through})
            waiting = _unopened(session, drawn, through)
        if newest is not None and self.seeds.after(newest) is None:
            raise NotYetFinalError("This attester's L1 node has not finalised the block that names the drawn receipts.")
        if refusing is None and waiting is not None:
            raise NotYetFinalError(
                f"Receipt {waiting.position} of batch {waiting.batch_id} was drawn and is not opened yet."
            )
        if refusing is not None:
            raise WrongRootError(
                f"Receipt {refusing.position} of batch {refusing.batch_id} was drawn and is {refusing.outcome}: "
                f"{refusing.reason}."
            )

    def findings(self) -> Sequence[DrawnReceipt]:
        """What came of every drawn receipt, the newest batch first."""
        with self.sessions() as session:
            rows = select(DrawnReceipt).order_by(DrawnReceipt.batch_id.desc(), DrawnReceipt.position)
            return list(session.scalars(rows))

    def _judge(self, drawn: Drawn, away: Counter[bytes]) -> None:
        """Asks for one opening, unless its operator is away: each question that nobody answers takes its time."""
        try:
            if away[drawn.operator] >= _MOST_UNANSWERED:
                raise OperatorAwayError("the operator does not answer, nor did it for others just now")
            opening = self.operators.open(drawn)
        except (UpstreamUnavailableError, MalformedInputError) as error:
            away[drawn.operator] += isinstance(error, OperatorAwayError)
            if self.seeds.now() > drawn.seed.timestamp + OPENING_WINDOW_SECONDS:
                self._note(drawn, "silent", str(error))
            return
        with self.sessions() as session:
            registry = registry_for(session, drawn)
        fault = self.judge.fault(drawn, opening, registry)
        if fault is not None:
            self._note(drawn, "different", fault)
            return
        left_out = ", ".join(map(str, self.judge.left_out(opening, registry)))
        unmatched = f"; not matched though the terms admit them: datasets {left_out}" if left_out else ""
        self._note(drawn, "held", f"opened; its set is that of the texts{unmatched}")

    def _note(self, drawn: Drawn, outcome: str, reason: str) -> None:
        """The newest outcome; but one that was seen to be different stays so."""
        row = {
            "digest31": drawn.digest31, "batch_id": drawn.batch_id, "position": drawn.position,
            "operator": drawn.operator, "seed_block": drawn.seed.block, "outcome": outcome, "reason": legible(reason, MOST_REASON),
        }  # fmt: skip
        with self.sessions.begin() as session:
            session.execute(
                delete(DrawnReceipt).where(
                    DrawnReceipt.digest31 == drawn.digest31, DrawnReceipt.outcome.not_in(("different", "held"))
                )
            )
            session.execute(insert(DrawnReceipt).values(**row).on_conflict_do_nothing())
        log.info("draw_judged", batch_id=drawn.batch_id, position=drawn.position, outcome=outcome)


def _unopened(session: Session, drawn: Sequence[Drawn], through: int) -> Drawn | None:
    """The first of them in a batch that counts by an L2 block of which nothing came yet: its operator has time still."""
    batch_ids = sorted({one.batch_id for one in drawn})
    paid = set(session.scalars(_PAID, {"through": through, "batch_ids": batch_ids}))
    known = set(session.scalars(select(DrawnReceipt.digest31).where(DrawnReceipt.batch_id.in_(batch_ids))))
    return next((one for one in drawn if one.batch_id in paid and one.digest31 not in known), None)
