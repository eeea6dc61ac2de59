"""What BlobInbox (L1) emits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlobsPosted:
    """A transaction's blobs were posted; the post is named by the hash of its versioned hashes."""

    post_hash: bytes
    poster: bytes
    l1_time: int
    versioned_hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BlobsRelayed:
    """Queued posts were attested to L2 in one deposit, each with its own time."""

    post_hashes: tuple[bytes, ...]
    l1_times: tuple[int, ...]
