"""Roots and claims: what attesters signed and what was paid, compared with what each payee is owed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from audit.chain.events import Event, of
from audit.chain.state import State
from audit.difference import Differences, Place
from audit.money.tree import root as rebuild_root


@dataclass(frozen=True, slots=True)
class Root:
    """A distribution that was submitted and not disabled."""

    index: int
    root: bytes
    total_units: int
    through_block: int
    through_block_hash: bytes
    activates_at: int

    @property
    def place(self) -> Place:
        """Where the audit says it is, speaking of this root."""
        return Place("root", f"distribution root {self.index}")


@dataclass(frozen=True, slots=True)
class Claim:
    """A payment."""

    root_index: int
    payee: bytes
    amount_units: int
    cumulative_units: int
    block: int

    @property
    def place(self) -> Place:
        """Where the audit says it is, speaking of this claim."""
        return Place("claim", f"claim of 0x{self.payee.hex()} on root {self.root_index}")


def read_roots(events: Sequence[Event]) -> list[Root]:
    """The standing roots, oldest first."""
    disabled = {event.args["rootIndex"] for event in of(events, "RoyaltyDistributor", "RootDisabled")}
    return [
        Root(
            index=event.args["rootIndex"],
            root=event.args["root"],
            total_units=event.args["totalCumulative"],
            through_block=event.args["throughL2Block"],
            through_block_hash=event.args["throughL2BlockHash"],
            activates_at=event.args["activatesAt"],
        )
        for event in of(events, "RoyaltyDistributor", "RootSubmitted")
        if event.args["rootIndex"] not in disabled
    ]


def read_claims(events: Iterable[Event]) -> list[Claim]:
    """Every payment, in chain order."""
    return [
        Claim(
            root_index=event.args["rootIndex"],
            payee=event.args["payee"],
            amount_units=event.args["amount"],
            cumulative_units=event.args["cumulative"],
            block=event.block,
        )
        for event in of(events, "RoyaltyDistributor", "Claimed")
    ]


def check_root(
    root: Root, payable: Mapping[bytes, int], claims: Iterable[Claim], token: bytes, differences: Differences
) -> None:
    """Compare a root with the tree rebuilt from what is owed through its block, and the claims made against it.

    Claims come first: where a root is wrong they name a payee, which a root can not.
    """
    for claim in claims:
        if claim.root_index == root.index:
            owed = payable.get(claim.payee, 0)
            differences.compare(claim.place, "cumulative units", owed, claim.cumulative_units)
    differences.compare(root.place, "totalCumulative", sum(payable.values()), root.total_units)
    differences.compare(root.place, "root", rebuild_root(payable, token), root.root)


def check_claims(
    claims: Iterable[Claim], roots: Iterable[Root], times: Mapping[int, int], differences: Differences
) -> dict[bytes, int]:
    """Units paid to each payee, after checking that every payment is of an active root and only of what is new."""
    activates = {root.index: root.activates_at for root in roots}
    paid: dict[bytes, int] = {}
    for claim in claims:
        due = claim.cumulative_units - paid.get(claim.payee, 0)
        differences.compare(claim.place, "units", due, claim.amount_units)
        if claim.root_index not in activates:
            differences.note(claim.place, "root", "a standing root", "a disabled or unknown one")
        elif times[claim.block] < activates[claim.root_index]:
            earliest = activates[claim.root_index]
            differences.note(claim.place, "time", f"{earliest} or later", times[claim.block])
        paid[claim.payee] = paid.get(claim.payee, 0) + claim.amount_units
    return paid


def check_claimed(paid: Mapping[bytes, int], state: State, differences: Differences) -> None:
    """Compare the sums of payments with what the distributor remembers."""
    payees = sorted(paid)
    views = state.views("RoyaltyDistributor", "claimed(address)", [[payee] for payee in payees], "uint256")
    for payee, claimed in zip(payees, views, strict=True):
        differences.compare(Place("claim", f"payee 0x{payee.hex()}"), "claimed units", paid[payee], claimed)
    total = state.view("RoyaltyDistributor", "totalClaimed()", "uint256")
    differences.compare(Place("claim", "RoyaltyDistributor"), "totalClaimed", sum(paid.values()), total)


def check_through_blocks(roots: Sequence[Root], state: State, differences: Differences) -> None:
    """Each root names a block that the chain has, by its hash."""
    blocks = state.node.blocks(root.through_block for root in roots)
    for root in roots:
        differences.compare(root.place, "throughL2BlockHash", blocks[root.through_block].hash, root.through_block_hash)
