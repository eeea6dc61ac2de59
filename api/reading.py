"""One request's view of the ledger: a read-only snapshot, both chains' heads, and what is fixed in the contracts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.orm import sessionmaker

from api.facts import Facts, read_facts
from api.finality import Head, Heads
from ledger.db.session import ReadSession
from ledger.errors import NotYetFinalError

_DEPLOYMENT = text("SELECT l1_chain_id, l2_chain_id, document FROM deployments")
_HEADS = text("SELECT chain_id, tag, number, hash, timestamp FROM heads")


@dataclass(frozen=True, slots=True)
class Reading:
    """What every query of one request reads at."""

    session: ReadSession
    facts: Facts
    l1: Heads | None
    l2: Heads

    @property
    def tiers(self) -> dict[str, int]:
        """L2 block numbers by finality, as query parameters."""
        return self.l2.numbers()


def begin_snapshot(session: ReadSession) -> Reading:
    """What `session` reads from now on: the database as it stands, whatever is written meanwhile.

    Raises:
        NotYetFinalError: the index is empty.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    return open_reading(session)


def open_reading(session: ReadSession) -> Reading:
    """Heads and facts as `session` reads them.

    Raises:
        NotYetFinalError: the index is empty.
    """
    deployment = session.execute(_DEPLOYMENT).first()
    if deployment is None:
        raise NotYetFinalError("The index is empty; start `tributary index` and try again.")
    heads: dict[int, dict[str, Head]] = {}
    for row in session.execute(_HEADS):
        heads.setdefault(row.chain_id, {})[row.tag] = Head(row.number, bytes(row.hash), row.timestamp)
    l2 = _heads(heads.get(deployment.l2_chain_id, {}))
    if l2 is None:
        raise NotYetFinalError("The index has not read the first L2 block yet; try again in a moment.")
    return Reading(session, read_facts(deployment.document), _heads(heads.get(deployment.l1_chain_id, {})), l2)


def _heads(by_tag: dict[str, Head]) -> Heads | None:
    latest = by_tag.get("latest")
    return None if latest is None else Heads(latest, by_tag.get("safe"), by_tag.get("finalized"))


def current_reading(request: Request) -> Iterator[Reading]:
    """The reading of a request, ended with it."""
    sessions: sessionmaker[ReadSession] = request.app.state.sessions
    with sessions() as session:
        yield begin_snapshot(session)


# Ended before the answer is sent: a reader who takes its time holds no connection to the database.
CurrentReading = Annotated[Reading, Depends(current_reading, scope="function")]


async def _turn() -> AsyncIterator[None]:
    """Nothing but the place in the queue, kept until the path's function has ended."""
    yield


IN_TURN: Final = Depends(_turn, scope="function", max_concurrency=3)
"""For paths that may compute for seconds: a few at a time, the others wait without a thread or a connection."""
