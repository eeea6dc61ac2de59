"""Everything that the logs tell, read in one go: assets, prices, batches, posts, roots, claims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.chain.assets import Asset, read_assets
from audit.chain.batches import Batch, read_batches
from audit.chain.events import Event
from audit.chain.lists import Lists, read_lists
from audit.chain.node import Node
from audit.chain.posts import Post, check_attestations, read_posts
from audit.chain.prices import Prices
from audit.difference import Differences
from audit.money.payouts import Claim, Root, read_claims, read_roots
from ledger.chain.blocks import BlockRef


@dataclass(frozen=True, slots=True)
class Histories:
    """What happened on both chains, in the order of the logs."""

    events: Sequence[Event]
    """Of our contracts on L2."""
    times: Mapping[int, int]
    """Unix time of each L2 block that holds an event."""
    lists: Lists
    assets: Mapping[int, Asset]
    prices: Prices
    batches: Mapping[int, Batch]
    posts: Mapping[bytes, list[Post]]
    l1_blocks: Mapping[int, BlockRef]
    """L1 blocks that hold a post, by number."""
    roots: Sequence[Root]
    claims: Sequence[Claim]


def read_histories(
    events: Sequence[Event], l1_events: Sequence[Event], l1: Node, l2: Node, differences: Differences
) -> Histories:
    """The histories, each checked as far as logs alone allow.

    Args:
        events: of our contracts on L2, in chain order.
        l1_events: of the inbox on L1.
        l1: a node, for blob hashes and times of posts.
        l2: a node, for times of blocks.
        differences: where broken rules go.
    """
    times = {number: block.timestamp for number, block in l2.blocks(event.block for event in events).items()}
    lists = read_lists(events, differences)
    assets = read_assets(events, times, differences, lists)
    batches = read_batches(events, times, differences)
    posts = read_posts(l1_events, l1, differences)
    check_attestations(events, posts, batches.values(), differences)
    return Histories(
        events=events,
        times=times,
        lists=lists,
        assets=assets,
        prices=Prices(events),
        batches=batches,
        posts=posts,
        l1_blocks=l1.blocks(post.l1_block for group in posts.values() for post in group),
        roots=read_roots(events),
        claims=read_claims(events),
    )
