"""What claimMany costs on the devnet, for payees of a tree as deep as the one that was measured."""

from collections.abc import Sequence

from coincurve import PrivateKey
from eth_abi import encode

from ledger.chain.blocks import block_at
from ledger.chain.contracts.royalty_distributor import RoyaltyDistributor
from ledger.chain.contracts.token import Token
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.chain.structs import Claim
from ledger.chain.transaction import Call
from ledger.protocol.distribution import Distribution, DistributionTree, Payout
from ledger.protocol.domain import Domain
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import address_of, private_key, sign
from ledger.protocol.units import DAY_SECONDS
from tributary.contracts_build import artifacts
from tributary.devnet import Devnet

CLAIMS = 100
UNITS = 1_000_003


def gas_per_payee(payees: int) -> dict[str, float]:
    """Gas of one payee's part of claimMany over 100, the first time and when it was paid before."""
    with Devnet.start() as devnet:
        devnet.l2_clock.set(0)
        devnet.l2.call("evm_setAutomine", True)
        rpc = RpcClient([devnet.l2_url], devnet.l2_chain_id, name="L2")
        try:
            return _measure(devnet, rpc, payees)
        finally:
            rpc.close()


def _measure(devnet: Devnet, rpc: RpcClient, payees: int) -> dict[str, float]:
    funder = Sender(rpc, private_key(devnet.accounts[8].private_key))
    attester = private_key(keccak256(b"attester"))
    token = _deploy(funder, artifacts()["TestToken"].bytecode)
    people = map(checksum_address, (token, funder.address, funder.address))
    arguments = encode(
        ["address", "address", "address", "address[]", "uint256"],
        [*people, [checksum_address(address_of(attester))], 1],
    )
    address = _deploy(funder, artifacts()["RoyaltyDistributor"].bytecode + arguments)
    distributor, figures = RoyaltyDistributor(rpc, address), {}
    addresses = [keccak256(n.to_bytes(8, "big"))[:20] for n in range(payees)]
    for round_, name in enumerate(("first", "later"), start=1):
        amount = UNITS * payees
        funder.execute(Token(rpc, token).mint(address, amount))
        fund = distributor.abi.functions["fund"].encode_call((round_, amount))
        funder.execute(Call(address, fund))
        tree = DistributionTree([Payout(payee, UNITS * round_) for payee in addresses], token)
        _submit(devnet, rpc, distributor, tree, attester, funder, round_)
        figures[name] = _claim(distributor, funder, tree, addresses[:CLAIMS], round_) / CLAIMS
    return figures


def _deploy(funder: Sender, creation_code: bytes) -> bytes:
    address = funder.execute(Call(b"", creation_code)).contract_address
    if address is None:
        raise AssertionError("nothing was deployed")
    return address


def _submit(
    devnet: Devnet, rpc: RpcClient, distributor: RoyaltyDistributor, tree: DistributionTree, attester: PrivateKey,
    funder: Sender, root_index: int,
) -> None:  # fmt: skip
    """Brings the root on chain and lets its activation delay pass."""
    block = block_at(rpc, "latest")
    message = Distribution(root_index, tree.root, tree.total_units, block.number, block.hash, keccak256(b"file"))
    digest = message.digest(Domain(rpc.chain_id, distributor.address))
    funder.execute(distributor.submit_root(message, [sign(digest, attester)]))
    devnet.advance(DAY_SECONDS + 1)


def _claim(
    distributor: RoyaltyDistributor, funder: Sender, tree: DistributionTree, payees: Sequence[bytes], root_index: int
) -> int:
    """Gas of the whole transaction."""
    claims = [Claim(payee, UNITS * root_index, tuple(tree.proof(payee))) for payee in sorted(payees)]
    return funder.execute(distributor.claim_many(root_index, claims)).gas_used
