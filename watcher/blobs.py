"""A batch's blobs, from an archive, an Alt-DA server or beacon nodes; none is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.archive import BlobArchive, blob_matches
from ledger.chain.altda import AltDaClient
from ledger.chain.beacon import BeaconClient
from ledger.errors import BlobFormatError, BlobNotAvailableError, MalformedAnswerError, RetryableError
from ledger.protocol.batch import post_hash
from watcher.blocks import blocks_of_second

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        self._servers = [AltDaClient(url) for url in settings.altda_url]

    def close(self) -> None:
        """Close the connections."""
        for beacon in self._beacons:
            beacon.close()
        for server in self._servers:
            server.close()

    def missing(
        self, versioned_hashes: Sequence[bytes], posts: Sequence[bytes], commitments: Sequence[bytes] = ()
    ) -> list[int]:
        """Which of a batch's blobs are not to be had now; arguments as `of`."""
        lacking, elsewhere = [], self._elsewhere(versioned_hashes, commitments)
        for index, blob_hash in enumerate(versioned_hashes):
            try:
                self._one(blob_hash, [post_hash(versioned_hashes), *posts], elsewhere)
            except BlobNotAvailableError:
                lacking.append(index)
        return lacking

    def of(
        self, versioned_hashes: Sequence[bytes], posts: Sequence[bytes] = (), commitments: Sequence[bytes] = ()
    ) -> list[bytes]:
        """The blobs of a batch in order, each checked against its hash.

        Args:
            versioned_hashes: the batch's blobs, which make one post if it was attested.
            posts: other posts that may hold some of them.
            commitments: under what an Alt-DA server may hold all of them.

        Raises:
            BlobNotAvailableError: one of them is not to be had now.
            RpcUnavailableError: a chain does not answer.
        """
        elsewhere, named = self._elsewhere(versioned_hashes, commitments), post_hash(versioned_hashes)
        return [self._one(blob_hash, [named, *posts], elsewhere) for blob_hash in versioned_hashes]

    def _elsewhere(self, hashes: Sequence[bytes], commitments: Sequence[bytes]) -> dict[bytes, bytes]:
        """What Alt-DA servers have of these blobs, by hash; nothing is asked if the archive has them all."""
        if self._archive is not None and all(blob_hash in self._archive for blob_hash in hashes):
            return {}
        found: dict[bytes, bytes] = {}
        for server in self._servers:
            for commitment in commitments:
                try:
                    blobs = server.blobs(commitment, len(hashes))
                except (RetryableError, BlobFormatError):
                    continue
                found |= {h: blob for h, blob in zip(hashes, blobs, strict=True) if blob_matches(blob, h)}
        for blob_hash, blob in found.items():
            if self._archive is not None:
                self._archive.put_checked(blob_hash, blob)
        return found

    def _one(self, blob_hash: bytes, posts: Sequence[bytes], elsewhere: Mapping[bytes, bytes]) -> bytes:
        kept = elsewhere.get(blob_hash)
        if kept is None and self._archive is not None:
            kept = self._archive.get(blob_hash)
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
