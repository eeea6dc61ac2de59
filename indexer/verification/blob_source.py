"""Blobs from the archive, from beacon nodes or from Alt-DA servers, none of which is believed: each is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import structlog

from ledger.errors import BlobFormatError, BlobNotAvailableError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.verification.commitments import CommitmentPool
    from ledger.archive import BlobArchive
    from ledger.chain.altda import AltDaClient
    from ledger.chain.beacon import BeaconClient
    from ledger.chain.blocks import BlockRef

_log = structlog.get_logger()


class CheckedBlob(NamedTuple):
    """A blob that matched its versioned hash and is in the archive."""

    versioned_hash: bytes
    kzg_commitment: bytes
    blob: bytes


class BlobSource:
    """Where blobs come from. Thread-safe."""

    def __init__(
        self,
        archive: BlobArchive,
        beacons: Sequence[BeaconClient],
        pool: CommitmentPool,
        altda: Sequence[AltDaClient] = (),
    ) -> None:
        """Take the sources.

        Args:
            archive: asked first, and given every blob that another source had.
            beacons: one client an endpoint, so that after a lie the next one can be asked.
            pool: works out commitments.
            altda: one client a server, asked for the batches that name a commitment there.
        """
        self._archive = archive
        self._beacons = beacons
        self._pool = pool
        self._altda = altda

    def fetch(
        self, versioned_hashes: Sequence[bytes], l1_blocks: Sequence[BlockRef], commitments: Sequence[bytes] = ()
    ) -> list[CheckedBlob]:
        """The blobs of a post, in order, each checked and archived.

        Args:
            versioned_hashes: which blobs.
            l1_blocks: the blocks in which they were posted, the likeliest first; none if that is not known yet.
            commitments: under what an Alt-DA server may hold all of them.

        Raises:
            BlobNotAvailableError: one of them could not be had from anywhere.
            ArchiveUnavailableError: the archive does not answer.
        """
        found = self._from_archive(versioned_hashes)
        for beacon in self._beacons:
            for block in l1_blocks:
                missing = [h for h in versioned_hashes if h not in found]
                if missing:
                    found.update(self._from_beacon(beacon, block, missing))
        for server in self._altda:
            for commitment in commitments:
                if any(h not in found for h in versioned_hashes):
                    found.update(self._from_altda(server, commitment, versioned_hashes))
        missing = [h for h in versioned_hashes if h not in found]
        if missing:
            why = "no beacon endpoint has it" if l1_blocks else "its L1 post is not indexed yet"
            if commitments:
                why += (
                    ", and no Alt-DA server has it" if self._altda else "; it is behind an Alt-DA server: set ALTDA_URL"
                )
            raise BlobNotAvailableError(f"Blob 0x{missing[0].hex()} is not in the archive and {why}.")
        return [found[h] for h in versioned_hashes]

    def _from_archive(self, hashes: Sequence[bytes]) -> dict[bytes, CheckedBlob]:
        read = [(h, self._archive.read(h)) for h in hashes]
        return self._checked([(h, blob) for h, blob in read if blob is not None], "archive")

    def _from_beacon(self, beacon: BeaconClient, block: BlockRef, hashes: Sequence[bytes]) -> dict[bytes, CheckedBlob]:
        """What one endpoint has of these blobs, archived."""
        answers = []
        for blob_hash in hashes:
            try:
                answers.append((blob_hash, beacon.blob(block, blob_hash)))
            except RetryableError as error:
                _log.info("blob_not_had", versioned_hash=blob_hash.hex(), reason=str(error))
        return self._archived(self._checked(answers, "beacon"))

    def _from_altda(self, server: AltDaClient, commitment: bytes, hashes: Sequence[bytes]) -> dict[bytes, CheckedBlob]:
        """What one server holds of these blobs under a commitment, archived."""
        try:
            blobs = server.blobs(commitment, len(hashes))
        except (RetryableError, BlobFormatError) as error:
            _log.info("batch_not_had", data_commitment=commitment.hex(), source=server.name, reason=str(error))
            return {}
        return self._archived(self._checked(list(zip(hashes, blobs, strict=True)), server.name))

    def _archived(self, checked: dict[bytes, CheckedBlob]) -> dict[bytes, CheckedBlob]:
        for blob_hash, found in checked.items():
            self._archive.put_checked(blob_hash, found.blob)
        return checked

    def _checked(self, blobs: Sequence[tuple[bytes, bytes]], source: str) -> dict[bytes, CheckedBlob]:
        good = {}
        for (blob_hash, blob), commitment in zip(blobs, self._pool.check(blobs), strict=True):
            if commitment is None:
                _log.warning("blob_does_not_match", versioned_hash=blob_hash.hex(), source=source)
            else:
                good[blob_hash] = CheckedBlob(blob_hash, commitment, blob)
        return good
