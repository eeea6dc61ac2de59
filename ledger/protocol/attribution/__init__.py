"""Whose data an answer drew on: the function, and the sets that receipts and batches carry.

Everything here is pure; the engine that finds text fast is `ledger.attribution`.
Source: docs/spec/attribution.md; for the sets docs/spec/blob.md.
"""

from ledger.protocol.attribution.finding import Finder, Origin, Scan, TextFile, placed_in_file
from ledger.protocol.attribution.function import Attribution, Texts, attribute
from ledger.protocol.attribution.ownership import Span
from ledger.protocol.attribution.parameters import (
    METHOD,
    METHOD_WORD,
    CorpusEntry,
    Method,
    Parameters,
    parameters_listing,
    params_hash,
)
from ledger.protocol.attribution.prior import NO_PRIOR, Prior
from ledger.protocol.attribution.sets import (
    BY_TERMS,
    ENTRIES_PER_PART,
    ENTRY_BYTES,
    MAX_ENTRIES,
    MAX_PARTS,
    AttributionSet,
    SetEntry,
    attribution_hash,
    check_set,
    entry_bytes,
)
from ledger.protocol.attribution.windows import Window

__all__ = [
    "BY_TERMS",
    "ENTRIES_PER_PART",
    "ENTRY_BYTES",
    "MAX_ENTRIES",
    "MAX_PARTS",
    "METHOD",
    "METHOD_WORD",
    "NO_PRIOR",
    "Attribution",
    "AttributionSet",
    "CorpusEntry",
    "Finder",
    "Method",
    "Origin",
    "Parameters",
    "Prior",
    "Scan",
    "SetEntry",
    "Span",
    "TextFile",
    "Texts",
    "Window",
    "attribute",
    "attribution_hash",
    "check_set",
    "entry_bytes",
    "parameters_listing",
    "params_hash",
    "placed_in_file",
]
