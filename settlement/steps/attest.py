"""computed → attested: give the file to every attester, keep each answer, go on with a quorum of signatures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog

from ledger.errors import QuorumMissingError, RetryableError, WrongRootError
from ledger.protocol.distribution import Distribution
from ledger.protocol.hexadecimal import checksum_address
from settlement.attester_client import Refused
from settlement.records import answers, file_of, record_answer
from settlement.states import State, move
from settlement.steps.standing import held_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from ledger.db.models.settlement import SettledDistribution
    from settlement.attester import Signed
    from settlement.attester_client import AttesterClient
    from settlement.connections import Connections

log = structlog.get_logger(__name__)


def message_of(distribution: SettledDistribution) -> Distribution:
    """The message that attesters sign for it."""
    return Distribution(
        root_index=distribution.root_index,
        root=distribution.root,
        total_cumulative_units=distribution.total_cumulative_units,
        through_l2_block=distribution.through_l2_block,
        through_l2_block_hash=distribution.through_l2_block_hash,
        data_hash=distribution.data_hash,
    )


def attest(connections: Connections, distribution: SettledDistribution) -> bool:
    """Whether a quorum has now signed, or so many refused that none can.

    Raises:
        QuorumMissingError: attesters are out of reach or not ready yet.
    """
    following = connections.distributor.next_root_index(at="latest")
    if following != distribution.root_index:
        _index_taken(connections, distribution, following)
        return True
    quorum = connections.distributor.quorum(at="latest")
    if _is_signed(connections, distribution, quorum):
        return True
    answered = _ask_all(connections, distribution)
    if _is_signed(connections, distribution, quorum) or _is_refused(connections, distribution, quorum, answered):
        return True
    with connections.sessions() as session:
        signed = _signatures(session, distribution)
    raise QuorumMissingError(
        f"{signed} of {quorum} attesters needed have signed root {distribution.root_index}"
        f" ({len(connections.attesters)} are set in SETTLEMENT_ATTESTER_URLS); settle again when more can be reached."
    )


def _index_taken(connections: Connections, distribution: SettledDistribution, following: int) -> None:
    """Goes on with a root of ours that is on chain already; gives up one whose index another root has."""
    held = held_root(connections, distribution.root_index)
    with connections.sessions.begin() as session:
        if held is not None and held.root == distribution.root:
            move(session, distribution, State.ATTESTED)
        else:
            move(session, distribution, State.SUPERSEDED, reason=f"The next root now has index {following}.")


def _signatures(session: Session, distribution: SettledDistribution) -> int:
    return sum(1 for answer in answers(session, distribution.distribution_id) if answer.signature)


def _is_signed(connections: Connections, distribution: SettledDistribution, quorum: int) -> bool:
    """Whether a quorum has signed, in this pass or before."""
    with connections.sessions.begin() as session:
        if _signatures(session, distribution) < quorum:
            return False
        move(session, distribution, State.ATTESTED)
    return True


def _is_refused(
    connections: Connections,
    distribution: SettledDistribution,
    quorum: int,
    answered: Sequence[Signed | Refused | None],
) -> bool:
    """Whether so many of those that were asked refuse that no quorum can come together.

    Each address that was asked counts once, whoever it says it is: one that lies must not speak for the others.
    """
    refused = [answer for answer in answered if isinstance(answer, Refused)]
    undecided = sum(answer is None for answer in answered)
    with connections.sessions.begin() as session:
        if not refused or _signatures(session, distribution) + undecided >= quorum:
            return False
        move(session, distribution, State.REFUSED, reason=_reason(refused))
    return True


def _ask_all(connections: Connections, distribution: SettledDistribution) -> list[Signed | Refused | None]:
    """Asks every attester at the same time and records the answers one by one; None for one that did not decide."""
    with connections.sessions() as session:
        content = file_of(session, distribution)
    digest = message_of(distribution).digest(connections.scope.domain)
    with ThreadPoolExecutor(max_workers=max(1, len(connections.attesters))) as pool:
        given = pool.map(lambda attester: _ask(attester, content, digest), connections.attesters)
        return [None if answer is None else _recorded(connections, distribution, answer) for answer in given]


def _ask(attester: AttesterClient, content: bytes, digest: bytes) -> Signed | Refused | None:
    try:
        return attester.ask(content, digest)
    except RetryableError as error:
        log.warning("attester_not_ready", attester_url=attester.url, reason=str(error))
    except WrongRootError as error:
        log.warning("attester_signed_another_root", attester_url=attester.url, reason=str(error))
    return None


def _recorded(
    connections: Connections, distribution: SettledDistribution, answer: Signed | Refused
) -> Signed | Refused | None:
    """The answer, on record; None if it is no attester's of the contract."""
    if not connections.distributor.is_attester(answer.attester, at="latest"):
        log.warning("answer_of_no_attester", attester=checksum_address(answer.attester))
        return None
    given = {"refusal": answer.reason} if isinstance(answer, Refused) else {"signature": answer.signature}
    with connections.sessions.begin() as session:
        record_answer(session, distribution.distribution_id, answer.attester, **given)
    log.info(
        "attester_answered",
        distribution_id=distribution.distribution_id,
        attester=checksum_address(answer.attester),
        signed=isinstance(answer, Refused) is False,
    )
    return answer


def _reason(refused: Sequence[Refused]) -> str:
    first = refused[0]
    return f"{len(refused)} attesters refuse it; {checksum_address(first.attester)} says: {first.reason}"
