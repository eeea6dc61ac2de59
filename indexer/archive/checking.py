"""Whether an archive holds every blob that the chains name, each checked against its hash."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from indexer.archive.named import NamedBlob
    from indexer.verification.commitments import CommitmentPool
    from ledger.archive import BlobArchive

READ_AT_ONCE = 32
"""4 MiB of blobs."""


@dataclass(slots=True)
class Checked:
    """What was found: blobs that are there and right, that are not there, and whose file holds something else."""

    right: int = 0
    missing: list[NamedBlob] = field(default_factory=list)
    damaged: list[NamedBlob] = field(default_factory=list)

    @property
    def wanting(self) -> list[NamedBlob]:
        """What has to be fetched."""
        return [*self.missing, *self.damaged]


def check_archive(
    archive: BlobArchive,
    blobs: Sequence[NamedBlob],
    pool: CommitmentPool,
    advance: Callable[[int], None] = lambda _count: None,
) -> Checked:
    """Read and verify every one of these blobs.

    Args:
        archive: what is checked.
        blobs: what should be in it.
        pool: works out commitments.
        advance: told how many more blobs have been looked at.

    Raises:
        ArchiveUnavailableError: the store does not answer.
    """
    checked = Checked()
    for at in range(0, len(blobs), READ_AT_ONCE):
        group = blobs[at : at + READ_AT_ONCE]
        read = [(blob, archive.read(blob.versioned_hash)) for blob in group]
        there = [(blob, content) for blob, content in read if content is not None]
        checked.missing += [blob for blob, content in read if content is None]
        commitments = pool.check([(blob.versioned_hash, content) for blob, content in there])
        for (blob, _), commitment in zip(there, commitments, strict=True):
            if commitment is None:
                checked.damaged.append(blob)
            else:
                checked.right += 1
        advance(len(group))
    return checked
