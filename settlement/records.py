"""What settlement stores and reads back of its own: proposals, answers, pushed claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from ledger.protocol.distribution import DistributionTree, Payout
from settlement.states import ENDS, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from settlement.proposal import Proposal
    from settlement.scope import Scope

_ROWS_A_STATEMENT = 10_000


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
    nodes = b"".join(proposal.tree.nodes)
    session.execute(insert(DistributionTreeNodes).values(distribution_id=row.distribution_id, nodes=nodes))
    return row.distribution_id


def _store_entitlements(session: Session, distribution_id: int, proposal: Proposal) -> None:
    rows = [
        {
            "distribution_id": distribution_id,
            "payee": line.payee,
            "numerator": line.numerator,
            "cumulative_units": line.cumulative_units,
            "leaf_position": proposal.tree.position(line.payee) if line.cumulative_units else None,
        }
        for line in proposal.file.entitlements.lines
    ]
    for at in range(0, len(rows), _ROWS_A_STATEMENT):
        session.execute(insert(Entitlement), rows[at : at + _ROWS_A_STATEMENT])


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


def tree_of(session: Session, distribution: SettledDistribution) -> DistributionTree:
    """The distribution's tree, built from its entitlements."""
    rows = session.execute(
        select(Entitlement.payee, Entitlement.cumulative_units).where(
            Entitlement.distribution_id == distribution.distribution_id, Entitlement.leaf_position.is_not(None)
        )
    )
    return DistributionTree((Payout(payee, units) for payee, units in rows), distribution.token)


def record_answer(
    session: Session,
    distribution_id: int,
    attester: bytes,
    *,
    signature: bytes | None = None,
    refusal: str | None = None,
) -> None:
    """Stores an attester's answer in place of its last one; nothing is written if it says the same again."""
    answer = {"signature": signature, "refusal": refusal}
    known = session.get(Attestation, (distribution_id, attester))
    if known is None:
        session.add(Attestation(distribution_id=distribution_id, attester=attester, **answer))
    elif (known.signature, known.refusal) != (signature, refusal):
        known.signature, known.refusal, known.answered_at = signature, refusal, func.now()


def answers(session: Session, distribution_id: int) -> Sequence[Attestation]:
    """Every attester's newest answer, by rising address: the order in which the contract takes signatures."""
    return session.scalars(
        select(Attestation).where(Attestation.distribution_id == distribution_id).order_by(Attestation.attester)
    ).all()


def chunk_payees(session: Session, distribution_id: int, chunk: int) -> list[bytes]:
    """Payees of one claimMany transaction, rising."""
    return list(
        session.scalars(
            select(PushedClaim.payee)
            .where(PushedClaim.distribution_id == distribution_id, PushedClaim.chunk == chunk)
            .order_by(PushedClaim.payee)
        )
    )


def last_submitted(session: Session, scope: Scope) -> SettledDistribution | None:
    """The newest distribution that the contract holds and nobody disabled."""
    standing = [State.SUBMITTED.value, State.ACTIVE.value, State.PAYING.value, State.PAID.value]
    return session.scalars(
        select(SettledDistribution)
        .where(_of(scope), SettledDistribution.state.in_(standing))
        .order_by(SettledDistribution.distribution_id.desc())
        .limit(1)
    ).first()
