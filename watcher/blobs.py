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
        self._found: tuple[int, list[BlockRef]] = (0, [])
        # One client an endpoint, so that after a lie the next one can be asked.
        self._beacons = [BeaconClient([url]) for url in settings.beacon_url or ()]

    def close(self) -> None:
        """Close the connections."""
        for beacon in self._beacons:
            beacon.close()

    def missing(self, versioned_hashes: Sequence[bytes], posts: Sequence[bytes]) -> list[int]:
        """Which of a batch's blobs are not to be had now; arguments as `of`."""
        lacking = []
        for index, blob_hash in enumerate(versioned_hashes):
            try:
                self._one(blob_hash, [post_hash(versioned_hashes), *posts])
            except BlobNotAvailableError:
                lacking.append(index)
        return lacking

    def of(self, versioned_hashes: Sequence[bytes], posts: Sequence[bytes] = ()) -> list[bytes]:
        """The blobs of a batch in order, each checked against its hash.

        Args:
            versioned_hashes: the batch's blobs, which make one post if it was attested.
            posts: other posts that may hold some of them.

        Raises:
            BlobNotAvailableError: one of them is not to be had now.
            RpcUnavailableError: a chain does not answer.
        """
        return [self._one(blob_hash, [post_hash(versioned_hashes), *posts]) for blob_hash in versioned_hashes]

    def _one(self, blob_hash: bytes, posts: Sequence[bytes]) -> bytes:
        kept = self._archive.get(blob_hash) if self._archive else None
        return self._fetched(blob_hash, self._posted_in(posts)) if kept is None else kept

    def _posted_in(self, posts: Sequence[bytes]) -> list[BlockRef]:
        """The L1 blocks that may hold one of these posts: those of the seconds that the L2 was told."""
        times = [self._chains.ledger.attested_at(post, "latest") for post in posts]
        if self._chains.l1 is None or not any(times):
            raise BlobNotAvailableError("The archive lacks a blob, and no L1 post of it is known.")
        return [block for time in sorted(set(times) - {0}) for block in self._blocks_of(time)]

    def _blocks_of(self, second: int) -> list[BlockRef]:
        """The L1 blocks of a second; asked once for the blobs of one post."""
        if self._found[0] != second and self._chains.l1 is not None:
            self._found = second, blocks_of_second(self._chains.l1, second)
        return self._found[1]

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
