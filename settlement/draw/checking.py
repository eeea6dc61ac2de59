"""The attester's check: every drawn receipt opened, or the root is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from ledger.db.models.settlement import DrawnReceipt
from ledger.errors import MalformedInputError, NotFoundError, UpstreamUnavailableError, WrongRootError
from ledger.protocol.draw import ONE_IN, OPENING_WINDOW_SECONDS
from settlement.draw.drawing import admitted_datasets, drawn_receipts, registered_contents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session, sessionmaker

    from settlement.draw.drawing import Drawn
    from settlement.draw.judging import Judge
    from settlement.draw.operators import Operators
    from settlement.draw.seeds import Seeds

log = structlog.get_logger(__name__)

_REFUSING: Final = text("""
    SELECT d.batch_id, d.position, d.outcome, d.reason FROM drawn_receipts d
    JOIN batches b ON b.batch_id = d.batch_id
    WHERE d.outcome <> 'held' AND b.status = 'finalized' AND b.finalized_block_number <= :through
    ORDER BY d.batch_id, d.position LIMIT 1
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
            NotFoundError: this attester lacks a text or an adapter that it takes to judge one.
        """
        with self.sessions() as session:
            drawn = list(drawn_receipts(session, self.seeds, through, self.one_in))
        for one in drawn:
            self._judge(one)
        return drawn

    def require(self, through: int) -> None:
        """Nothing, if all that was drawn in batches that are finalised by an L2 block is opened and right.

        Raises:
            WrongRootError: it is not; the sentence names the first receipt.
            NotFoundError: as `look`.
        """
        self.look(through)
        with self.sessions() as session:
            refusing = session.execute(_REFUSING, {"through": through}).first()
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

    def _judge(self, drawn: Drawn) -> None:
        try:
            opening = self.operators.open(drawn)
        except (UpstreamUnavailableError, MalformedInputError) as error:
            if self.seeds.now() > drawn.seed.timestamp + OPENING_WINDOW_SECONDS:
                self._note(drawn, "silent", str(error))
            return
        with self.sessions() as session:
            admitted, contents = admitted_datasets(session, drawn), registered_contents(session)
        try:
            fault = self.judge.fault(drawn, opening, admitted, contents)
        except NotFoundError as error:
            log.warning("draw_undecided", batch_id=drawn.batch_id, position=drawn.position, reason=str(error))
            raise
        self._note(drawn, "held" if fault is None else "different", fault or "opened; its set is that of the texts")

    def _note(self, drawn: Drawn, outcome: str, reason: str) -> None:
        """The newest outcome; but one that was seen to be different stays so."""
        row = {
            "digest31": drawn.digest31, "batch_id": drawn.batch_id, "position": drawn.position,
            "operator": drawn.operator, "seed_block": drawn.seed.block, "outcome": outcome, "reason": reason,
        }  # fmt: skip
        with self.sessions.begin() as session:
            session.execute(
                delete(DrawnReceipt).where(
                    DrawnReceipt.digest31 == drawn.digest31, DrawnReceipt.outcome.not_in(("different", "held"))
                )
            )
            session.execute(insert(DrawnReceipt).values(**row).on_conflict_do_nothing())
        log.info("draw_judged", batch_id=drawn.batch_id, position=drawn.position, outcome=outcome)
