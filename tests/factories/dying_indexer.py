"""An indexer that is killed at a step of one's choice; SIGKILL leaves it no chance to tidy up.

For a process of its own, made by a fork server that has loaded the KZG setup already.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import ledger.archive
from indexer.assembly import assemble
from indexer.following import store as following_store
from indexer.following.source import ChainSource
from indexer.following.store import ChainStore
from indexer.running import catch_up
from indexer.settings import IndexerSettings
from indexer.verification import store as verification_store
from indexer.verification.store import VerificationStore
from ledger.protocol.blob.kzg import trusted_setup

trusted_setup()

BEFORE, AFTER = "before", "after"
STEPS: dict[str, tuple[Any, str, str]] = {
    "the first block is noted": (ChainStore, "begin", AFTER),
    "logs are fetched": (ChainSource, "run", AFTER),
    "a linked run is fetched": (ChainSource, "linked_run", AFTER),
    "rows of a run are being written": (following_store, "write_rows", AFTER),
    "a run is committed": (ChainStore, "advance", AFTER),
    "a blob lies beside its place": (ledger.archive, "flush", BEFORE),
    "a blob is archived": (ledger.archive.BlobArchive, "put_checked", AFTER),
    "a post's blobs are noted": (VerificationStore, "fetched", AFTER),
    "a batch is judged": (VerificationStore, "decide", BEFORE),
    "receipts are copied": (verification_store, "_copy", AFTER),
    "a batch is decided": (VerificationStore, "decide", AFTER),
}


def run_until(step: str, settings: IndexerSettings) -> None:
    """Catch up, and die at the step."""
    owner, name, when = STEPS[step]
    setattr(owner, name, _deadly(getattr(owner, name), when))
    with assemble(settings) as indexer:
        catch_up(indexer)


def _deadly(original: Callable[..., Any], when: str) -> Callable[..., Any]:
    def call(*arguments: Any, **words: Any) -> Any:
        if when == BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return original(*arguments, **words)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)

    return call
