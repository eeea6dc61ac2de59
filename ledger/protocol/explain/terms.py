"""The terms in a file: which version held when, and what a version gives a payee."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.errors import ExplainError
from ledger.protocol.entitlement import EffectiveShare, RoyaltyTerms, version_at
from ledger.protocol.explain.refusal import require
from ledger.protocol.units import PPM, SHARE_ONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.protocol.explain.document import TermsPart


class TermsBook:
    """Every version of every asset that the file names, as the money rule needs them."""

    def __init__(self, parts: Sequence[TermsPart]) -> None:
        """Read and check them.

        Raises:
            ExplainError: versions are not 1, 2, … by rising time, or shares do not sum to one.
        """
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
        return sum(share for holder, share in self.of(asset_id, version).effective if holder == payee)
