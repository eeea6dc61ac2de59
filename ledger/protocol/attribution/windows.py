"""The runs of units that are long enough to be evidence.

Source: docs/spec/attribution.md, "Windows".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.protocol.attribution.parameters import Method


class Window(NamedTuple):
    """`length` units from the unit numbered `start`."""

    start: int
    length: int


def windows_of(units: Sequence[str], method: Method, millibits: Sequence[int] | None = None) -> list[Window]:
    """For each unit the shortest run from there whose distinct units reach the threshold, if one does.

    A unit that stands in the run before counts once, so that `0 0 0 0 …` is never evidence.

    Args:
        units: of one text.
        method: with the threshold.
        millibits: the units' surprisal, if it is known already.
    """
    each = millibits if millibits is not None else method.surprisal.of(units)
    enough, most = method.parameters.window_millibits, method.parameters.window_units
    previous, count = _previous(units), len(units)
    found: list[Window] = []
    for start in range(count):
        total = 0
        for at in range(start, min(start + most, count)):
            if previous[at] < start:
                total += each[at]
                if total >= enough:
                    found.append(Window(start, at + 1 - start))
                    break
    return found


def _previous(units: Sequence[str]) -> list[int]:
    """For each position where the same unit stood last, -1 for nowhere."""
    last: dict[str, int] = {}
    previous = []
    for at, unit in enumerate(units):
        previous.append(last.get(unit, -1))
        last[unit] = at
    return previous


def echoed(windows: Sequence[Window], units: Sequence[str], prompts: Sequence[Sequence[str]]) -> set[int]:
    """Positions of the answer that lie in a window which a prompt holds too.

    One walk along the prompts, however many windows there are: neither of the two texts is chosen by who computes this.
    """
    known = {unit for prompt in prompts for unit in prompt}
    runs = [tuple(units[start : start + length]) for start, length in windows]
    wanted = {run for run in runs if known.issuperset(run)}
    lengths: dict[str, set[int]] = {}
    for run in wanted:
        lengths.setdefault(run[0], set()).add(len(run))
    said = {
        run
        for prompt in prompts
        if wanted
        for at, unit in enumerate(prompt)
        for length in lengths.get(unit, ())
        if (run := tuple(prompt[at : at + length])) in wanted
    }
    return {
        at
        for (start, length), run in zip(windows, runs, strict=True)
        if run in said
        for at in range(start, start + length)
    }
