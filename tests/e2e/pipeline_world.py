"""The real pipeline in one process: outbox, batcher, indexer, settlement with attesters over HTTP, API, audit.

In one process, so that a test can plant an error in one function of one stage; nothing else is replaced.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from typer.testing import CliRunner

from api.app import build_app
from api.reader import open_reader
from api.settings import ApiSettings
from audit.command import app as audit_command
from batcher.proving import ProvingPool
from batcher.running import drain, open_parts
from indexer.assembly import assemble
from indexer.running import catch_up
from ledger.protocol.attribution import AttributionSet, SetEntry
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of
from settlement.assembly import open_attester, open_settlement
from settlement.settings import AttesterSettings, SettlementSettings
from settlement.worker import run_pass
from tests.e2e.audit_story import POOR, RICH, THIRD, Story
from tests.factories.attesters import ATTESTERS
from tests.factories.batcher_world import settings_for
from tests.factories.distributor_stage import attester_server
from tests.factories.http_server import served
from tests.factories.indexed_world import indexer_settings
from tests.factories.operator_flow import DAY, OperatorFlow, key_of, operator_flow
from tests.factories.outbox import Outbox, Use, mining
from tributary.devnet import Devnet
from tributary.postgres import PostgresServer

FEE_UNITS = 19
"""Of the outbox's 5 input and 7 output units at (1000, 2000) per thousand."""
FIRST, SECOND = 30, 12
"""Receipts of the shared pipeline's two batches."""

_numbers = itertools.count()


@dataclass
class Pipeline:
    """Every stage over one deployment. Stages that read the index take the address of a database."""

    story: Story
    folder: Path
    proving: ProvingPool
    receipts: list[Receipt] = field(default_factory=list)
    _outboxes: dict[str, Outbox] = field(default_factory=dict)

    @property
    def flow(self) -> OperatorFlow:
        return self.story.flow

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    def issue(self, url: str, count: int, lane: int = 0) -> list[Receipt]:
        """Signed receipts in the outbox, as the gateway leaves them."""
        flow = self.flow
        outbox = self._outboxes.setdefault(
            url, Outbox(url, flow.deployment, flow.operator.address, flow.lane_key, started_at=0)
        )
        # By the L2's clock, which a test that undoes what it did there leaves behind the L1's.
        outbox.started_at = flow.devnet.l2.timestamp() - 100
        receipts = outbox.issue(lane, [self._use(n) for n in range(count)])
        self.receipts += receipts
        return receipts

    def _use(self, n: int) -> Use:
        one, two = self.story.datasets
        sets: Sequence[AttributionSet] = (
            (), (SetEntry(one, 250_001), SetEntry(two, 749_999)), (SetEntry(0, 1), SetEntry(two, 999_999)),
        )  # fmt: skip
        payer = address_of(key_of((RICH, POOR, THIRD)[n % 3]))
        if n % 4 == 3:
            return Use(payer, FEE_UNITS, self.story.base)
        return Use(payer, FEE_UNITS, self.story.adapter, sets[n % 3])

    def batch(self, url: str) -> None:
        """Post, commit and finalise all that is due."""
        settings = settings_for(self.flow, self.folder / "deployments", url)
        with mining(self.flow.devnet), open_parts(settings, draining=True, proving=self.proving) as parts:
            drain(parts, everything=True)

    def finalize(self, url: str) -> None:
        """Let the challenge window pass."""
        self.flow.devnet.advance(7 * DAY + 2)
        self.batch(url)
        self.flow.devnet.finalize()

    def index(self, url: str) -> None:
        """Catch up with both chains."""
        settings = indexer_settings(self.flow.devnet, self.folder / "deployments", self.archive, url)
        with assemble(settings) as indexer:
            catch_up(indexer)

    def settle(self, url: str) -> None:
        """A root by quorum, its delay, and the claims; then everything is final."""
        with ExitStack() as stack:
            attesters = [stack.enter_context(self._attester(url, key)) for key in ATTESTERS[:2]]
            settings = SettlementSettings.load(
                **self._l2(url), private_key=to_hex(self.flow.devnet.accounts[1].private_key),
                attester_urls=",".join(attesters), min_claim_units=1,
            )  # fmt: skip
            connections, _ = stack.enter_context(open_settlement(settings))
            stack.enter_context(mining(self.flow.devnet))
            run_pass(connections)
            self.flow.devnet.advance(DAY + 1)
            run_pass(connections)
        self.flow.devnet.finalize()
        self.index(url)

    @contextmanager
    def _attester(self, url: str, key) -> Iterator[str]:
        settings = AttesterSettings.load(**self._l2(url), private_key=to_hex(key.secret))
        with open_attester(settings) as parts, attester_server(parts.attester) as address:
            yield address

    def _l2(self, url: str) -> dict[str, object]:
        deployments = self.folder / "deployments"
        return {"database_url": url, "l2_rpc_url": self.flow.devnet.l2_url, "deployments_dir": deployments}

    def audit(self, api_url: str | None = None, *words: str) -> tuple[int, dict, str]:
        """(exit code, JSON report, what was printed)."""
        devnet, report = self.flow.devnet, self.folder / "audit.json"
        report.unlink(missing_ok=True)
        given = [
            "--l1-rpc-url", devnet.l1_url, "--l2-rpc-url", devnet.l2_url, "--beacon-url", devnet.beacon_url,
            "--archive", str(self.archive), "--deployments", str(self.folder / "deployments"), "--json", str(report),
            *(["--api", api_url] if api_url else []), *words,
        ]  # fmt: skip
        result = CliRunner().invoke(audit_command, given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, json.loads(report.read_text()) if report.exists() else {}, result.output


@contextmanager
def open_pipeline(folder: Path) -> Iterator[Pipeline]:
    """Chains of its own with contracts, assets, prices and deposits; nothing is issued yet."""
    proving = ProvingPool(1)
    try:
        with Devnet.start() as devnet, operator_flow(devnet, folder / "deployments", ATTESTERS, quorum=2) as flow:
            story = Story(flow)
            story.register_assets()
            story.fund()
            yield Pipeline(story, folder, proving)
    finally:
        proving.close()


@contextmanager
def api_server(url: str, archive: Path | None = None) -> Iterator[str]:
    """The API over this database, on a free port of this machine; proofs need the archive."""
    settings = ApiSettings.load(database_url=url, archive_dir=archive)
    engine = open_reader(settings)
    try:
        with served(build_app(engine, settings)) as address:
            yield address
    finally:
        engine.dispose()


@contextmanager
def copy_of(server: PostgresServer, template: str) -> Iterator[str]:
    """A database of the caller's own, equal to another one."""
    name = f"pipeline_copy_{next(_numbers)}"
    yield server.create_database(name, template)
    server.drop_database(name)
