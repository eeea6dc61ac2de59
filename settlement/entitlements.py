"""What every payee has earned through a block, read from the index in two ways.

The proposer lets PostgreSQL sum and multiply in one pass; an attester takes only the weighted fees from SQL and
applies `ledger.protocol.entitlement` to them. An error in one of the two readings is therefore seen by the other.
Cost follows assets and payees, not receipts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from ledger.db.entitlement_rule import FROM_THE_FIRST
from ledger.errors import ConservationError, NotYetFinalError
from ledger.protocol.contributors import Contributor, ContributorList, contributors_root
from ledger.protocol.entitlement import EffectiveShare, RoyaltyTerms, WeightedFee, floor_units, numerators
from ledger.protocol.units import ENTITLEMENT_ONE
from settlement import queries
from settlement.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from ledger.protocol.entitlement import ProtocolShare

    Reading = Callable[[Session, int, ProtocolShare], "Entitlements"]


class Entitlement(NamedTuple):
    """One payee's earnings since the beginning, exact: `numerator` over ENTITLEMENT_ONE base units."""

    payee: bytes
    numerator: int

    @property
    def cumulative_units(self) -> int:
        """Whole base units: the one division, rounded down."""
        return floor_units(self.numerator)


@dataclass(frozen=True, slots=True)
class Entitlements:
    """Everybody's earnings through a block; they add up to the fees, exactly."""

    fees_units: int
    withheld_batches: tuple[int, ...]
    """Finalised batches whose blobs break the protocol: their fees stay in the distributor."""
    lines: tuple[Entitlement, ...]
    """By rising payee, each once, none zero."""

    def check(self) -> None:
        """Nothing, if protocol, operators and royalties add up to the fees.

        Raises:
            ConservationError: they don't; the index is wrong and nothing may be paid from it.
        """
        owed, charged = sum(line.numerator for line in self.lines), self.fees_units * ENTITLEMENT_ONE
        if owed != charged:
            raise ConservationError(
                f"Entitlements add up to {owed} and fees to {charged} (over 10^30); rebuild the index before paying."
            )

    @property
    def dust_numerator(self) -> int:
        """Sum of all fractional parts, over ENTITLEMENT_ONE."""
        return sum(line.numerator % ENTITLEMENT_ONE for line in self.lines)


def require_decided(session: Session, through: int) -> None:
    """Nothing, if the index has judged the blobs of every batch finalised by then.

    Raises:
        NotYetFinalError: some blobs are still to be read.
    """
    undecided = session.execute(queries.UNDECIDED_BATCHES, {"through": through}).scalars().all()
    if undecided:
        raise NotYetFinalError(
            f"The index has not read the blobs of batch {', '.join(map(str, undecided))} yet, though finalised."
        )


def by_sql(session: Session, through: int, protocol: ProtocolShare) -> Entitlements:
    """Everybody's earnings through a block, multiplied and added in PostgreSQL.

    Raises:
        NotYetFinalError, ConservationError: as `require_decided` and `Entitlements.check`.
    """
    given = {
        "through": through,
        "protocol_payee": protocol.payee,
        "protocol_ppm": protocol.ppm,
        "after": FROM_THE_FIRST,
    }
    with uncollected():
        rows = session.execute(queries.NUMERATORS, given).all()
        return _complete(session, through, [Entitlement(payee, int(numerator)) for payee, numerator in rows])


def by_rule(session: Session, through: int, protocol: ProtocolShare) -> Entitlements:
    """Everybody's earnings through a block, by the protocol's own rule over weighted fees.

    Raises:
        NotYetFinalError, ConservationError: as `require_decided` and `Entitlements.check`.
    """
    rows = session.execute(queries.WEIGHTED_FEES, {"through": through})
    sums = [
        WeightedFee(
            bytes(row.operator),
            row.asset_id,
            row.asset_version,
            row.dataset_id,
            row.dataset_version,
            int(row.fee),
        )
        for row in rows
    ]
    try:
        with uncollected():
            owed = numerators(sums, _royalty_terms(session), protocol, _lists(session))
            lines = [Entitlement(payee, owed[payee]) for payee in sorted(owed)]
    except KeyError as error:
        raise ConservationError(f"The index has no {error} though receipts used its terms; rebuild it.") from error
    return _complete(session, through, lines)


def _lists(session: Session) -> dict[bytes, ContributorList]:
    """The contributor lists that terms name, by payee address, each held against the root that was committed to."""
    lists = {}
    for (list_id, root), rows in groupby(session.execute(queries.CONTRIBUTORS), key=attrgetter("list_id", "root")):
        listed = ContributorList(list_id, (Contributor(bytes(row.contributor), int(row.weight)) for row in rows))
        if contributors_root(listed.contributors) != bytes(root):
            raise ConservationError(
                f"The index has other rows of contributor list {list_id} than the chain; rebuild it."
            )
        lists[listed.payee] = listed
    return lists


def _royalty_terms(session: Session) -> dict[tuple[int, int], RoyaltyTerms]:
    shares: dict[tuple[int, int], list[EffectiveShare]] = {}
    for asset_id, version, payee, share in session.execute(queries.EFFECTIVE_SHARES):
        shares.setdefault((asset_id, version), []).append(EffectiveShare(bytes(payee), share))
    return {
        (asset_id, version): RoyaltyTerms(
            royalty_ppm=royalty_ppm,
            data_ppm=data_ppm,
            by_attribution=mode == "operator",
            datasets=frozenset(),  # weights are in the sums already; who is admitted plays no part here
            effective=tuple(shares.get((asset_id, version), ())),
        )
        for asset_id, version, royalty_ppm, data_ppm, mode in session.execute(queries.ROYALTY_TERMS)
    }


def _complete(session: Session, through: int, lines: list[Entitlement]) -> Entitlements:
    require_decided(session, through)
    given = {"through": through}
    entitlements = Entitlements(
        fees_units=int(session.execute(queries.FEES, given).scalar_one()),
        withheld_batches=tuple(session.execute(queries.WITHHELD_BATCHES, given).scalars()),
        lines=tuple(lines),
    )
    entitlements.check()
    return entitlements
