"""What roots and claims cost at the depth that a million payees need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.onchain.batches import Spent, on_l2
from benchmarks.onchain.world import made_up
from ledger.chain.blocks import block_at
from ledger.chain.structs import Claim
from ledger.protocol.distribution import Distribution, leaf_hash
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import sign
from tests.factories.attesters import ATTESTERS
from tests.factories.operator_flow import DAY

if TYPE_CHECKING:
    from ledger.chain.transaction import Call
    from tests.factories.operator_flow import OperatorFlow

PAYEES = [made_up(f"payee {n}") for n in range(8)]
DEPTH = 20
FIRST_UNITS, AGAIN_UNITS = 12_345_678_901, 98_765_432_109
"""What each payee has earned by the first root and by the second."""


@dataclass(frozen=True)
class Payment:
    """A root with its quorum of three, one claim, a claim while a newer root is pending, each further one of a push."""

    submit: Spent
    claim: Spent
    claim_beside_a_newer_root: Spent
    further: Spent


def first_and_again(flow: OperatorFlow) -> tuple[Payment, Payment]:
    """The same payees paid by two roots."""
    fund(flow, AGAIN_UNITS * (len(PAYEES) + 1))
    return _pay(flow, FIRST_UNITS), _pay(flow, AGAIN_UNITS)


def fund(flow: OperatorFlow, amount: int) -> None:
    """Pays into the distributor in the ledger's name, without the batches that would earn so much."""
    flow.send(flow.token.mint(flow.distributor.address, amount))
    ledger, distributor = ("0x" + address.hex() for address in (flow.ledger.address, flow.distributor.address))
    flow.l2.call("anvil_setBalance", ledger, hex(10**20))
    flow.l2.call("anvil_impersonateAccount", ledger)
    data = flow.distributor.abi.functions["fund"].encode_call([1, amount])
    flow.l2.call("eth_sendTransaction", {"from": ledger, "to": distributor, "data": "0x" + data.hex()})
    flow.devnet.mine()


def _pay(flow: OperatorFlow, cumulative: int) -> Payment:
    index, claims, submit = _submit(flow, cumulative)
    flow.devnet.advance(DAY + 1)
    claim, _ = on_l2(flow, _claim(flow, index, claims[0]))
    one, _ = on_l2(flow, flow.distributor.claim_many(index, claims[1:2]))
    six, _ = on_l2(flow, flow.distributor.claim_many(index, claims[2:7]))
    _submit(flow, cumulative)
    beside, _ = on_l2(flow, _claim(flow, index, claims[7]))
    further = Spent(l2_gas=(six.l2_gas - one.l2_gas) // 4, l2_bytes=(six.l2_bytes - one.l2_bytes) // 4)
    return Payment(submit, claim, beside, further)


def _claim(flow: OperatorFlow, index: int, claim: Claim) -> Call:
    return flow.distributor.claim(index, claim.payee, claim.cumulative_units, claim.proof)


def _submit(flow: OperatorFlow, cumulative: int) -> tuple[int, list[Claim], Spent]:
    root, claims = _tree(flow, cumulative)
    index = flow.distributor.next_root_index("latest")
    head = block_at(flow.l2, "latest")
    total = cumulative * len(PAYEES)
    distribution = Distribution(index, root, total, head.number, head.hash, keccak256(b"file"))
    digest = distribution.digest(flow.deployment.distribution_domain)
    signatures = [sign(digest, key) for key in ATTESTERS]
    spent, _ = on_l2(flow, flow.distributor.submit_root(distribution, signatures))
    return index, claims, spent


def _pair(a: bytes, b: bytes) -> bytes:
    return keccak256(min(a, b), max(a, b))


def _tree(flow: OperatorFlow, cumulative: int) -> tuple[bytes, list[Claim]]:
    """Eight payees at the bottom of a tree of DEPTH, whose other branches are hashes of nothing."""
    level = [leaf_hash(payee, flow.token.address, cumulative) for payee in PAYEES]
    paths: list[list[bytes]] = [[] for _ in PAYEES]
    span = 1
    while len(level) > 1:
        for n, path in enumerate(paths):
            path.append(level[(n // span) ^ 1])
        level = [_pair(level[n], level[n + 1]) for n in range(0, len(level), 2)]
        span *= 2
    root = level[0]
    for depth in range(len(paths[0]), DEPTH):
        sibling = keccak256(b"branch", bytes([depth]))
        root = _pair(root, sibling)
        for path in paths:
            path.append(sibling)
    return root, [Claim(payee, cumulative, tuple(path)) for payee, path in zip(PAYEES, paths, strict=True)]
