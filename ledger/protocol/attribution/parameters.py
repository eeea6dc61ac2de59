"""The method's name, its constants, and the hash that commits a batch to them and to the texts that were matched.

Source: docs/spec/attribution.md, "Parameters".
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.errors import MalformedInputError
from ledger.protocol.attribution.folding import Folding
from ledger.protocol.attribution.surprisal import Surprisal, parse_surprisal
from ledger.protocol.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

METHOD: Final = "attr/1"
METHOD_WORD: Final = METHOD.encode().ljust(32, b"\0")
"""`attributionMethod` of a batch whose sets this method made."""

_LISTING: Final = "tributary attribution parameters 1"


@dataclass(frozen=True, slots=True)
class Parameters:
    """The constants of a version of the method; another value is another version.

    Attributes:
        window_millibits: surprisal at which a run of units is taken as evidence.
        window_units: a window has at most so many units.
        window_bytes: an occurrence in a dataset that is spread over more bytes is none.
        claim_millibits: a dataset that owns less of an answer is not credited.
        unknown_millibits_per_character: surprisal of a unit that the table lacks, a code point.
        most_millibits: surprisal of a unit at most.
        fold_hash: keccak256 of the fold table.
        surprisal_hash: keccak256 of the surprisal table.
        background: contentHash of the common texts, which nobody earns by.
    """

    window_millibits: int
    window_units: int
    window_bytes: int
    claim_millibits: int
    unknown_millibits_per_character: int
    most_millibits: int
    fold_hash: bytes
    surprisal_hash: bytes
    background: bytes


class CorpusEntry(NamedTuple):
    """A registered dataset whose text is matched."""

    asset_id: int
    content_hash: bytes


@dataclass(frozen=True, eq=False)
class Method:
    """The function with everything that it is committed to, but the datasets."""

    parameters: Parameters
    folding: Folding
    surprisal: Surprisal

    @classmethod
    def load(cls, parameters: Parameters, fold_table: bytes, surprisal_table: bytes) -> Method:
        """The method of these parameters.

        Raises:
            MalformedInputError: a table is not the one that the parameters name.
        """
        if keccak256(fold_table) != parameters.fold_hash or keccak256(surprisal_table) != parameters.surprisal_hash:
            raise MalformedInputError("a table of the attribution method is not the one that its parameters name")
        surprisal = Surprisal(
            parse_surprisal(surprisal_table),
            unknown_millibits_per_character=parameters.unknown_millibits_per_character,
            most_millibits=parameters.most_millibits,
        )
        return cls(parameters, Folding.parse(fold_table), surprisal)


def parameters_listing(parameters: Parameters, corpus: Sequence[CorpusEntry]) -> bytes:
    """What `attributionParamsHash` is the hash of: a heading, the constants by name, a line a dataset.

    Raises:
        MalformedInputError: the datasets' assetIds do not ascend strictly from 1.
    """
    ids = [0, *(entry.asset_id for entry in corpus)]
    if any(later <= earlier for earlier, later in pairwise(ids)):
        raise MalformedInputError("the assetIds of a corpus must ascend strictly from 1")
    lines = [_LISTING, f"method {METHOD}"]
    for name, value in asdict(parameters).items():
        lines.append(f"{name} {value.hex() if isinstance(value, bytes) else value}")
    lines += [f"dataset {entry.asset_id} {entry.content_hash.hex()}" for entry in corpus]
    return "".join(line + "\n" for line in lines).encode()


def params_hash(parameters: Parameters, corpus: Sequence[CorpusEntry]) -> bytes:
    """`attributionParamsHash`: commits to the constants and to the datasets whose text was matched."""
    return keccak256(parameters_listing(parameters, corpus))
