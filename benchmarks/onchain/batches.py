"""What a batch costs from its blobs to its finalisation, and what proving it false does."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice, permutations
from typing import TYPE_CHECKING

from ledger.chain.blob_tx import Sidecar, build_sidecar, sidecar_version
from ledger.chain.contracts.challenges import Challenges, CommittedBatch, Opening
from ledger.chain.logs import parse_logs
from ledger.chain.quantities import member
from ledger.chain.structs import BatchStatus
from ledger.chain.tx_receipt import parse_tx_receipt
from ledger.protocol.batch import post_hash
from ledger.protocol.blob import kzg
from ledger.protocol.blob.layout import FE_BYTES
from tests.factories.operator_flow import DAY, execute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.onchain.world import World
    from ledger.chain.structs import BatchRecord
    from ledger.chain.transaction import Call
    from ledger.chain.tx_receipt import TxReceipt
    from ledger.protocol.blob.encode import EncodedBatch
    from tests.factories.operator_flow import OperatorFlow

TX_ENVELOPE_BYTES = 120
"""Of a signed transaction of type 2, beside its calldata: at most."""
CHALLENGE_WINDOW_SECONDS = 7 * DAY
SHARED_POSTS = 16
GWEI = 10**9
QUIET_L1_WEI, BUSY_L1_WEI = 1 * GWEI, 20 * GWEI
"""L1 base fees. OptimismPortal burns L1 gas worth the deposit's L2 gas: the dearer L1's gas, the less of it. An idle
devnet is at the first, where a deposit burns as much as it ever does.
"""
FULL_RECEIPTS, FULL_RECEIPTS_WITH_SETS = 12_282, 8_188
"""Receipts of ten payers that fill six blobs, without sets and with one field element of them each."""


@dataclass(frozen=True)
class Spent:
    """Gas on each chain, and the bytes of the L2 transactions, which the L2 puts on L1."""

    l1_gas: int = 0
    blob_gas: int = 0
    l2_gas: int = 0
    l2_bytes: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.l1_gas + other.l1_gas,
            self.blob_gas + other.blob_gas,
            self.l2_gas + other.l2_gas,
            self.l2_bytes + other.l2_bytes,
        )

    @property
    def execution_gas(self) -> int:
        """Everything but blob gas."""
        return self.l1_gas + self.l2_gas

    def share(self, parts: int) -> Spent:
        """One of so many equal parts, rounded up."""
        l1, blob, l2, sent = (-(-n // parts) for n in (self.l1_gas, self.blob_gas, self.l2_gas, self.l2_bytes))
        return Spent(l1, blob, l2, sent)


@dataclass(frozen=True)
class Path:
    """A batch's way: `post` to L1 with its deposit's arrival on L2, `commit`, `finalize`."""

    receipts: int
    payers: int
    blobs: int
    post: Spent
    commit: Spent
    finalize: Spent

    @property
    def whole(self) -> Spent:
        return self.post + self.commit + self.finalize


def on_l2(flow: OperatorFlow, call: Call, name: str | None = None) -> tuple[Spent, TxReceipt]:
    """Sends on L2, from the operator or an account of this name."""
    receipt = flow.send(call, None if name is None else flow.sender(name))
    return Spent(l2_gas=receipt.gas_used, l2_bytes=len(call.data) + TX_ENVELOPE_BYTES), receipt


@dataclass(frozen=True)
class Committed:
    """A batch that is posted and committed, and what that took."""

    batch: EncodedBatch
    hashes: tuple[bytes, ...]
    batch_id: int
    record: BatchRecord
    post: Spent
    commit: Spent


def open_batch(world: World, batch: EncodedBatch) -> Committed:
    """Posts with a deposit of its own, and commits."""
    flow = world.flow
    hashes, posted = flow.post(batch)
    arrival = attestation_gas(flow, post_hash(hashes))
    post = Spent(l1_gas=posted.gas_used, blob_gas=posted.blob_gas_used, l2_gas=arrival)
    call = flow.ledger.commit_batch(batch.header, hashes, batch.charges)
    batch_id, record, receipt = flow.commit(batch, hashes)
    commit = Spent(l2_gas=receipt.gas_used, l2_bytes=len(call.data) + TX_ENVELOPE_BYTES)
    return Committed(batch, hashes, batch_id, record, post, commit)


def close_batches(world: World, opened: Sequence[Committed]) -> list[Path]:
    """Finalises them after their window."""
    world.flow.devnet.advance(CHALLENGE_WINDOW_SECONDS + 2)
    paths = []
    for each in opened:
        finalize, _ = on_l2(world.flow, world.flow.ledger.finalize_batch(each.batch_id, each.record))
        header = each.batch.header
        sizes = (header.count, header.payer_count, header.blob_count)
        paths.append(Path(*sizes, each.post, each.commit, finalize))
    return paths


def shared_post(world: World, batch: EncodedBatch) -> tuple[Spent, Spent]:
    """A post's part where SHARED_POSTS of them share one deposit, on a quiet L1 and on a busy one.

    A post is named by its hashes in their order, so the same blobs in other orders make so many posts (two rounds of
    them, and not the one in which `open_batch` posts them).
    """
    sidecar = build_sidecar(batch.blobs, sidecar_version(world.flow.l1))
    orders = list(islice(permutations(range(len(batch.blobs))), 1, 2 * SHARED_POSTS + 1))
    quiet = _shared(world.flow, [reordered(sidecar, order) for order in orders[:SHARED_POSTS]], QUIET_L1_WEI)
    busy = _shared(world.flow, [reordered(sidecar, order) for order in orders[SHARED_POSTS:]], BUSY_L1_WEI)
    return quiet, busy


def _shared(flow: OperatorFlow, posts: Sequence[Sidecar], base_fee_wei: int) -> Spent:
    names, queued = [], Spent()
    for post in posts:
        tx = flow.operator_l1.sign(flow.inbox.queue_blobs(), versioned_hashes=post.versioned_hashes)
        flow.operator_l1.broadcast(tx, post)
        flow.devnet.l1.mine()
        receipt = flow.operator_l1.succeeded(flow.operator_l1.wait([tx.hash]), tx.transaction.call)
        queued += Spent(l1_gas=receipt.gas_used, blob_gas=receipt.blob_gas_used)
        names.append(post_hash(post.versioned_hashes))
    with base_fee(flow, base_fee_wei):
        relayed = execute(flow.devnet, flow.operator_l1, flow.inbox.relay(names))
    flow.wait_for_attestation(names[-1])
    arrival = attestation_gas(flow, names[-1])
    return (queued + Spent(l1_gas=relayed.gas_used, l2_gas=arrival)).share(len(posts))


@contextmanager
def base_fee(flow: OperatorFlow, wei: int) -> Iterator[None]:
    """The next L1 block has this base fee, and the one after the devnet's own."""
    before = member(flow.l1.call("eth_getBlockByNumber", "latest", False), "baseFeePerGas")
    flow.devnet.l1.call("anvil_setNextBlockBaseFeePerGas", hex(wei))
    yield
    flow.devnet.l1.call("anvil_setNextBlockBaseFeePerGas", before)


def reordered(sidecar: Sidecar, order: Sequence[int]) -> Sidecar:
    """The same blobs in another order."""
    each = len(sidecar.proofs) // len(sidecar.blobs)
    return Sidecar(
        sidecar.version,
        tuple(sidecar.blobs[n] for n in order),
        tuple(sidecar.kzg_commitments[n] for n in order),
        tuple(proof for n in order for proof in sidecar.proofs[n * each : (n + 1) * each]),
    )


def attestation_gas(flow: OperatorFlow, name: bytes) -> int:
    """Gas on L2 of the deposit that brought a post there."""
    event = flow.ledger.abi.events["BlobsAttested"].topic
    query = {
        "fromBlock": "0x0", "toBlock": "latest", "address": "0x" + flow.ledger.address.hex(),
        "topics": ["0x" + event.hex(), "0x" + name.hex()],
    }  # fmt: skip
    (log,) = parse_logs(flow.l2.call("eth_getLogs", query))
    return parse_tx_receipt(flow.l2.call("eth_getTransactionReceipt", "0x" + log.tx_hash.hex())).gas_used


def proven_false(world: World) -> tuple[Spent, Spent]:
    """A fraud proof of one opening, void and slash included, by one that never held the token; one payer's refund.

    Of a batch of two payers; each further one is 64 bytes more of calldata.
    """
    flow, honest = world.flow, world.batch(4, 2)
    wrong = bytearray(honest.blobs[0])
    wrong[2 * FE_BYTES - 1] ^= 1  # baseTime, the last field of the second header element
    batch = replace(honest, blobs=(bytes(wrong),))
    opened = open_batch(world, batch)
    batch_id, record, hashes = opened.batch_id, opened.record, opened.hashes
    case = CommittedBatch(batch_id, record, batch.header, hashes, batch.charges)
    opening = Opening.of(kzg.open_at(batch.blobs[0], 1))
    challenges = Challenges(flow.l2, flow.deployment.l2)
    proof, _ = on_l2(flow, challenges.challenge_header(case, 1, opening), "watcher")
    voided = replace(record, status=BatchStatus.VOIDED, reserve_units=0)
    refunds = [flow.ledger.refund(batch_id, voided, batch.header, hashes, batch.charges, [n]) for n in range(2)]
    on_l2(flow, refunds[0], "anybody")  # the first one of a batch also opens its marks
    refund, _ = on_l2(flow, refunds[1], "anybody")
    return proof, refund
