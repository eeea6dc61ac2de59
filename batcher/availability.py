"""Where blobs go so that everybody can have them, as an interface: L1, or a layer behind an Alt-DA server.

A batch commits to the same versioned hashes either way, so every challenge holds either way. What differs is who keeps
the blobs, and that the L2 knows of blobs on L1 (`commitBatch`), while it takes the operator's word for others until
somebody demands them (`commitUnattested`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from batcher.contents import header_of
from batcher.posting import attested_in_time, post
from batcher.states import Layer, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batcher.parts import Parts, View
    from ledger.chain.transaction import Call
    from ledger.db.models.batcher import BatchJob
    from ledger.protocol.batch import Charge


class DataLayer(Protocol):
    """Keeps encoded batches' blobs."""

    published: State
    """Where a job stands once its blobs were given away."""
    committed_from: State
    """Where a job stands when it can be committed."""

    def publish(self, parts: Parts, job: BatchJob, view: View) -> bool:
        """Whether an encoded job moved on: given to the layer, held by it, or moved to another one.

        Raises:
            RetryableError: the layer can't take it now.
        """

    def keeps(self, parts: Parts, job: BatchJob, view: View) -> bool:
        """Whether a commit may build on it now; if not, the job goes back to `published`."""

    def commit_call(self, parts: Parts, job: BatchJob, hashes: Sequence[bytes], charges: Sequence[Charge]) -> Call:
        """The commit of a batch whose blobs this layer keeps."""


class Ethereum:
    """Blobs on L1, attested on L2 by BlobInbox."""

    published = State.POSTED
    committed_from = State.ATTESTED

    def publish(self, parts: Parts, job: BatchJob, view: View) -> bool:
        return post(parts, job, view)

    def keeps(self, parts: Parts, job: BatchJob, view: View) -> bool:
        return bool(attested_in_time(parts, job, view))

    def commit_call(self, parts: Parts, job: BatchJob, hashes: Sequence[bytes], charges: Sequence[Charge]) -> Call:
        return parts.chains.ledger.commit_batch(header_of(job), hashes, charges)


def layer_of(parts: Parts, job: BatchJob) -> DataLayer:
    """The layer that a job's blobs go to."""
    return parts.layers[Layer(job.data_layer)]
