"""Posts of blobs: what L1 saw, and what the L2 ledger was told of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.chain.batches import Batch
from audit.chain.events import Event, of
from audit.chain.node import Node
from audit.difference import Differences, Place
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import BLOB_MAX_AGE_SECONDS


@dataclass(frozen=True, slots=True)
class Post:
    """All blobs of one L1 transaction."""

    post_hash: bytes
    l1_time: int
    l1_block: int
    versioned_hashes: tuple[bytes, ...]


def read_posts(events: Iterable[Event], l1: Node, differences: Differences) -> dict[bytes, list[Post]]:
    """Posts by their hash, each compared with the blob hashes of its own L1 transaction.

    Args:
        events: of the BlobInbox.
        l1: a node of the chain that the inbox is on.
        differences: where the audit's findings go.
    """
    logged = of(events, "BlobInbox", "BlobsPosted")
    carried = l1.blob_hashes(event.transaction for event in logged)
    posts: dict[bytes, list[Post]] = defaultdict(list)
    for event, in_transaction in zip(logged, carried, strict=True):
        post = Post(event.args["postHash"], event.args["l1Time"], event.block, event.args["versionedHashes"])
        place = Place("post", f"post 0x{post.post_hash.hex()} in L1 block {event.block}")
        differences.compare(place, "versionedHashes", in_transaction, post.versioned_hashes)
        differences.compare(place, "postHash", keccak256(*post.versioned_hashes), post.post_hash)
        posts[post.post_hash].append(post)
    return dict(posts)


def check_attestations(
    events: Iterable[Event], posts: Mapping[bytes, list[Post]], batches: Iterable[Batch], differences: Differences
) -> None:
    """Every attestation on L2 repeats a post on L1, and every batch was committed on one that was young enough."""
    attested: dict[bytes, list[tuple[tuple[int, int], int]]] = defaultdict(list)
    for event in of(events, "ReceiptLedger", "BlobsAttested"):
        post_hash, l1_time = event.args["postHash"], event.args["l1Time"]
        attested[post_hash].append(((event.block, event.index), l1_time))
        place = Place("attestation", f"attestation of post 0x{post_hash.hex()}")
        on_l1 = [post.l1_time for post in posts.get(post_hash, ())]
        if l1_time not in on_l1:
            differences.note(place, "l1Time", f"one of {on_l1}" if on_l1 else "a post on L1", l1_time)
    for batch in batches:
        if not batch.attested_at:
            continue  # committed unattested: its blobs may be demanded
        known = [l1_time for at, l1_time in attested[batch.post_hash] if at < batch.committed_in]
        oldest = batch.committed_at - BLOB_MAX_AGE_SECONDS
        if not known or max(known) < oldest:
            found = max(known) if known else "none"
            differences.note(batch.place, "attestation of its post", f"of {oldest} or later", found)
