"""A RoyaltyDistributor with its token on the devnet's L2, attesters over HTTP, and an index that follows its logs.

The contracts, the node, PostgreSQL, the attesters' servers and all signatures are real. Batches are written as the
index would hold them (`History`), and an account stands in the ledger's place to fund what they charged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from coincurve import PrivateKey
from eth_abi import encode
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session, sessionmaker

from ledger.chain.blocks import heads
from ledger.chain.contracts.royalty_distributor import RoyaltyDistributor
from ledger.chain.contracts.token import Token
from ledger.chain.events.royalty_distributor import Claimed, ClaimSkipped, RootDisabled, RootSubmitted
from ledger.chain.logs import Log, LogDecoder, fetch_logs
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.chain.transaction import Call
from ledger.db.models.indexer_chain import Head
from ledger.db.models.indexer_distribution import Claim, DistributionRoot, SkippedClaim
from ledger.db.session import open_engine, sessions
from ledger.protocol.entitlement import ProtocolShare
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import address_of, private_key
from settlement.attester import Attester
from settlement.attester_client import AttesterClient
from settlement.connections import Connections, PushPolicy
from settlement.endpoints.attestations import build_app
from settlement.node import NodeView
from settlement.scope import Scope
from settlement.transactions import TransactionLog
from tests.factories.http_server import served
from tributary.contracts_build import artifacts
from tributary.devnet import Devnet
from tributary.devnet.network import FINALITY_BLOCKS

LARGEST_FILE_BYTES = 10_000_000


@dataclass(frozen=True)
class Stage:
    """The contracts, and who acts on them."""

    devnet: Devnet
    rpc: RpcClient
    scope: Scope
    token: Token
    distributor: RoyaltyDistributor
    funder: Sender
    attester_keys: tuple[PrivateKey, ...]
    resources: ExitStack
    """What ends with the stage."""
    makers: dict[str, sessionmaker[Session]] = field(default_factory=dict)

    def fund(self, batch_id: int, amount_units: int) -> int:
        """Pays a batch's fees in, as the ledger does when it finalises; the block in which it stands."""
        self.funder.execute(self.token.mint(self.distributor.address, amount_units))
        fund = self.distributor.abi.functions["fund"].encode_call((batch_id, amount_units))
        return self.funder.execute(Call(self.distributor.address, fund)).block_number

    def finalize(self) -> None:
        """Make every L2 block that exists now final."""
        self.devnet.l2.mine(FINALITY_BLOCKS)

    def index(self, database_url: str) -> None:
        """Brings one index up to the L2's latest block."""
        with self.sessions(database_url).begin() as session:
            _follow(session, self.rpc, self.distributor.address, self.scope.chain_id)

    def connections(
        self, database_url: str, attester_urls: Sequence[str], sender: Sender, policy: PushPolicy
    ) -> Connections:
        """What the settlement job works with."""
        maker = self.sessions(database_url)
        attesters = [AttesterClient(url) for url in attester_urls]
        return Connections(
            scope=self.scope,
            sessions=maker,
            rpc=self.rpc,
            distributor=self.distributor,
            transactions=TransactionLog(maker, sender, wait_seconds=20),
            attesters=attesters,
            policy=policy,
        )

    def attester(self, number: int, database_url: str) -> Attester:
        """One of the contract's attesters, over an index of its own."""
        view = NodeView(self.rpc, self.distributor)
        return Attester(self.scope, self.sessions(database_url), view, self.attester_keys[number])

    def sender(self, key: PrivateKey) -> Sender:
        """An account with ether."""
        sender = Sender(self.rpc, key)
        self.funder.execute(Call(sender.address, b"", 10**18))
        return sender

    def sessions(self, database_url: str) -> sessionmaker[Session]:
        """Sessions on a database, whose connections last as long as the stage."""
        if database_url not in self.makers:
            engine = open_engine(database_url)
            self.resources.callback(engine.dispose)
            self.makers[database_url] = sessions(engine)
        return self.makers[database_url]


@contextmanager
def open_stage(devnet: Devnet, *, attesters: int = 3, quorum: int = 2) -> Iterator[Stage]:
    """A distributor of its own on a shared devnet."""
    with ExitStack() as resources:
        rpc = RpcClient([devnet.l2_url], devnet.l2_chain_id, name="L2")
        resources.callback(rpc.close)
        funder = Sender(rpc, private_key(devnet.accounts[8].private_key))
        keys = tuple(private_key(keccak256(b"attester", bytes([number]))) for number in range(attesters))
        token = _deploy(funder, artifacts()["TestToken"].bytecode)
        people = (token, funder.address, funder.address)
        arguments = encode(
            ["address", "address", "address", "address[]", "uint256"],
            [*map(checksum_address, people), [checksum_address(address_of(key)) for key in keys], quorum],
        )
        distributor = _deploy(funder, artifacts()["RoyaltyDistributor"].bytecode + arguments)
        scope = Scope(devnet.l2_chain_id, distributor, token, ProtocolShare(b"\xee" * 20, 10_000))
        contracts = Token(rpc, token), RoyaltyDistributor(rpc, distributor)
        yield Stage(devnet, rpc, scope, *contracts, funder, keys, resources)


def _deploy(funder: Sender, creation_code: bytes) -> bytes:
    address = funder.execute(Call(b"", creation_code)).contract_address
    assert address is not None
    return address


def attester_server(attester: Attester) -> AbstractContextManager[str]:
    """The attester's address while it serves over HTTP."""
    return served(build_app(attester, LARGEST_FILE_BYTES))


def _follow(session: Session, rpc: RpcClient, distributor: bytes, chain_id: int) -> None:
    """Writes heads, roots and claims as the chain has them now."""
    chain = heads(rpc)
    for table in (DistributionRoot, Claim, SkippedClaim, Head):
        session.execute(delete(table))
    for tag in ("latest", "safe", "finalized"):
        block = getattr(chain, tag)
        session.execute(
            insert(Head).values(
                chain_id=chain_id, tag=tag, number=block.number, hash=block.hash, timestamp=block.timestamp
            )
        )
    decoder = LogDecoder({distributor: "RoyaltyDistributor"})
    for log in decoder.decode_known(fetch_logs(rpc, 0, chain.latest.number, [distributor])):
        _write_event(session, log, chain_id)


def _write_event(session: Session, log: Log, chain_id: int) -> None:
    place = {
        "chain_id": chain_id,
        "block_number": log.block_number,
        "block_hash": log.block_hash,
        "log_index": log.log_index,
    }
    event = log.event
    match event:
        case RootSubmitted():
            fields = {name: getattr(event, name) for name in event.__slots__}
            fields["attesters"] = list(event.attesters)
            session.execute(insert(DistributionRoot).values(**fields, tx_hash=log.tx_hash, **place))
        case RootDisabled():
            closed = {"disabled_block_number": log.block_number, "disabled_by": event.attester}
            rows = DistributionRoot.__table__.update().where(DistributionRoot.root_index == event.root_index)
            session.execute(rows.values(**closed, disabled_block_hash=log.block_hash, disabled_log_index=log.log_index))
        case Claimed():
            fields = {name: getattr(event, name) for name in event.__slots__}
            session.execute(insert(Claim).values(**fields, tx_hash=log.tx_hash, **place))
        case ClaimSkipped():
            fields = {name: getattr(event, name) for name in event.__slots__}
            session.execute(insert(SkippedClaim).values(**fields, **place))
        case _:
            pass
