"""Who takes part in the demo: payers, payees, attesters and the terms between them.

Keys are derived from public labels, so every run has the same addresses; they hold test tokens only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from coincurve import PrivateKey

from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import address_of

PROTOCOL_PPM: Final = 25_000
INPUT_PRICE_UNITS: Final = 4_177
OUTPUT_PRICE_UNITS: Final = 12_853
"""Base units (millionths of the token) per 1000 tokens; primes, so that every split leaves a fraction."""
DEPOSIT_UNITS: Final = 25_000_000
BOND_UNITS: Final = 5_000_000_000
OPERATOR_DEPOSIT_UNITS: Final = 1_000_000_000
DATA_PPM: Final = 400_000
"""Part of the royalty of an adapter of several datasets that goes by attribution."""
PAYERS: Final = 4
DATANET: Final = "austen-pride-and-prejudice"
"""The dataset that pays everybody who proofread a page of it."""
PAGES: Final = 120
ATTESTERS: Final = 3
QUORUM: Final = 2


@dataclass(frozen=True, slots=True)
class Actor:
    """A party with a key of its own. `role` is what the table says of it."""

    name: str
    role: str
    key: PrivateKey

    @property
    def address(self) -> bytes:
        """20 bytes."""
        return address_of(self.key)


def actor(name: str, role: str) -> Actor:
    """The party of this name; the same in every run."""
    return Actor(name, role, PrivateKey(keccak256(b"tributary demo ", name.encode())))


@dataclass(frozen=True, slots=True)
class AssetTerms:
    """An asset's money rules by names: its split in ppm by actor, its parents in ppm by asset."""

    royalty_ppm: int
    split: tuple[tuple[Actor, int], ...]
    parents: tuple[tuple[str, int], ...] = ()
    min_child_ppm: int = 0
    data_ppm: int = 0
    datasets: tuple[str, ...] = ()
    """Datasets that attribution sets may name; with any, the mode is `operator`."""
    crowd: tuple[tuple[Actor, int], ...] = ()
    """Contributors with their weights, paid as one payee; they have what `split` leaves of a million."""


PROTOCOL: Final = actor("treasury", "protocol")
OPERATOR: Final = actor("operator", "operator")
LANE_KEY: Final = actor("operator's lane key", "lane key")
GOVERNOR: Final = actor("governor", "governor")
BASE_LAB: Final = actor("quill lab", "base model owner")
_EDITOR: Final = actor("text editors' guild", "dataset editor")
PAYER_ACTORS: Final = tuple(actor(f"app {n + 1}", "payer") for n in range(PAYERS))
ATTESTER_ACTORS: Final = tuple(actor(f"attester {n + 1}", "attester") for n in range(ATTESTERS))


def dataset_terms(name: str) -> AssetTerms:
    """A dataset: its keeper and the editors' guild share what it earns; a child gives it at least 2 %."""
    keeper = actor(f"keeper of {name}", "dataset owner")
    return AssetTerms(0, ((keeper, 850_000), (_EDITOR, 150_000)), min_child_ppm=20_000)


def datanet_terms(name: str, page_bytes: Sequence[int]) -> AssetTerms:
    """A datanet: 10 % to its keeper, 15 % to the guild, the rest to its proofreaders by the bytes of their pages."""
    keeper = actor(f"keeper of {name}", "dataset owner")
    crowd = tuple((actor(f"proofreader {n + 1}", "contributor"), weight) for n, weight in enumerate(page_bytes))
    return AssetTerms(0, ((keeper, 100_000), (_EDITOR, 150_000)), min_child_ppm=20_000, crowd=crowd)


def base_terms(datasets: Sequence[str]) -> AssetTerms:
    """The base model: its lab, and 4 % to each dataset that it was trained on."""
    parents = tuple((name, 40_000) for name in datasets)
    return AssetTerms(300_000, ((BASE_LAB, 1_000_000),), parents, min_child_ppm=100_000)


def adapter_terms(name: str, base: str, datasets: Sequence[str]) -> AssetTerms:
    """An adapter: its tuner, 20 % to the base model, and a third shared by its own datasets.

    One of several datasets has part of its royalty go by what each answer drew on.
    """
    tuner = actor(f"tuner of {name}", "adapter owner")
    each = 333_333 // len(datasets)
    parents = ((base, 200_000), *((dataset, each) for dataset in datasets))
    if len(datasets) == 1:
        return AssetTerms(620_000, ((tuner, 1_000_000),), parents)
    return AssetTerms(620_000, ((tuner, 1_000_000),), parents, data_ppm=DATA_PPM, datasets=tuple(datasets))
