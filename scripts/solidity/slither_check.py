"""Runs Slither's detectors over the contracts; every finding must have an answer in contracts/slither.toml.

An answer names the detector, the places (Contract.element; "*" for all of a detector's) and the reason. A finding without an
answer fails the check, and so does an answer that answers nothing.
"""

from __future__ import annotations

import inspect
import logging
import sys
import tomllib
from dataclasses import dataclass
from typing import Any

from slither.detectors import all_detectors
from slither.detectors.abstract_detector import AbstractDetector
from sources import CHECKOUT, read_contracts

ANSWERS = CHECKOUT / "contracts" / "slither.toml"


@dataclass(frozen=True)
class Finding:
    """What a detector said, and of which element."""

    detector: str
    impact: str
    place: str
    text: str


def main() -> int:
    logging.disable()
    found = findings()
    answers = tomllib.loads(ANSWERS.read_text())["answer"]
    open_ = [finding for finding in found if not any(fits(answer, finding) for answer in answers)]
    stale = [
        f"{answer['detector']} at {place}"
        for answer in answers
        for place in answer["places"]
        if not any(fits({**answer, "places": [place]}, finding) for finding in found)
    ]
    for finding in open_:
        print(f"{finding.impact} {finding.detector} at {finding.place}: {finding.text}")
    for line in stale:
        print(f"contracts/slither.toml answers {line}, which Slither does not say.")
    print(f"slither: {len(found)} findings by {len(detectors())} detectors, {len(found) - len(open_)} answered")
    return 1 if open_ or stale else 0


def findings() -> list[Finding]:
    slither = read_contracts()
    for detector in detectors():
        slither.register_detector(detector)
    return [
        Finding(result["check"], result["impact"], place_of(result), " ".join(result["description"].split()))
        for results in slither.run_detectors()
        for result in results
    ]


def detectors() -> list[type[AbstractDetector]]:
    every = [getattr(all_detectors, name) for name in sorted(dir(all_detectors))]
    return [kind for kind in every if inspect.isclass(kind) and issubclass(kind, AbstractDetector)]


def place_of(result: dict[str, Any]) -> str:
    """Contract and name of the first element; of an argument or a local variable, its function too."""
    names = []
    element: dict[str, Any] | None = result["elements"][0]
    while element is not None and element["type"] != "file":
        names.append(element["name"])
        element = element.get("type_specific_fields", {}).get("parent")
    return ".".join(reversed(names))


def fits(answer: dict[str, Any], finding: Finding) -> bool:
    return answer["detector"] == finding.detector and bool({"*", finding.place} & set(answer["places"]))


if __name__ == "__main__":
    sys.exit(main())
