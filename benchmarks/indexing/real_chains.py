"""Full batches posted to a real devnet, and the indexer that reads them from its RPC and beacon addresses."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from benchmarks.indexing.made_batches import FULL_BATCH
from benchmarks.measuring.timing import Prepared
from indexer.assembly import assemble
from indexer.rebuild import forget_everything
from indexer.running import catch_up
from ledger.db.session import connect
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from tests.factories.indexed_world import IndexedWorld, indexed_world
from tributary.devnet import Devnet

PAYERS = 3
BATCH = FULL_BATCH
"""With fewer payers there is room for a few receipts more; the size is the same as on the made chains."""


class RealChains:
    """A devnet with that many full batches on it."""

    def __init__(self, world: IndexedWorld, batches: int, scratch: Path) -> None:
        self._world = world
        self._scratch = scratch
        self.receipts = batches * BATCH
        world.flow.devnet.advance(2 * BATCH)  # so that the price was in force when the first receipt started
        for n in range(batches):
            world.commit_batch(past_batch(world, [100 + (n + i) % 50 for i in range(BATCH)]))

    def index(self) -> Prepared:
        """A contender: from both chains and the beacon node into empty tables and an empty archive."""
        forget_everything(self._world.url)
        archive = Path(tempfile.mkdtemp(dir=self._scratch))
        settings = self._world.settings.model_copy(update={"archive_dir": str(archive)})

        def run() -> None:
            with assemble(settings) as indexer:
                catch_up(indexer)
            with connect(self._world.url, application_name="benchmark") as connection:
                row = connection.execute("SELECT count(*) FROM receipts").fetchone()
            if row != (self.receipts,):
                raise AssertionError(f"{row} of {self.receipts} receipts were written")

        return run


def past_batch(world: IndexedWorld, units: list[int]) -> EncodedBatch:
    """A batch of receipts with these output units, the last of which started a moment ago."""
    made = []
    for entry in world.flow.receipts(world.asset_id, world.fees(units)):
        receipt = replace(entry.receipt, started_at=entry.receipt.started_at - len(units))
        made.append(BatchEntry(receipt, receipt.digest(world.flow.deployment.receipt_domain)))
    return encode(made)


@contextmanager
def real_chains(batches: int, database_url: str) -> Iterator[RealChains]:
    """Deployed, funded and posted; the database is migrated and empty."""
    with tempfile.TemporaryDirectory(prefix="tributary-bench-") as name, Devnet.start() as devnet:
        folder = Path(name)
        with indexed_world(devnet, folder, SecretStr(database_url).get_secret_value()) as world:
            world.prepare()
            chains = RealChains(world, batches, folder)
            devnet.finalize()
            yield chains
