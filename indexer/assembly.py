"""The indexer's parts put together from its settings."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from indexer.costs.reader import CostReader
from indexer.costs.store import CostStore
from indexer.deployment_file import DeploymentFile, keep_deployment, read_deployment
from indexer.following.follower import Follower, Progress
from indexer.following.source import ChainSource, Filter
from indexer.following.store import ChainStore
from indexer.rows.interpret import Interpreter
from indexer.rows.movements import Mover
from indexer.verification.blob_source import BlobSource
from indexer.verification.commitments import CommitmentPool
from indexer.verification.store import VerificationStore
from indexer.verification.verifier import Verifier
from ledger.archive import BlobArchive
from ledger.chain.altda import AltDaClient
from ledger.chain.beacon import BeaconClient
from ledger.chain.chain_id import served_chain_id
from ledger.chain.logs import LogDecoder
from ledger.chain.rpc import RpcClient
from ledger.db.session import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from indexer.settings import IndexerSettings
    from ledger.chain.deployment import L2Deployment


@dataclass(slots=True)
class Indexer:
    """Two followers, a verifier and a reader of costs over one database. Closing it ends connections and processes."""

    l1: Follower
    l2: Follower
    verifier: Verifier
    verification: VerificationStore
    costs: CostReader
    resources: ExitStack

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.resources.close()


def assemble(
    settings: IndexerSettings, report: Callable[[str, Progress], None] = lambda _chain, _progress: None
) -> Indexer:
    """The indexer that these settings describe; each chain's nodes are checked to serve the right chain.

    Args:
        settings: where everything is.
        report: told the chain's name and its progress after every write.

    Raises:
        DeploymentMissingError, RpcUnavailableError, WrongChainError, DatabaseUnavailableError.
    """
    with ExitStack() as resources:
        file = read_deployment(settings.deployments_dir, served_chain_id(settings.l2_rpc_url, "L2"))
        url = settings.database_url.get_secret_value()
        with connect(url, application_name="tributary-index") as connection:
            keep_deployment(connection, file)
        l1, l2 = file.deployment.l1, file.deployment.l2
        patience = settings.patience_seconds, settings.rpc_requests
        l1_parts = _Chain(
            "L1", l1.chain_id, settings.l1_rpc_url, patience, {l1.blob_inbox: "BlobInbox"}, l1.deployed_at_block
        )
        l2_parts = _Chain("L2", l2.chain_id, settings.l2_rpc_url, patience, _l2_contracts(l2), l2.deployed_at_block, l2)
        nodes = [_node(parts, resources) for parts in (l1_parts, l2_parts)]
        l1_follower = _follower(l1_parts, nodes[0], url, file, resources, report)
        l2_follower = _follower(l2_parts, nodes[1], url, file, resources, report)
        verification = VerificationStore(url)
        resources.callback(verification.close)
        verifier = _verifier(settings, verification, resources)
        costs = CostStore(url)
        resources.callback(costs.close)
        reader = CostReader(costs, nodes)
        return Indexer(l1_follower, l2_follower, verifier, verification, reader, resources.pop_all())


@dataclass(frozen=True, slots=True)
class _Chain:
    """What it takes to follow one chain."""

    name: str
    chain_id: int
    urls: Sequence[str]
    patience: tuple[float, int]
    """Seconds for one call over all addresses, and requests under way at one of them."""
    contracts: dict[bytes, str]
    first_block: int
    l2: L2Deployment | None = None


def _l2_contracts(l2: L2Deployment) -> dict[bytes, str]:
    return {
        l2.registry: "AttributionRegistry",
        l2.operators: "Operators",
        l2.escrow: "PaymentEscrow",
        l2.ledger: "ReceiptLedger",
        l2.distributor: "RoyaltyDistributor",
        l2.receipt_challenges: "ReceiptChallenges",
        l2.blob_demands: "BlobDemands",
    }


def _node(chain: _Chain, resources: ExitStack) -> RpcClient:
    patience_seconds, most_requests = chain.patience
    rpc = RpcClient(chain.urls, chain.chain_id, name=chain.name, patience_seconds=patience_seconds)
    rpc.limit_requests(most_requests)
    resources.callback(rpc.close)
    rpc.verify()
    return rpc


def _follower(
    chain: _Chain,
    rpc: RpcClient,
    database_url: str,
    file: DeploymentFile,
    resources: ExitStack,
    report: Callable[[str, Progress], None],
) -> Follower:
    store = ChainStore(database_url, chain.chain_id)
    resources.callback(store.close)
    token = None if chain.l2 is None else chain.l2.token
    decoder = LogDecoder(chain.contracts | ({token: "TestToken"} if token else {}))
    mover = None if chain.l2 is None else Mover(chain.l2)
    return Follower(
        ChainSource(rpc, Filter(tuple(chain.contracts), token)),
        store,
        Interpreter(chain.chain_id, decoder, mover),
        first_block=chain.first_block,
        deployment_hash=file.hash,
        report=lambda progress: report(chain.name, progress),
    )


def _verifier(settings: IndexerSettings, store: VerificationStore, resources: ExitStack) -> Verifier:
    beacons = [BeaconClient([url]) for url in settings.beacon_url]
    for beacon in beacons:
        resources.callback(beacon.close)
    pool = CommitmentPool(settings.kzg_processes)
    resources.callback(pool.close)
    servers = [AltDaClient(url) for url in settings.altda_url]
    for server in servers:
        resources.callback(server.close)
    verifier = Verifier(store, BlobSource(BlobArchive(settings.archive_dir), beacons, pool, servers))
    resources.callback(verifier.close)
    return verifier
