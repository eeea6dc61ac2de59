"""The engine for one machine: batches are dealt out to a process a core."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

from ledger.protocol.entitlement import numerators
from tributary.entitlements.sums import Part, complete, sum_batches, weighted_fees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from settlement.entitlements import Entitlements
    from tributary.entitlements.facts import Facts

LEAST_BATCHES_A_PROCESS = 8
"""Starting processes takes seconds, a full batch a quarter of one."""


def by_processes(facts: Facts, archive: str, processes: int, report: Callable[[int, int], None]) -> Entitlements:
    """Everybody's entitlements through the block that `facts` end at.

    Args:
        facts: what the logs say.
        archive: address of the blob archive.
        processes: how many to start at most; with 1, or few batches, everything is done in this one.
        report: told how many batches are done, and how many there are.

    Raises:
        BlobNotAvailableError, ArchiveUnavailableError, ConservationError: nothing could be computed.
    """
    whole = Part()
    parts = _parts(facts, archive, min(processes, len(facts.batches) // LEAST_BATCHES_A_PROCESS))
    for done, part in enumerate(parts, start=1):
        whole.add(part)
        report(done, len(facts.batches))
    return complete(whole, numerators(weighted_fees(whole.sums), facts.royalties, facts.protocol, facts.lists))


def _parts(facts: Facts, archive: str, processes: int) -> Iterator[Part]:
    """Each batch's part as it is done."""
    if processes <= 1:
        yield from (sum_batches([batch], facts.rules, archive) for batch in facts.batches)
        return
    from tributary.entitlements import worker  # noqa: PLC0415  # it loads the trusted setup

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([worker.__name__])
    with ProcessPoolExecutor(processes, context, worker.begin, (facts.rules, archive)) as pool:
        for future in as_completed([pool.submit(worker.work, batch) for batch in facts.batches]):
            yield future.result()
