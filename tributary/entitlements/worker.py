"""What a worker process of the local engine runs. Importing this loads the trusted setup.

The server that workers are forked from imports it once, so that no worker spends seconds of its own on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.protocol.blob.kzg import trusted_setup
from tributary.entitlements.sums import sum_batches

if TYPE_CHECKING:
    from indexer.verification.batch import CommittedBatch
    from tributary.entitlements.facts import Rules
    from tributary.entitlements.sums import Part

_given: dict[str, tuple[Rules, str]] = {}

trusted_setup()


def begin(rules: Rules, archive: str) -> None:
    """Take what is the same for all batches."""
    _given["given"] = (rules, archive)


def work(batch: CommittedBatch) -> Part:
    """What one batch comes to."""
    return sum_batches([batch], *_given["given"])
