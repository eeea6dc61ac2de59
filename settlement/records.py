"""What settlement stores and reads back of its own: proposals, answers, pushed claims."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from ledger.db.models.settlement import (
    Attestation,
    DistributionFile,
    DistributionTreeNodes,
    Entitlement,
    PushedClaim,
    SettledDistribution,
)
from ledger.errors import DatabaseUnavailableError
from ledger.protocol.entitlement import floor_units
from settlement import queries
from settlement.states import ENDS, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from settlement.proposal import Proposal
    from settlement.scope import Scope

_ROWS_A_WRITE = 10_000


def store_proposal(session: Session, proposal: Proposal) -> int:
    """Identifier of a new distribution in state `computed`, with its file, entitlements and tree."""
    message, scope = proposal.message, proposal.scope
    session.execute(
        upsert(DistributionFile)
        .values(data_hash=message.data_hash, content=proposal.content)
        .on_conflict_do_nothing(index_elements=["data_hash"])
    )
    row = SettledDistribution(
        chain_id=scope.chain_id,
        distributor=scope.distributor,
        token=scope.token,
        root_index=message.root_index,
        root=message.root,
        total_cumulative_units=message.total_cumulative_units,
        through_l2_block=message.through_l2_block,
        through_l2_block_hash=message.through_l2_block_hash,
        data_hash=message.data_hash,
        fees_units=proposal.file.entitlements.fees_units,
        payees=len(proposal.tree.payouts),
        state=State.COMPUTED.value,
    )
    session.add(row)
    session.flush()
    _store_entitlements(session, row.distribution_id, proposal)
    nodes = {"distribution_id": row.distribution_id, "nodes": proposal.tree.nodes}
    session.execute(insert(DistributionTreeNodes).values(nodes))
    return row.distribution_id


def _store_entitlements(session: Session, distribution_id: int, proposal: Proposal) -> None:
    """One COPY: a million rows take seconds, as single inserts minutes."""
    columns = "distribution_id, payee, numerator, cumulative_units, leaf_position"
    with _cursor(session) as cursor, cursor.copy(f"COPY entitlements ({columns}) FROM STDIN") as copy:
        rows = _entitlement_rows(distribution_id, proposal)
        while piece := "".join(islice(rows, _ROWS_A_WRITE)):
            copy.write(piece)


def _entitlement_rows(distribution_id: int, proposal: Proposal) -> Iterator[str]:
    """Each line of the file as a row of `entitlements` in COPY's text form."""
    positions = iter(proposal.tree.positions)  # in the order of the payees, as the lines are
    for payee, numerator in proposal.file.entitlements.lines:
        units = floor_units(numerator)
        place = next(positions) if units else "\\N"
        yield f"{distribution_id}\t\\\\x{payee.hex()}\t{numerator}\t{units}\t{place}\n"


def _cursor(session: Session) -> psycopg.Cursor[Any]:
    """A cursor of the driver's own, inside the session's transaction."""
    driver: psycopg.Connection[Any] | None = session.connection().connection.driver_connection
    if driver is None:
        raise DatabaseUnavailableError("PostgreSQL closed the connection.")
    return driver.cursor()


def open_distributions(session: Session, scope: Scope) -> list[SettledDistribution]:
    """Distributions of this distributor that have not come to an end, oldest first."""
    ends = [state.value for state in ENDS]
    return list(
        session.scalars(
            select(SettledDistribution)
            .where(_of(scope), SettledDistribution.state.not_in(ends))
            .order_by(SettledDistribution.distribution_id)
        )
    )


def _of(scope: Scope) -> ColumnElement[bool]:
    return (SettledDistribution.chain_id == scope.chain_id) & (SettledDistribution.distributor == scope.distributor)


def read_distribution(session: Session, distribution_id: int) -> SettledDistribution:
    """The distribution as it stands."""
    return session.get_one(SettledDistribution, distribution_id)


def file_of(session: Session, distribution: SettledDistribution) -> bytes:
    """The distribution file."""
    return session.get_one(DistributionFile, distribution.data_hash).content


def tree_nodes(session: Session, distribution: SettledDistribution) -> bytes:
    """The nodes of the distribution's tree, for `proof_at`."""
    return session.get_one(DistributionTreeNodes, distribution.distribution_id).nodes


def record_answer(
    session: Session,
    distribution_id: int,
    attester: bytes,
    *,
    signature: bytes | None = None,
    refusal: str | None = None,
) -> None:
    """Stores an attester's answer in place of its last one; nothing is written if it says the same again.

    A signature stands, whatever is said later: that somebody refuses is the word of whoever answers in its name.
    """
    answer = {"signature": signature, "refusal": refusal}
    known = session.get(Attestation, (distribution_id, attester))
    if known is None:
        session.add(Attestation(distribution_id=distribution_id, attester=attester, **answer))
    elif known.signature is not None and signature is None:
        return
    elif (known.signature, known.refusal) != (signature, refusal):
        known.signature, known.refusal, known.answered_at = signature, refusal, func.now()


def answers(session: Session, distribution_id: int) -> Sequence[Attestation]:
    """Every attester's newest answer, by rising address: the order in which the contract takes signatures."""
    return session.scalars(
        select(Attestation).where(Attestation.distribution_id == distribution_id).order_by(Attestation.attester)
    ).all()


def choose_claims(session: Session, distribution_id: int, least_units: int, claims_per_chunk: int) -> int:
    """Stores whose claims are pushed, by rising payee, and in which chunk; how many there are."""
    given = {"distribution_id": distribution_id, "least": least_units, "width": claims_per_chunk}
    return int(session.execute(queries.CHOOSE_DUE, given).scalar_one())


def chunk_claims(session: Session, distribution_id: int, chunk: int) -> list[tuple[bytes, int, int]]:
    """(payee, cumulative units, place of its leaf) of one claimMany transaction, by rising payee."""
    rows = session.execute(
        select(Entitlement.payee, Entitlement.cumulative_units, Entitlement.leaf_position)
        .join(
            PushedClaim,
            (PushedClaim.distribution_id == Entitlement.distribution_id) & (PushedClaim.payee == Entitlement.payee),
        )
        .where(PushedClaim.distribution_id == distribution_id, PushedClaim.chunk == chunk)
        .order_by(PushedClaim.payee)
    )
    return [(payee, units, place) for payee, units, place in rows if place is not None]


def last_submitted(session: Session, scope: Scope) -> SettledDistribution | None:
    """The newest distribution that the contract holds and nobody disabled."""
    standing = [State.SUBMITTED.value, State.ACTIVE.value, State.PAYING.value, State.PAID.value]
    return session.scalars(
        select(SettledDistribution)
        .where(_of(scope), SettledDistribution.state.in_(standing))
        .order_by(SettledDistribution.distribution_id.desc())
        .limit(1)
    ).first()
