"""A devnet with deployed contracts, an operator at work and an indexer beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from indexer.assembly import assemble
from indexer.digest import table_digests
from indexer.running import catch_up
from indexer.settings import IndexerSettings
from ledger.chain.structs import BatchRecord
from ledger.protocol.blob.encode import EncodedBatch
from ledger.protocol.signature import address_of
from tests.factories.operator_flow import (
    DAY,
    INPUT_PRICE,
    OUTPUT_PRICE,
    OperatorFlow,
    key_of,
    operator_flow,
    terms_for,
)
from tributary.devnet import Devnet

ATTESTERS = sorted((key_of(f"attester {n}") for n in range(3)), key=address_of)
PAYERS = sorted((key_of(f"payer {n}") for n in range(3)), key=address_of)
OWNER = address_of(key_of("model owner"))
BOND, OWN_DEPOSIT, DEPOSIT, CAP = 3_000_000_000, 100_000_000, 50_000_000, 40_000_000


@dataclass
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

    def rebuilt_digests(self, url: str) -> dict[str, str]:
        """The digests of an index made afresh in another database, from the chains and this archive."""
        self.index(database_url=type(self.settings.database_url)(url))
        return table_digests(url)


@contextmanager
def indexed_world(devnet: Devnet, folder: Path, database_url: str) -> Iterator[IndexedWorld]:
    """Deploys, and points an indexer at it; nothing is registered yet."""
    deployments = folder / "deployments"
    with operator_flow(devnet, deployments, ATTESTERS, quorum=2) as flow:
        yield IndexedWorld(flow, indexer_settings(devnet, deployments, folder / "archive", database_url))


def indexer_settings(devnet: Devnet, deployments: Path, archive: Path, database_url: str) -> IndexerSettings:
    return IndexerSettings.load(
        l1_rpc_url=(devnet.l1_url,),
        l2_rpc_url=(devnet.l2_url,),
        beacon_url=(devnet.beacon_url,),
        deployments_dir=deployments,
        archive_dir=archive,
        database_url=database_url,
    )
