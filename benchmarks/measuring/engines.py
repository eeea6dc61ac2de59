"""One archive of full batches, and its entitlements by each engine."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.core import FULL_BATCH, PRICE, batch_of
from indexer.verification.batch import CommittedBatch, Place
from ledger.archive import BlobArchive
from ledger.errors import ToolMissingError
from ledger.protocol.batch import batch_commitment
from ledger.protocol.blob.kzg import kzg_commitment, versioned_hash
from ledger.protocol.entitlement import EffectiveShare, ProtocolShare, RoyaltyTerms
from ledger.protocol.judging.rulebook import PricePoint, TermsVersion
from settlement.scope import ThroughBlock
from tributary.entitlements.facts import Facts, Published, Rules
from tributary.entitlements.local import by_processes
from tributary.entitlements.spark import by_spark, require_java

if TYPE_CHECKING:
    from collections.abc import Callable

    from settlement.entitlements import Entitlements

COMMITTED_AT = 1_700_010_000
OPERATOR = b"\x0e" * 20
SHARES = tuple(EffectiveShare(bytes([n]) * 20, 10**12 // 50) for n in range(1, 51))


@dataclass(frozen=True)
class Engines:
    """Seconds by engine, and what Spark takes for no batches at all; `lacking` says why Spark is not among them."""

    receipts: int
    batches: int
    seconds: dict[str, float]
    starting_spark: float | None
    lacking: str


def compare(folder: Path, distinct: int, repeats: int) -> Engines:
    """Each engine over the same archive, one after the other; their results must be equal.

    Args:
        folder: for the archive.
        distinct: full batches that are encoded and archived.
        repeats: how often each is committed; every commit is read, checked and judged anew.
    """
    facts = archive(folder, distinct, repeats)
    cores = os.cpu_count() or 1
    contenders: dict[str, Callable[[], Entitlements]] = {
        "local, 1 process": lambda: by_processes(facts, str(folder), 1, lambda _done, _total: None),
        f"local, {cores} processes": lambda: by_processes(facts, str(folder), cores, lambda _done, _total: None),
    }
    lacking = ""
    try:
        require_java()
        contenders[f"spark, local[{cores}]"] = lambda: by_spark(facts, str(folder), f"local[{cores}]")
    except ToolMissingError as error:
        lacking = str(error)
    seconds, results = {}, []
    for name, run in contenders.items():
        began = time.perf_counter()
        results.append(run())
        seconds[name] = time.perf_counter() - began
    if any(result != results[0] for result in results):
        raise AssertionError("the engines differ")
    starting = None if lacking else _starting_spark(facts, folder, cores)
    return Engines(FULL_BATCH * len(facts.batches), len(facts.batches), seconds, starting, lacking)


def _starting_spark(facts: Facts, folder: Path, cores: int) -> float:
    began = time.perf_counter()
    by_spark(replace(facts, batches=()), str(folder), f"local[{cores}]")
    return time.perf_counter() - began


def archive(folder: Path, distinct: int, repeats: int) -> Facts:
    """The facts of so many batches, whose blobs stand in the archive."""
    blobs, made = BlobArchive(folder), []
    for _ in range(distinct):
        encoded = batch_of(FULL_BATCH, with_sets=False).encoded
        hashes = tuple(versioned_hash(kzg_commitment(blob)) for blob in encoded.blobs)
        for blob_hash, blob in zip(hashes, encoded.blobs, strict=True):
            blobs.put_checked(blob_hash, blob)
        made.append((encoded, hashes))
    batches = tuple(
        CommittedBatch(
            batch_id=number + 1, fill=0, place=Place(901, 10, bytes(32), number), header=encoded.header,
            charges=encoded.charges, versioned_hashes=hashes,
            batch_commitment=batch_commitment(encoded.header, hashes, encoded.charges),
            terms_from=COMMITTED_AT - 86_400, first_committed_at=COMMITTED_AT,
        )
        for number, (encoded, hashes) in enumerate(made * repeats)
    )  # fmt: skip
    terms = RoyaltyTerms(200_000, 0, by_attribution=False, datasets=frozenset(), effective=SHARES)
    rules = Rules(
        frozenset(),
        {1: (Published(1, 0, TermsVersion(0, 0, 0, by_attribution=False, datasets=frozenset())),)},
        {(OPERATOR, 1): ((1, PricePoint(0, *PRICE)),)},
    )
    return Facts(ThroughBlock(20, bytes(32)), ProtocolShare(b"\xee" * 20, 10_000), rules, {(1, 1): terms}, batches)
