"""Gas of every operation that moves money, beside attestations of the same receipts, and what it costs in dollars."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path as Folder
from typing import TYPE_CHECKING

from benchmarks.measuring.progress import progress
from benchmarks.measuring.report import Options, Row, finish, options
from benchmarks.onchain import attestations, claims
from benchmarks.onchain.batches import (
    FULL_RECEIPTS,
    FULL_RECEIPTS_WITH_SETS,
    SHARED_POSTS,
    Path,
    Spent,
    close_batches,
    open_batch,
    proven_false,
    shared_post,
)
from benchmarks.onchain.money import (
    FEE_NANODOLLARS,
    OPERATOR_PERCENT,
    PRICE_SETS,
    Prices,
    break_even,
    cost_wei,
    nanodollars,
)
from benchmarks.onchain.world import World, world
from tributary.devnet import Devnet

if TYPE_CHECKING:
    from benchmarks.onchain.attestations import Attested
    from benchmarks.onchain.claims import Payment

PAYERS = 10


@dataclass(frozen=True)
class Operations:
    """What the table of musts names, each in a state that lasts: a lane, payers and accounts that were used before."""

    one: Path
    ten: Path
    marked: Spent
    """A commit of one payer that also writes its lane's mark, which it does at most every two days."""
    fraud_proof: Spent
    refund: Spent
    first: Payment
    again: Payment

    def rows(self) -> list[Row]:
        further = -(-(self.ten.commit.l2_gas - self.one.commit.l2_gas) // (PAYERS - 1))
        first, again = self.first, self.again
        submit = max(first.submit.l2_gas, again.submit.l2_gas)
        marked = {"with the lane's mark": self.marked.l2_gas}
        beside = {"beside a newer root": first.claim_beside_a_newer_root.l2_gas}
        beside_again = {"beside a newer root": again.claim_beside_a_newer_root.l2_gas}
        return [
            bounded("commitBatch, one payer, warm lane", self.one.commit.l2_gas, 105_000, **marked),
            bounded("commitBatch, each further payer", further, 12_000),
            bounded("fraud proof of one opening, void and slash included", self.fraud_proof.l2_gas, 180_000),
            bounded("refund of one payer", self.refund.l2_gas, 60_000),
            bounded("claim at depth 20, first", first.claim.l2_gas, 100_000, **beside),
            bounded("claim at depth 20, repeat", again.claim.l2_gas, 66_000, **beside_again),
            bounded("claimMany, each further payee at depth 20, first", first.further.l2_gas, 68_000),
            bounded("claimMany, each further payee at depth 20, repeat", again.further.l2_gas, 34_000),
            bounded("submitRoot, quorum of 3", submit, 140_000),
        ]


@dataclass(frozen=True)
class Bulk:
    """Full batches of ten payers, and one's post where it shares a deposit."""

    plain: Path
    with_sets: Path
    shared_quiet: Spent
    shared_busy: Spent

    def sharing(self, post: Spent) -> Spent:
        """The plain batch's whole way, with a shared deposit."""
        return post + self.plain.commit + self.plain.finalize


def main() -> None:
    asked = options(__doc__ or "")
    progress("a devnet with everything deployed")
    with (
        tempfile.TemporaryDirectory(prefix="tributary-gas-") as folder,
        Devnet.start() as devnet,
        world(devnet, Folder(folder)) as stage,
    ):
        progress("each operation by itself")
        operations = measure_operations(stage)
        progress("full batches, from blob post to claims")
        bulk = measure_bulk(stage)
        progress("EAS")
        peer = attestations.measure(stage.flow, stage.batch(1, 1).entries[0].receipt)
    rows = [*operations.rows(), *per_receipt(bulk, peer), *apart(bulk), *peers(peer, bulk)]
    for prices in PRICE_SETS:
        rows += in_dollars(prices, operations, bulk, peer)
    finish("gas", rows, asked, notes(asked))


def measure_operations(stage: World) -> Operations:
    """The core operations; three batches a week apart, not counted, open the lane, its marks and the accounts."""
    for _ in range(3):
        close_batches(stage, [open_batch(stage, stage.batch(20, PAYERS))])
    # After a pause, the first commit marks the one before it, and the second the first.
    marked, _ = open_batch(stage, stage.batch(20, 1)), open_batch(stage, stage.batch(20, 1))
    opened = [open_batch(stage, stage.batch(20, payers)) for payers in (1, PAYERS)]
    one, ten = close_batches(stage, opened)
    first, again = claims.first_and_again(stage.flow)
    return Operations(one, ten, marked.commit, *proven_false(stage), first, again)


def measure_bulk(stage: World) -> Bulk:
    """Full batches of six blobs, with and without sets, soon after another; posts that share a deposit."""
    for _ in range(2):
        open_batch(stage, stage.batch(20, 1))
    quiet, busy = shared_post(stage, stage.batch(FULL_RECEIPTS, PAYERS))
    plain = open_batch(stage, stage.batch(FULL_RECEIPTS, PAYERS))
    with_sets = open_batch(stage, stage.batch(FULL_RECEIPTS_WITH_SETS, PAYERS, with_sets=True))
    return Bulk(*close_batches(stage, [plain, with_sets]), quiet, busy)


def bounded(name: str, gas: int, most: int, **beside: object) -> Row:
    return Row(name, gas, "gas", f"≤ {most:,}", gas <= most, beside)


def per_receipt(bulk: Bulk, peer: Attested) -> list[Row]:
    """Execution gas of both chains from the blobs to finalisation, for each receipt of a full batch."""
    rows = []
    cases = (
        ("no sets", bulk.plain.whole, bulk.plain.receipts, 45),
        (
            f"no sets, {SHARED_POSTS} posts a deposit, L1 at 20 gwei",
            bulk.sharing(bulk.shared_busy),
            bulk.plain.receipts,
            29,
        ),
        (
            f"no sets, {SHARED_POSTS} posts a deposit, L1 at 1 gwei",
            bulk.sharing(bulk.shared_quiet),
            bulk.plain.receipts,
            None,
        ),
        ("a distinct 4-entry set each", bulk.with_sets.whole, bulk.with_sets.receipts, None),
    )
    for name, spent, receipts, most in cases:
        value = round(spent.execution_gas / receipts, 2)
        saved = {"below one attestation each, %": round(100 * (1 - value / peer.attest.l2_gas), 4)}
        must, ok = (None, None) if most is None else (f"≤ {most}", spent.execution_gas <= most * receipts)
        rows.append(Row(f"execution gas per receipt, full batch of 10 payers, {name}", value, "gas", must, ok, saved))
    return rows


def apart(bulk: Bulk) -> list[Row]:
    """L1 gas, blob gas and L2 gas, never added up."""
    rows = []
    for name, path in (("no sets", bulk.plain), ("4-entry sets", bulk.with_sets)):
        parts = {"post": path.post, "commit": path.commit, "finalize": path.finalize}
        beside = {part: spent.l2_gas for part, spent in parts.items()}
        rows += [
            Row(f"full batch, {name}: L1 gas", path.whole.l1_gas, "gas"),
            Row(f"full batch, {name}: blob gas", path.whole.blob_gas, "blob gas", beside={"blobs": path.blobs}),
            Row(f"full batch, {name}: L2 gas", path.whole.l2_gas, "gas", beside=beside),
        ]
    return rows


def peers(peer: Attested, bulk: Bulk) -> list[Row]:
    """The attestation service on the same L2."""
    mine = bulk.plain.whole.execution_gas
    return [
        Row("EAS attest of an equal receipt", peer.attest.l2_gas, "gas", beside={"bytes": peer.receipt_bytes}),
        Row(
            "EAS timestamp of a root of any number", peer.timestamp.l2_gas, "gas",
            beside={"our batch, with data, bond, charges and window": mine},
        ),
    ]  # fmt: skip


def in_dollars(prices: Prices, operations: Operations, bulk: Bulk, peer: Attested) -> list[Row]:
    """Posting and settling at one set of prices. Settling: one root and ten payees' repeat claims for each batch."""
    settle = settlement(operations)
    rows = []
    for name, path in (("no sets", bulk.plain), ("4-entry sets", bulk.with_sets)):
        cost = nanodollars(cost_wei(path.whole + settle, prices), prices)
        each = -(-cost // path.receipts)
        share = {
            "of a cent, %": round(100 * each / FEE_NANODOLLARS, 3),
            "of the operator's 80 %, %": round(100 * 100 * each / (FEE_NANODOLLARS * OPERATOR_PERCENT), 3),
        }
        rows.append(Row(f"{prices.name}, {name}: posting and settling a receipt", each / 1000, "µ$", beside=share))
    return [*rows, worth_it(prices, operations, bulk, peer)]


def worth_it(prices: Prices, operations: Operations, bulk: Bulk, peer: Attested) -> Row:
    """Least receipts that pay for their batch; 0 if no batch does."""

    def least(earned: int) -> int:
        return break_even(lambda n: batch_cost(n, operations, bulk, prices), earned) or 0

    attest = nanodollars(cost_wei(peer.attest, prices), prices)
    beside = {"cheaper than attesting each from": least(attest), "EAS attest, µ$": attest / 1000}
    cent = least(FEE_NANODOLLARS * OPERATOR_PERCENT // 100)
    name = f"{prices.name}: break-even batch, costs within the operator's 80 % of a cent (0: none)"
    return Row(name, cent, "receipts", beside=beside)


def settlement(operations: Operations) -> Spent:
    """One root, and ten payees that were paid before, in one push."""
    further = operations.again.further
    return (
        operations.again.submit
        + operations.again.claim
        + Spent(l2_gas=(PAYERS - 1) * further.l2_gas, l2_bytes=(PAYERS - 1) * further.l2_bytes)
    )


def batch_cost(receipts: int, operations: Operations, bulk: Bulk, prices: Prices) -> int:
    """Nano-dollars of a batch of so many receipts without sets: between the measured batches of one blob and of six."""
    payers = min(receipts, PAYERS)
    blobs = -(-(2 + 2 * receipts + payers) // 4096)
    small, large = operations.ten.whole, bulk.plain.whole

    def between(low: int, high: int) -> int:
        return low + (high - low) * (blobs - 1) // (bulk.plain.blobs - 1)

    spent = Spent(
        between(small.l1_gas, large.l1_gas),
        between(small.blob_gas, large.blob_gas),
        between(small.l2_gas, large.l2_gas) - further_payers(operations, PAYERS - payers),
        between(small.l2_bytes, large.l2_bytes),
    )
    return nanodollars(cost_wei(spent + settlement(operations), prices), prices)


def further_payers(operations: Operations, number: int) -> int:
    """Gas of so many payers beyond the first."""
    return (operations.ten.commit.l2_gas - operations.one.commit.l2_gas) * number // (PAYERS - 1)


def notes(asked: Options) -> tuple[str, ...]:
    sets = "; ".join(
        f"{p.name}: L1 {p.l1_wei / 1e9:g}, blob {p.blob_wei / 1e9:g}, L2 {p.l2_wei / 1e9:g} gwei, ether ${p.dollars:,}"
        for p in PRICE_SETS
    )
    return (
        f"Whole transactions on the devnet; EAS {attestations.version()} as npm carries it."
        + (" Gas has no noise: --quick changes nothing." if asked.quick else ""),
        f"Price sets (assumed): {sets}; L2 data fee by Fjord's formula, bytes taken for incompressible.",
        "A deposit burns L1 gas worth its L2 gas: most at 1 gwei, where it is measured unless a row says otherwise.",
        "Posting: a deposit of its own. Settling: a root and ten repeat claims for each batch.",
    )


if __name__ == "__main__":
    main()
