"""An adapter's prior: what each dataset did for it in training, word by word, for what no text explains.

Made once, by whoever trained the adapter, and committed with it: `prior.json` is a file of its folder, so the
contentHash under which it is registered covers it. Source: docs/spec/prior.md.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from ledger.errors import MalformedInputError
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.units import PPM

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

PRIOR_FILE: Final = "prior.json"
FORMAT: Final = "tributary prior 1"
MAX_PRIOR_BYTES: Final = 8 << 20
MAX_DATASETS: Final = 1024
MAX_WEIGHT: Final = 1_000_000
MAX_METHOD_CHARACTERS: Final = 31

Weights = tuple[int, ...]
"""One weight a dataset, each from -1,000,000 to 1,000,000; below zero: it did harm there."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Shares of what no text explains.

    Attributes:
        datasets: assetIds, or 0 for one that earns nothing here.
        most_ppm: most that each gets of what is shared out.
        other: weights of a word that the table lacks.
        words: weights of the others.
    """

    datasets: tuple[int, ...]
    most_ppm: tuple[int, ...]
    other: Weights
    words: Mapping[str, Weights]

    @classmethod
    def flat(cls, shares: Mapping[int, int]) -> Prior:
        """The prior that gives each dataset its ppm of the rest, whatever the words."""
        if sum(shares.values()) > PPM or any(ppm < 0 for ppm in shares.values()):
            raise MalformedInputError("a flat prior's ppm are not negative and sum to at most 1000000")
        ppm = tuple(shares.values())
        return cls(tuple(shares), ppm, ppm, {})

    def admitting(self, admitted: Collection[int]) -> Prior:
        """The same for an asset that admits only these: what the others would get stays with the terms' weights."""
        kept = tuple(dataset if dataset in admitted else 0 for dataset in self.datasets)
        return Prior(kept, self.most_ppm, self.other, self.words)

    def divide(self, rest_ppm: int, units: Iterable[str]) -> dict[int, int]:
        """AssetId to its part (> 0) of `rest_ppm`, for an answer of these units; each part rounded down.

        A dataset's weight in the answer is the sum over its units, and none if that is below zero.
        """
        counts = Counter(units)
        sums = [0] * len(self.datasets)
        for unit, count in counts.items():
            for position, weight in enumerate(self.words.get(unit, self.other)):
                sums[position] += count * weight
        helpful = [max(0, weight) for weight in sums]
        total = sum(helpful)
        parts = {
            dataset: min(rest_ppm * weight // total, rest_ppm * most // PPM)
            for dataset, weight, most in zip(self.datasets, helpful, self.most_ppm, strict=True)
            if dataset and weight
        }
        return {dataset: ppm for dataset, ppm in parts.items() if ppm}


NO_PRIOR: Final = Prior((), (), (), {})
"""Where none is committed: all that no text explains goes by the terms' weights."""


@dataclass(frozen=True, slots=True)
class PriorFile:
    """The content of a prior.json: as `Prior`, with contentHashes for assetIds, and the method that made it."""

    method: str
    datasets: tuple[bytes, ...]
    most_ppm: tuple[int, ...]
    other: Weights
    words: Mapping[str, Weights]

    def prior(self, asset_ids: Mapping[bytes, int]) -> Prior:
        """The prior with each dataset's assetId; one that is not registered earns nothing."""
        ids = tuple(asset_ids.get(content_hash, 0) for content_hash in self.datasets)
        return Prior(ids, self.most_ppm, self.other, self.words)


def prior_bytes(prior: PriorFile) -> bytes:
    """The file: the one layout that `parse_prior` takes.

    Raises:
        MalformedInputError: the prior breaks a rule of the format.
    """
    _check(prior)
    rows = zip(prior.datasets, prior.most_ppm, prior.other, strict=True)
    head = {
        "format": FORMAT,
        "method": prior.method,
        "datasets": [{"contentHash": to_hex(h), "mostPpm": most, "other": other} for h, most, other in rows],
    }
    words = [
        f"{json.dumps(word)}:{json.dumps(prior.words[word], separators=(',', ':'))}" for word in sorted(prior.words)
    ]
    table = ",\n".join(words)
    return f'{json.dumps(head, indent=1)[:-2]},\n "words": {{\n{table}\n}}}}\n'.encode()


def parse_prior(content: bytes) -> PriorFile:
    """The prior in a file's bytes.

    Raises:
        MalformedInputError: not exactly what `prior_bytes` writes for some prior (docs/spec/prior.md).
    """
    if len(content) > MAX_PRIOR_BYTES:
        raise MalformedInputError(f"a prior of {len(content)} bytes; at most {MAX_PRIOR_BYTES} are read")
    try:
        prior = _prior(from_json(content))  # unlike json.loads, bounded in depth whatever the recursion limit is
        # One prior, one file: no second reading of a doubled member or of an odd number.
        if prior_bytes(prior) == content:
            return prior
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MalformedInputError("a prior must be laid out as its format says") from error
    raise MalformedInputError("a prior is laid out in one way only")


def _prior(members: Any) -> PriorFile:
    if members["format"] != FORMAT:
        raise MalformedInputError(f"this is no prior of the format {FORMAT!r}")
    datasets = members["datasets"]
    return PriorFile(
        method=members["method"],
        datasets=tuple(from_hex(dataset["contentHash"], 32) for dataset in datasets),
        most_ppm=tuple(dataset["mostPpm"] for dataset in datasets),
        other=tuple(dataset["other"] for dataset in datasets),
        words={word: tuple(weights) for word, weights in members["words"].items()},
    )


def _check(prior: PriorFile) -> None:
    size = len(prior.datasets)
    if not _is_name(prior.method):
        raise MalformedInputError(f"a prior's method is 1 to {MAX_METHOD_CHARACTERS} characters")
    if not 0 < size <= MAX_DATASETS or list(prior.datasets) != sorted(set(prior.datasets)):
        raise MalformedInputError(f"a prior has 1 to {MAX_DATASETS} datasets, contentHashes strictly ascending")
    if len(prior.most_ppm) != size or not all(_is_int(ppm, 0, PPM) for ppm in prior.most_ppm):
        raise MalformedInputError("a prior's mostPpm are integers from 0 to 1000000, one a dataset")
    for weights in (prior.other, *prior.words.values()):
        if len(weights) != size or not all(_is_int(weight, -MAX_WEIGHT, MAX_WEIGHT) for weight in weights):
            raise MalformedInputError(f"a prior's weights are integers up to {MAX_WEIGHT}, one a dataset")


def _is_int(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_METHOD_CHARACTERS
