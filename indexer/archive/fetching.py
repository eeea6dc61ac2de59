"""Blobs that an archive lacks, from wherever they can be had; none of the sources is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from ledger.chain.endpoint import exchange, public_name
from ledger.errors import BlobFormatError, BlobNotAvailableError, RetryableError, RpcRejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import httpx

    from indexer.archive.named import Elsewhere, NamedBlob
    from indexer.verification.commitments import CommitmentPool
    from ledger.archive import BlobArchive
    from ledger.chain.altda import AltDaClient
    from ledger.chain.beacon import BeaconClient

TIMEOUT_SECONDS = 30.0

_log = structlog.get_logger()


class Source(Protocol):
    """Somewhere that may have a blob."""

    name: str

    def read(self, blob: NamedBlob) -> bytes | None:
        """What the source says this blob is, unverified; None if it has not got it.

        Raises:
            RetryableError: it does not answer.
        """


class ArchiveSource:
    """Another archive: a folder, an object store, or one that a web server shows (`https://host/path`)."""

    def __init__(self, name: str, archive: BlobArchive) -> None:
        self.name = name
        self._archive = archive

    def read(self, blob: NamedBlob) -> bytes | None:
        return self._archive.read(blob.versioned_hash)


class ApiSource:
    """A Tributary API: `GET <address>/v1/blobs/<versioned hash>`."""

    def __init__(self, address: str, client: httpx.Client) -> None:
        self.name = public_name(address)
        self._address = address.rstrip("/")
        self._client = client

    def read(self, blob: NamedBlob) -> bytes | None:
        url = f"{self._address}/v1/blobs/0x{blob.versioned_hash.hex()}"
        try:
            answer = exchange(self._client, self.name, self._client.build_request("GET", url))
        except RpcRejectedError as error:
            raise BlobNotAvailableError(str(error)) from error
        return answer.content if answer.status_code == 200 else None


class BeaconSource:
    """A beacon node, which keeps blobs for about 18 days."""

    def __init__(self, name: str, beacon: BeaconClient) -> None:
        self.name = name
        self._beacon = beacon

    def read(self, blob: NamedBlob) -> bytes | None:
        return None if blob.l1_block is None else self._beacon.blob(blob.l1_block, blob.versioned_hash)


class AltDaSource:
    """An Alt-DA server, for blobs of batches that name a commitment there. Keeps the last batch that it gave."""

    def __init__(self, client: AltDaClient) -> None:
        self.name = client.name
        self._client = client
        self._last: tuple[Elsewhere, Sequence[bytes]] | None = None

    def read(self, blob: NamedBlob) -> bytes | None:
        place = blob.elsewhere
        if place is None:
            return None
        if self._last is None or self._last[0]._replace(position=0) != place._replace(position=0):
            try:
                self._last = place, self._client.blobs(place.data_commitment, place.blob_count)
            except BlobFormatError:
                return None
        return self._last[1][place.position]


def fetch_blobs(
    archive: BlobArchive,
    blobs: Iterable[NamedBlob],
    sources: Sequence[Source],
    pool: CommitmentPool,
    advance: Callable[[int], None] = lambda _count: None,
) -> list[NamedBlob]:
    """Keep each blob that any source has; returns those that nobody had.

    Raises:
        ArchiveUnavailableError: the archive does not take them.
    """
    left = []
    for blob in blobs:
        content = _first_right(blob, sources, pool)
        if content is None:
            left.append(blob)
        else:
            archive.put_checked(blob.versioned_hash, content)
        advance(1)
    return left


def _first_right(blob: NamedBlob, sources: Sequence[Source], pool: CommitmentPool) -> bytes | None:
    """The blob from the first source whose answer matches the hash."""
    for source in sources:
        try:
            content = source.read(blob)
        except RetryableError as error:
            _log.info("blob_not_had", versioned_hash=blob.versioned_hash.hex(), source=source.name, reason=str(error))
            continue
        if content is None:
            continue
        if pool.check([(blob.versioned_hash, content)])[0] is not None:
            return content
        _log.warning("blob_does_not_match", versioned_hash=blob.versioned_hash.hex(), source=source.name)
    return None
