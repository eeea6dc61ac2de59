"""What the watcher remembers over restarts: one JSON file, replaced whole and held by one process."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, Field, ValidationError

from ledger.errors import UsageError
from ledger.protocol.hexadecimal import to_hex

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledger.chain.deployment import Deployment

BLOCKS_UNSAVED: Final = 1_000
BatchState = Literal["waiting", "sound", "guilty", "voided", "finalized"]


class BatchNote(BaseModel):
    """A batch that is not final yet. `block` holds its newest commit, `first_block` its first one."""

    operator: str
    lane: int
    first_seq: int
    count: int
    batch_commitment: str
    block: int
    first_block: int
    first_committed_at: int
    committed_at: int
    state: BatchState = "waiting"
    void_block: int = 0
    voided_at: int = 0
    """Second of the voiding; known once its refunds are done."""
    demanded: dict[int, str] = Field(default_factory=dict)
    """Blobs for which a deposit of ours may be out, with the hash of the record that they were demanded of."""
    told: str = ""
    """The last thing that was reported of it, so that it is reported once."""
    receipts: list[str] = Field(default_factory=list)
    """Digests of kept receipts that it was held against."""
    refused: list[str] = Field(default_factory=list)
    """Proofs that the contract refused, by rule."""


class SentNote(BaseModel):
    """A transaction that may be on its way: every signed form of it, newest last. It is written before it is sent."""

    purpose: Literal["challenge", "refund", "penalty", "demand"]
    subject: str
    """The batch's id, or the receipt's digest."""
    raws: list[str]


class Memory(BaseModel):
    """All that is remembered. Wei are text: JSON numbers are not exact everywhere."""

    chain_id: int
    ledger: str
    next_block: int | None = None
    """The first block not yet read for good: those before it can't be replaced any more."""
    batches: dict[int, BatchNote] = Field(default_factory=dict)
    receipts: dict[str, str] = Field(default_factory=dict)
    """What became of kept receipts, by digest."""
    sent: SentNote | None = None
    spent_wei: str = "0"


class MemoryFile:
    """The file, locked for this process."""

    def __init__(self, path: Path, memory: Memory) -> None:
        self._path = path
        self.memory = memory
        self._written = memory.model_copy(deep=True)

    def save(self) -> None:
        """Replace the file, durably, unless only a few blocks were read since: those are quickly read again."""
        now, before = self.memory, self._written
        read = (now.next_block or 0) - (before.next_block or 0)
        if 0 <= read < BLOCKS_UNSAVED and now.model_copy(update={"next_block": before.next_block}) == before:
            return
        self._write(now.model_dump_json(indent=1))
        self._written = now.model_copy(deep=True)

    def _write(self, text: str) -> None:
        part = self._path.with_suffix(".part")
        with part.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)


@contextmanager
def open_memory(path: Path, deployment: Deployment) -> Iterator[MemoryFile]:
    """What the file remembers of this deployment; an empty memory if there is no file.

    Raises:
        UsageError: another watcher uses the file, or it is of another deployment, or no such file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        _take(lock, path)
        yield MemoryFile(path, _read(path, deployment))


def _take(lock: IO[str], path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise UsageError(
            f"Another watcher uses {path}; give this one a file of its own (WATCHER_STATE_FILE)."
        ) from error


def _read(path: Path, deployment: Deployment) -> Memory:
    fresh = Memory(chain_id=deployment.l2.chain_id, ledger=to_hex(deployment.l2.ledger))
    if not path.exists():
        return fresh
    try:
        memory = Memory.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UsageError(f"{path} is not a watcher's state; delete it to begin anew.") from error
    if (memory.chain_id, memory.ledger) != (fresh.chain_id, fresh.ledger):
        raise UsageError(f"{path} is of another deployment; give this watcher a file of its own (WATCHER_STATE_FILE).")
    return memory
