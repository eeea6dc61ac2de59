"""`tributary attribution recompute`: a kept transcript's attribution set computed again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.attribution.part import finder_among
from ledger.errors import UsageError
from ledger.protocol.attribution import NO_PRIOR, Attribution, Finder, Prior, attribute, attribution_hash
from ledger.protocol.attribution.prior import PRIOR_FILE, PriorFile, parse_prior
from ledger.protocol.attribution.transcript import listed_corpus
from ledger.protocol.hexadecimal import to_hex

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from audit.attribution.transcripts import Transcript
    from ledger.attribution.library import Library


class Given(NamedTuple):
    """What an asset's terms and its files say: the datasets that it admits, and its prior."""

    admitted: frozenset[int]
    prior: Prior


class Recomputed(NamedTuple):
    """A set computed again, and what differs from the receipt; nothing if all is as it says."""

    found: Attribution
    differences: tuple[str, ...]


def recompute(transcript: Transcript, library: Library, given: Given) -> Recomputed:
    """The transcript's set computed again and compared with its receipt.

    Raises:
        NotFoundError: the library lacks a dataset that the operator matched.
    """
    receipt = transcript.kept.receipt
    found = attribute(transcript.texts, finder_for(transcript, library), given.admitted, given.prior, library.method)
    compared = (
        ("requestHash is not of the bytes that were sent", transcript.hashes[0] == receipt.request_hash),
        ("responseHash is not of the bytes that came", transcript.hashes[1] == receipt.response_hash),
        (
            "attributionHash is not of the set that came with the answer",
            attribution_hash(transcript.entries) == receipt.attribution_hash,
        ),
        (
            (
                f"attributionHash is {to_hex(receipt.attribution_hash)}, and of these texts "
                f"{to_hex(attribution_hash(found.entries))}"
            ),
            attribution_hash(found.entries) == receipt.attribution_hash,
        ),
    )
    return Recomputed(found, tuple(sentence for sentence, holds in compared if not holds))


def finder_for(transcript: Transcript, library: Library) -> Finder:
    """Who finds words among the datasets that the operator says it matched; among all where it says nothing.

    Raises:
        MalformedInputError: what it says is no listing.
        NotFoundError: the library lacks one of them, or has another text for it.
    """
    if transcript.parameters is None:
        return library
    return finder_among(library, listed_corpus(transcript.parameters))


def prior_in(adapter: Path) -> PriorFile | None:
    """The prior that an adapter's folder commits to, None where it has none.

    Raises:
        UsageError: there is no such folder.
        MalformedInputError: it is malformed.
    """
    if not adapter.is_dir():
        raise UsageError(f"{adapter} is not a folder of an adapter's files.")
    file = adapter / PRIOR_FILE
    return parse_prior(file.read_bytes()) if file.exists() else None


def resolved(prior: PriorFile | None, ids: dict[bytes, int]) -> Prior:
    """The prior with these assetIds."""
    return prior.prior(ids) if prior is not None else NO_PRIOR


def known_ids(library: Library) -> dict[bytes, int]:
    """AssetIds of the library's datasets by contentHash."""
    return {entry.content_hash: entry.asset_id for entry in library.corpus}


def admitted_ids(words: str | None, everything: Collection[int]) -> frozenset[int]:
    """AssetIds of a comma-separated list; all of them where there is none.

    Raises:
        UsageError: not such a list.
    """
    if words is None:
        return frozenset(everything)
    try:
        return frozenset(int(word) for word in words.split(",") if word.strip())
    except ValueError as error:
        raise UsageError(f"{words!r} is not a list of assetIds such as 3,7,12.") from error
