"""A devnet with deployed contracts, an operator at work and an indexer beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr

from indexer.assembly import assemble
from indexer.digest import table_digests
from indexer.running import catch_up
from indexer.settings import IndexerSettings
from ledger.chain.structs import BatchRecord
from ledger.protocol.blob.encode import EncodedBatch
from ledger.protocol.signature import address_of
from tests.factories.attesters import ATTESTERS
from tests.factories.operator_flow import DAY, INPUT_PRICE, OUTPUT_PRICE, OperatorFlow, key_of, operator_flow, terms_for
from tributary.devnet import Devnet

PAYERS = sorted((key_of(f"payer {n}") for n in range(3)), key=address_of)
OWNER = address_of(key_of("model owner"))
BOND, OWN_DEPOSIT, DEPOSIT, CAP = 20_000_000_000, 100_000_000, 50_000_000, 40_000_000


@dataclass(repr=False)
class IndexedWorld:
    """Handles on the operator's side and on the indexer's."""

    flow: OperatorFlow
    settings: IndexerSettings
    asset_id: int = 0
    committed: dict[int, EncodedBatch] = field(default_factory=dict)
    """The blobs behind every committed batch, by batch id."""

    @property
    def url(self) -> str:
        return self.settings.database_url.get_secret_value()

    @property
    def payers(self) -> list[bytes]:
        return [address_of(key) for key in PAYERS]

    def prepare(self) -> None:
        """Everything before the first batch: an asset, a price, a key, a bond, deposits and caps."""
        flow, me = self.flow, self.flow.operator.address
        self.asset_id = flow.register(b"model weights", terms_for([(OWNER, 1_000_000)]))
        flow.send(flow.operators.set_price(self.asset_id, INPUT_PRICE, OUTPUT_PRICE))
        flow.send(flow.operators.add_key(0, address_of(flow.lane_key)))
        flow.fund(me, flow.operators.address, BOND, flow.operator)
        flow.send(flow.operators.deposit_bond(me, BOND))
        flow.fund(me, flow.escrow.address, OWN_DEPOSIT, flow.operator)
        flow.send(flow.escrow.deposit(me, me, OWN_DEPOSIT))
        for n in range(len(PAYERS)):
            payer = flow.sender(f"payer {n}")
            flow.fund(payer.address, flow.escrow.address, DEPOSIT, payer)
            flow.send(flow.escrow.deposit(payer.address, me, DEPOSIT), payer)
            flow.authorize(key_of(f"payer {n}"), CAP)

    def fees(self, units: list[int]) -> list[tuple[bytes, int]]:
        """Output units, dealt out to the payers in turn."""
        return [(self.payers[i % len(PAYERS)], n) for i, n in enumerate(units)]

    def commit(self, units: list[int]) -> tuple[int, BatchRecord]:
        """Post and commit an honest batch of receipts with these output units."""
        return self.commit_batch(self.flow.batch(self.asset_id, self.fees(units)))

    def commit_batch(self, batch: EncodedBatch, blobs: EncodedBatch | None = None) -> tuple[int, BatchRecord]:
        """Post the blobs of `blobs` (the batch's own if None) and commit the batch with them."""
        hashes, _ = self.flow.post(blobs or batch)
        batch_id, record, _ = self.flow.commit(batch, hashes)
        self.committed[batch_id] = blobs or batch
        return batch_id, record

    def finalize(self, *batches: tuple[int, BatchRecord]) -> None:
        """Let the challenge window pass and finalise the batches."""
        self.flow.devnet.advance(7 * DAY + 2)
        for batch_id, record in batches:
            self.flow.send(self.flow.ledger.finalize_batch(batch_id, record))

    def index(self, **changes: Any) -> None:
        """Catch up with both chains."""
        with assemble(self.settings.model_copy(update=changes)) as indexer:
            catch_up(indexer)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query, values).fetchall()

    def digests(self) -> dict[str, str]:
        return table_digests(self.url)

    def digests_of(self, url: str) -> dict[str, str]:
        """The digests of another database."""
        return table_digests(url)

    def rebuilt_digests(self, url: str, **changes: Any) -> dict[str, str]:
        """The digests of an index made afresh in another database, from the chains and this archive."""
        self.index(database_url=SecretStr(url), **changes)
        return table_digests(url)

    def index_one_after_the_other(self, url: str, first: str) -> None:
        """Catch up with one chain and decide what can be decided, then with the other."""
        with assemble(self.settings.model_copy(update={"database_url": SecretStr(url)})) as indexer:
            chains = [indexer.l1, indexer.l2] if first == "l1" else [indexer.l2, indexer.l1]
            for chain in chains:
                while not chain.step().caught_up:
                    pass
                while indexer.verifier.round():
                    pass

    def ask_again(self) -> None:
        """Make every missing blob due now instead of later."""
        with psycopg.connect(self.url) as connection:
            connection.execute("UPDATE blob_fetches SET next_attempt_at = 0")

    def environment(self, url: str, **changes: str) -> dict[str, str]:
        """What a process needs to index into another database."""
        settings = self.settings
        return {
            **os.environ,
            "L1_RPC_URL": settings.l1_rpc_url[0],
            "L2_RPC_URL": settings.l2_rpc_url[0],
            "BEACON_URL": settings.beacon_url[0],
            "DEPLOYMENTS_DIR": str(settings.deployments_dir),
            "ARCHIVE_DIR": str(settings.archive_dir),
            "DATABASE_URL": url,
            "INDEXER_POLL_SECONDS": "0.05",
            **changes,
        }

    def progress(self, connection: psycopg.Connection[Any]) -> tuple[int, int]:
        """(blocks of the L2 that a database has indexed, batches that it has decided)."""
        row = connection.execute(
            "SELECT (SELECT coalesce(max(number), 0) FROM cursors WHERE chain_id = 901),"
            " (SELECT count(*) FROM batches WHERE verdict <> 'pending')"
        ).fetchone()
        assert row is not None
        return row[0], row[1]


@contextmanager
def indexed_world(devnet: Devnet, folder: Path, database_url: str) -> Iterator[IndexedWorld]:
    """Deploys, and points an indexer at it; nothing is registered yet."""
    deployments = folder / "deployments"
    with operator_flow(devnet, deployments, ATTESTERS, quorum=2) as flow:
        yield IndexedWorld(flow, indexer_settings(devnet, deployments, folder / "archive", database_url))


@contextmanager
def own_indexed_world(folder: Path, database_url: str) -> Iterator[IndexedWorld]:
    """The same on chains of its own, whose blocks may be replaced; what is needed before the first batch is there."""
    with Devnet.start() as devnet, indexed_world(devnet, folder, database_url) as world:
        for clock in (devnet.l1_clock, devnet.l2_clock):
            clock.set(0)
        world.prepare()
        yield world


def indexer_settings(devnet: Devnet, deployments: Path, archive: Path, database_url: str) -> IndexerSettings:
    return IndexerSettings.load(
        l1_rpc_url=(devnet.l1_url,),
        l2_rpc_url=(devnet.l2_url,),
        beacon_url=(devnet.beacon_url,),
        deployments_dir=deployments,
        archive_dir=archive,
        database_url=database_url,
    )
