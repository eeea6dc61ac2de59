"""The terms in a file: which version held when, and what a version gives a payee."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.errors import ExplainError
from ledger.protocol.contributors import ContributorList, contributors_root, list_payee, read_row
from ledger.protocol.entitlement import EffectiveShare, RoyaltyTerms, version_at
from ledger.protocol.explain.refusal import require
from ledger.protocol.units import MAX_U32, PPM, SHARE_ONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.protocol.explain.document import ListPart, TermsPart


class TermsBook:
    """Every version of every asset that the file names, as the money rule needs them."""

    def __init__(self, parts: Sequence[TermsPart], lists: Sequence[ListPart]) -> None:
        """Read and check them.

        Args:
            parts: every version, by asset and number.
            lists: contributor lists that the versions name; one that is left out gives nobody anything.

        Raises:
            ExplainError: versions are not 1, 2, … by rising time, shares do not sum to one, or a list's rows are not
                those of its root.
        """
        self._lists = _lists_by_payee(lists)
        self.terms: dict[tuple[int, int], RoyaltyTerms] = {}
        self._effective_at: dict[int, list[int]] = {}
        for place, part in enumerate(parts):
            here = f"terms[{place}]"
            times = self._effective_at.setdefault(part.asset_id, [])
            require(part.version == len(times) + 1, f"{here}.version", "versions stand in order, each once")
            require(
                not times or times[-1] <= part.effective_at, f"{here}.effectiveAt", "it is before the last version's"
            )
            require(part.royalty_ppm <= PPM, f"{here}.royaltyPpm", "it is above the whole")
            require(part.data_ppm <= PPM, f"{here}.dataPpm", "it is above the whole")
            shares = tuple(EffectiveShare(line.payee, line.share) for line in part.effective_shares)
            require(sum(s.share for s in shares) == SHARE_ONE, f"{here}.effectiveShares", "they do not sum to one")
            times.append(part.effective_at)
            self.terms[part.asset_id, part.version] = RoyaltyTerms(
                royalty_ppm=part.royalty_ppm,
                data_ppm=part.data_ppm,
                by_attribution=part.mode == "operator",
                datasets=frozenset(part.datasets),
                effective=shares,
            )

    def version(self, asset_id: int, second: int) -> int:
        """The version of an asset in force at a second.

        Raises:
            ExplainError: the file has no terms of this asset.
        """
        times = self._effective_at.get(asset_id)
        if times is None:
            raise ExplainError("terms", f"those of asset {asset_id} are missing")
        return version_at(times, second)

    def of(self, asset_id: int, version: int) -> RoyaltyTerms:
        """One version's terms.

        Raises:
            ExplainError: the file has no such version.
        """
        found = self.terms.get((asset_id, version))
        if found is None:
            raise ExplainError("terms", f"version {version} of asset {asset_id} is missing")
        return found

    def share(self, asset_id: int, version: int, payee: bytes) -> int:
        """A payee's part of all that a version earns, in units of 1e-12."""
        return sum(self._part(holder, share, payee) for holder, share in self.of(asset_id, version).effective)

    def _part(self, holder: bytes, share: int, payee: bytes) -> int:
        """What a payee has of a share: all that is its own, its part of a list's."""
        listed = self._lists.get(holder)
        if listed is None:
            return share if holder == payee else 0
        return sum(part for contributor, part in listed.divide(share) if contributor == payee)


def _lists_by_payee(parts: Sequence[ListPart]) -> dict[bytes, ContributorList]:
    lists: dict[bytes, ContributorList] = {}
    for place, part in enumerate(parts):
        here = f"lists[{place}]"
        require(1 <= part.list_id <= MAX_U32, f"{here}.listId", "no list has it")
        require(list_payee(part.list_id) not in lists, f"{here}.listId", "it stands twice")
        rows = [read_row(row) for row in part.rows]
        require(bool(rows), f"{here}.rows", "there are none")
        require(contributors_root(rows) == part.root, f"{here}.rows", "they have another root")
        listed = ContributorList(part.list_id, rows)
        require(listed.total_weight > 0, f"{here}.rows", "they weigh nothing")
        lists[listed.payee] = listed
    return lists
