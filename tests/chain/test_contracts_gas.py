"""Whole-transaction gas of roots and claims, at the depth that a million payees need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.chain.blocks import block_at
from ledger.chain.structs import Claim
from ledger.protocol.distribution import Distribution, leaf_hash
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import address_of, sign
from tests.factories.operator_flow import DAY, OperatorFlow, key_of, operator_flow
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

ATTESTERS = sorted((key_of(f"attester {n}") for n in range(3)), key=address_of)
PAYEES = [keccak256(b"payee", bytes([n]))[:20] for n in range(8)]
DEPTH = 20
SUBMIT_GAS = 140_000
CLAIM_GAS, CLAIM_AGAIN_GAS = 100_000, 66_000
FURTHER_GAS, FURTHER_AGAIN_GAS = 68_000, 34_000


@pytest.fixture(scope="module")
def flow(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorFlow]:
    with operator_flow(devnet, tmp_path_factory.mktemp("deployments"), ATTESTERS, quorum=3) as flow:
        _fund(flow, 1_000_000)
        yield flow


def _fund(flow: OperatorFlow, amount: int) -> None:
    """Pays into the distributor in the ledger's name, without the batches that would earn so much."""
    flow.send(flow.token.mint(flow.distributor.address, amount))
    ledger, distributor = ("0x" + address.hex() for address in (flow.ledger.address, flow.distributor.address))
    flow.l2.call("anvil_setBalance", ledger, hex(10**20))
    flow.l2.call("anvil_impersonateAccount", ledger)
    data = flow.distributor.abi.functions["fund"].encode_call([1, amount])
    flow.l2.call("eth_sendTransaction", {"from": ledger, "to": distributor, "data": "0x" + data.hex()})
    flow.devnet.mine()
    assert flow.distributor.total_funded("latest") == amount


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


def _pay(flow: OperatorFlow, cumulative: int) -> tuple[int, int, int]:
    """Gas of the root, of one claim, and of each further payee of a push."""
    root, claims = _tree(flow, cumulative)
    index = flow.distributor.next_root_index("latest")
    head = block_at(flow.l2, "latest")
    total = cumulative * len(PAYEES)
    distribution = Distribution(index, root, total, head.number, head.hash, keccak256(b"file"))
    digest = distribution.digest(flow.deployment.distribution_domain)
    signatures = [sign(digest, key) for key in ATTESTERS]
    submitted = flow.send(flow.distributor.submit_root(distribution, signatures)).gas_used
    flow.devnet.advance(DAY + 1)
    first = claims[0]
    claimed = flow.send(flow.distributor.claim(index, first.payee, first.cumulative_units, first.proof)).gas_used
    one = flow.send(flow.distributor.claim_many(index, claims[1:2])).gas_used
    six = flow.send(flow.distributor.claim_many(index, claims[2:])).gas_used
    assert flow.distributor.total_claimed("latest") == total
    return submitted, claimed, (six - one) // (len(claims) - 3)


def test_roots_and_claims_keep_to_their_gas(flow: OperatorFlow) -> None:
    submitted, claimed, further = _pay(flow, 1_000)
    again, claimed_again, further_again = _pay(flow, 2_000)
    print(f"submitRoot, quorum of 3: {submitted} gas first, {again} gas again")
    print(f"claim at depth {DEPTH}: {claimed} gas first, {claimed_again} gas again")
    print(f"claimMany, each further payee: {further} gas first, {further_again} gas again")
    assert max(submitted, again) <= SUBMIT_GAS
    assert claimed <= CLAIM_GAS
    assert claimed_again <= CLAIM_AGAIN_GAS
    assert further <= FURTHER_GAS
    assert further_again <= FURTHER_AGAIN_GAS
