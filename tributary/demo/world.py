"""Everything that stands before the first request: chains, database, contracts, and where each stage finds them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coincurve import PrivateKey

from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.protocol.hexadecimal import checksum_address
from tributary.database import migrate
from tributary.demo import cast
from tributary.demo.chains import Chains
from tributary.demo.program import Program
from tributary.deployment.parameters import Parameters
from tributary.deployment.run import deploy
from tributary.devnet import Devnet
from tributary.ports import free_port
from tributary.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ledger.chain.deployment import Deployment
    from tributary.demo.cast import Actor

DATABASE = "demo"
TEMPLATE = "schema_only"


@dataclass(frozen=True, slots=True)
class World:
    """A devnet with contracts, a PostgreSQL with a database for each party, and the stages' program."""

    folder: Path
    chains: Chains
    program: Program
    postgres: PostgresServer
    gateway_url: str
    api_url: str

    def database_of(self, actor: Actor) -> str:
        """The address of a new database of a party's own, with the schema and nothing else."""
        return self.postgres.create_database(actor.name.replace(" ", "_"), template=TEMPLATE)


@contextmanager
def open_world(folder: Path, environment: Mapping[str, str]) -> Iterator[World]:
    """A fresh world under `folder`, gone when the block ends (its files stay)."""
    with PostgresServer(folder / "postgres") as postgres, Devnet.start(folder / "devnet") as devnet:
        migrate(postgres.create_database(TEMPLATE))
        database_url = postgres.create_database(DATABASE, template=TEMPLATE)
        deployment = deploy_contracts(devnet, folder / "deployments")
        gateway_port, api_port = free_port(), free_port()
        settings = {
            **environment,
            **devnet.environment(),
            "DATABASE_URL": database_url,
            "DEPLOYMENTS_DIR": str(folder / "deployments"),
            "ARCHIVE_DIR": str(folder / "archive"),
            "SERVING_PORT": str(gateway_port),
            "SERVING_OPERATOR": checksum_address(cast.OPERATOR.address),
            "SERVING_LANE_KEY": secret(cast.LANE_KEY),
            "SERVING_FOLLOW_CHAIN_CLOCK": "true",
            "ATTRIBUTION_DIR": str(folder / "attribution"),
            "BATCHER_OPERATOR_KEY": secret(cast.OPERATOR),
            "BATCHER_POLL_SECONDS": "0.1",
            "API_PORT": str(api_port),
        }
        yield World(
            folder=folder,
            chains=Chains(devnet, deployment),
            program=Program(settings, folder / "logs"),
            postgres=postgres,
            gateway_url=f"http://127.0.0.1:{gateway_port}",
            api_url=f"http://127.0.0.1:{api_port}",
        )


def secret(actor: Actor) -> str:
    """An actor's key as the settings take it."""
    return f"0x{actor.key.secret.hex()}"


def deploy_contracts(devnet: Devnet, folder: Path) -> Deployment:
    """Deploys with the demo's parties; the protocol's windows are constants of the contracts."""
    key = PrivateKey(devnet.accounts[0].private_key)
    parameters = Parameters(
        l1_chain_id=devnet.l1_chain_id,
        l2_chain_id=devnet.l2_chain_id,
        portal=devnet.portal,
        l1_messenger=None,
        token=None,
        protocol_ppm=cast.PROTOCOL_PPM,
        protocol_payee=cast.PROTOCOL.address,
        attesters=tuple(sorted(attester.address for attester in cast.ATTESTER_ACTORS)),
        quorum=cast.QUORUM,
        governor=cast.GOVERNOR.address,
    )
    l1 = Sender(RpcClient([devnet.l1_url], devnet.l1_chain_id, name="L1"), key)
    l2 = Sender(RpcClient([devnet.l2_url], devnet.l2_chain_id, name="L2"), key)
    return deploy(parameters, l1, l2, folder, when_sent=devnet.mine)
