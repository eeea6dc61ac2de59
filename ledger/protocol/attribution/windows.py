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


def windows_of(units: Sequence[str], method: Method) -> list[Window]:
    """For each unit the shortest run from there whose distinct units reach the threshold, if one does.

    A unit that stands in the run before counts once, so that `0 0 0 0 …` is never evidence.
    """
    parameters = method.parameters
    millibits, previous = method.surprisal.of(units), _previous(units)
    found: list[Window] = []
    for start in range(len(units)):
        total = 0
        for at in range(start, min(start + parameters.window_units, len(units))):
            if previous[at] < start:
                total += millibits[at]
                if total >= parameters.window_millibits:
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
    """Positions of the answer that lie in a window which a prompt holds too."""
    known = {unit for prompt in prompts for unit in prompt}
    if not known:
        return set()
    # Units hold no spaces, so a run of them is found by looking for its text between spaces.
    texts = "\n".join(f" {' '.join(prompt)} " for prompt in prompts)
    return {
        at
        for start, length in windows
        if known.issuperset(run := units[start : start + length]) and f" {' '.join(run)} " in texts
        for at in range(start, start + length)
    }
