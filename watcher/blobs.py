"""A batch's blobs, from an archive or from beacon nodes; neither is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.archive import BlobArchive, blob_matches
from ledger.chain.beacon import BeaconClient
from ledger.errors import BlobNotAvailableError, MalformedAnswerError, RetryableError
from ledger.protocol.batch import post_hash
from watcher.blocks import blocks_of_second

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.blocks import BlockRef
    from watcher.chains import Chains
    from watcher.settings import WatcherSettings


class Blobs:
    """Where the watcher has blobs from."""

    def __init__(self, chains: Chains, settings: WatcherSettings) -> None:
        """Take the sources; nothing is asked yet."""
        self._chains = chains
        self._archive = None if settings.archive_dir is None else BlobArchive(settings.archive_dir)
        # One client an endpoint, so that after a lie the next one can be asked.
        self._beacons = [BeaconClient([url]) for url in settings.beacon_url or ()]

    def close(self) -> None:
        """Close the connections."""
        for beacon in self._beacons:
            beacon.close()

    def of(self, versioned_hashes: Sequence[bytes]) -> list[bytes]:
        """The blobs of a post in order, each checked against its hash.

        Raises:
            BlobNotAvailableError: one of them is not to be had now.
            RpcUnavailableError: a chain does not answer.
        """
        kept = [self._archive.get(blob_hash) if self._archive else None for blob_hash in versioned_hashes]
        if all(blob is not None for blob in kept):
            return [blob for blob in kept if blob is not None]
        posted_in = self._posted_in(versioned_hashes)
        return [
            blob if blob is not None else self._fetched(blob_hash, posted_in)
            for blob_hash, blob in zip(versioned_hashes, kept, strict=True)
        ]

    def _posted_in(self, versioned_hashes: Sequence[bytes]) -> list[BlockRef]:
        """The L1 blocks that may hold the post: those of the second that the L2 was told."""
        l1_time = self._chains.ledger.attested_at(post_hash(versioned_hashes), "latest")
        if self._chains.l1 is None or not l1_time:
            raise BlobNotAvailableError("The archive lacks a blob, and no L1 post of it is known.")
        return blocks_of_second(self._chains.l1, l1_time)

    def _fetched(self, blob_hash: bytes, posted_in: Sequence[BlockRef]) -> bytes:
        reasons = []
        for beacon in self._beacons:
            for block in posted_in:
                try:
                    blob = beacon.blob(block, blob_hash)
                    if not blob_matches(blob, blob_hash):
                        raise MalformedAnswerError("a beacon endpoint answered another blob")
                except RetryableError as error:
                    reasons.append(str(error))
                    continue
                if self._archive is not None:
                    self._archive.put_checked(blob_hash, blob)
                return blob
        why = reasons[0] if reasons else "no beacon address is set"
        raise BlobNotAvailableError(f"Blob 0x{blob_hash.hex()} can not be had: {why}")
