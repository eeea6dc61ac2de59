"""A distributor stage whose indexes all hold the same history of batches, except where a test damages one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import ledger.db.models  # noqa: F401  (registers the tables)
from ledger.db.base import Base
from ledger.db.session import open_engine
from ledger.protocol.entitlement import EffectiveShare, RoyaltyTerms
from ledger.protocol.units import SHARE_ONE
from tests.factories.distributor_stage import Stage
from tests.factories.history import History, PastBatch, Use, write_batch, write_registry

OPERATOR, PROTOCOL = b"\xcc" * 20, b"\xee" * 20
ALICE, BOB, CAROL = b"\xa1" * 20, b"\xb2" * 20, b"\xc3" * 20
TERMS = RoyaltyTerms(
    royalty_ppm=400_000,
    data_ppm=0,
    by_attribution=False,
    datasets=frozenset(),
    effective=(
        EffectiveShare(ALICE, 700_000_000_001),
        EffectiveShare(BOB, SHARE_ONE - 700_000_000_002),
        EffectiveShare(CAROL, 1),
    ),
)
"""CAROL's part is so small that she has no whole unit for a long time."""


class World:
    """Batches of one operator serving one asset, known to every index."""

    def __init__(self, stage: Stage, urls: list[str], terms: RoyaltyTerms = TERMS) -> None:
        self.stage = stage
        self.terms = terms
        self.urls = urls
        self.batches: list[PastBatch] = []
        self._everywhere(lambda session: _start_afresh(session, self.history))

    @property
    def history(self) -> History:
        return History(self.stage.scope.protocol, {(1, 1): self.terms}, batches=tuple(self.batches))

    def charge(self, fee_units: int) -> None:
        """One more batch: funded, finalised, final and indexed everywhere."""
        batch_id = len(self.batches) + 1
        block = self.stage.fund(batch_id, fee_units)
        self.batches.append(PastBatch(batch_id, OPERATOR, (Use((1, 1), fee_units),), block))
        self._everywhere(lambda session: write_batch(session, self.history, self.batches[-1]))
        self.settle_blocks()

    def settle_blocks(self) -> None:
        """Everything that happened on the chain is final, and indexed everywhere."""
        self.stage.finalize()
        self.index()

    def index(self) -> None:
        """Everything that happened on the chain is indexed everywhere."""
        for url in self.urls:
            self.stage.index(url)

    def owed(self) -> dict[bytes, int]:
        """Whole units that each payee has earned, receipt by receipt."""
        exact = self.history.owed_exactly(2**62)
        return {payee: amount.numerator // amount.denominator for payee, amount in exact.items() if amount >= 1}

    def balances(self) -> dict[bytes, int]:
        """What the payees hold in the token."""
        return {payee: self.stage.token.balance_of(payee, at="latest") for payee in self.owed()}

    def _everywhere(self, write: Callable[[Session], None]) -> None:
        for url in self.urls:
            with self.stage.sessions(url).begin() as session:
                write(session)


@contextmanager
def open_database(url: str) -> Iterator[Engine]:
    """The database's engine, closed at the end."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def damage(url: str) -> None:
    """In this index a little of BOB's share is ALICE's: every sum still adds up."""
    shift = "UPDATE effective_shares SET share = share + :change WHERE payee = :payee"
    with open_database(url) as engine, engine.begin() as connection:
        connection.execute(text(shift), {"payee": ALICE, "change": 500_000})
        connection.execute(text(shift), {"payee": BOB, "change": -500_000})


def _start_afresh(session: Session, history: History) -> None:
    """Takes every row out of the database, which is cheaper than another one, and registers the asset."""
    statements = [f'DELETE FROM "{table.name}"' for table in reversed(Base.metadata.sorted_tables)]
    session.execute(text("; ".join([*statements, "ALTER TABLE distributions ALTER distribution_id RESTART"])))
    write_registry(session, history)
