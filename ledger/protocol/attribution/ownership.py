"""Who owns each position of an answer: the earliest registrant among the windows that cover it.

Source: docs/spec/attribution.md, "Ownership".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ledger.protocol.attribution.finding import Origin
    from ledger.protocol.attribution.windows import Window

NOBODY: Final = 0
"""Owner of common text, of what the prompt said, and of what no dataset holds."""


class Claim(NamedTuple):
    """One answer text: surprisal, owner and witness of each of its units.

    `witness` is the first window that covers the unit and belongs to its owner, with where it stands; None
    where nobody owns the unit.
    """

    millibits: Sequence[int]
    owners: Sequence[int]
    witnesses: Sequence[tuple[Window, Origin] | None]


class Span(NamedTuple):
    """Consecutive units of an answer that stand in one dataset.

    Attributes:
        answer: number of the answer text.
        start: first unit.
        end: the unit after the last one.
        asset_id: the dataset.
        path: its file.
        offset: where `window` starts in that file, in bytes.
        window: units of the answer that were found there; its start is at or before the span's.
        millibits: surprisal of the span.
    """

    answer: int
    start: int
    end: int
    asset_id: int
    path: str
    offset: int
    window: Window
    millibits: int


def claims_of(
    millibits: Sequence[int],
    windows: Sequence[Window],
    origins: Sequence[Origin | None],
    excluded: Collection[int],
) -> Claim:
    """Each position to the least assetId whose window covers it; excluded positions to nobody."""
    owners: list[int | None] = [None] * len(millibits)
    witnesses: list[tuple[Window, Origin] | None] = [None] * len(millibits)
    for window, origin in zip(windows, origins, strict=True):
        if origin is None:
            continue
        for at in range(window.start, window.start + window.length):
            owner = owners[at]
            if owner is None or origin.asset_id < owner:
                owners[at], witnesses[at] = origin.asset_id, (window, origin)
    for at in range(len(owners)):
        if at in excluded or not owners[at]:
            owners[at], witnesses[at] = NOBODY, None
    return Claim(millibits, [owner or NOBODY for owner in owners], witnesses)


def spans_of(answer: int, claim: Claim) -> Iterator[Span]:
    """Maximal runs of positions of one owner, cut where the place in its text jumps."""
    start = 0
    for at in range(1, len(claim.owners) + 1):
        if at < len(claim.owners) and _goes_on(claim, start, at):
            continue
        witness = claim.witnesses[start]
        if witness is not None:
            window, origin = witness
            yield Span(answer, start, at, *origin, window, sum(claim.millibits[start:at]))
        start = at


def _goes_on(claim: Claim, start: int, at: int) -> bool:
    """Whether the unit belongs to the span that began at `start`."""
    first, before, here = claim.witnesses[start], claim.witnesses[at - 1], claim.witnesses[at]
    if first is None or before is None or here is None:
        return first is here
    (_, earlier), (_, later) = before, here
    same = earlier.asset_id == later.asset_id and earlier.path == later.path
    # A window further on in the same passage stands further on in the same file.
    return same and (before == here or 0 < later.offset - earlier.offset <= _near(before, here))


def _near(before: tuple[Window, Origin], here: tuple[Window, Origin]) -> int:
    """Bytes that the units between two windows take, generously."""
    return 64 * (here[0].start - before[0].start)
