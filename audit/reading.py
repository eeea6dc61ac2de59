"""The audit from beginning to end; every step is one call, and the differences fall out in the order of the steps.

logs ─► assets, prices, batches, posts ─► blobs ─► receipts ─► entitlements ─► roots, claims, balances ─► statements
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from audit.attribution.recomputing import Transcripts
from audit.attribution.transcripts import load_transcripts
from audit.batch.blobs import ArchiveSource, BeaconSource, BlobSource
from audit.chain.events import Event, EventReader, unhex
from audit.chain.node import Node
from audit.chain.state import State
from audit.difference import Differences, Place
from audit.histories import Histories, read_histories
from audit.money.accounts import keep_books
from audit.money.conservation import check_conservation, read_flows
from audit.money.entitlement import Entitlements, Protocol
from audit.money.payouts import check_claimed, check_claims, check_through_blocks
from audit.settings import AuditSettings
from audit.statements.api import Api, finalized_block
from audit.statements.comparison import Comparison
from audit.statements.receipts import KeptReceipts, load_receipts
from audit.verdict import Tally, Verdict
from audit.walk import Walk
from ledger.attribution.published import PublishedAsset, read_published
from ledger.chain.beacon import BeaconClient
from ledger.chain.deployment import Deployment, load_deployment

Progress = Callable[[str, int, int], None]
"""(what is being done, how much is done, how much there is)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to audit, beside the settings."""

    through: str = "finalized"
    """L2 block up to which everything is read: a tag or a number."""
    receipts: Path | None = None
    """Folder of receipts that a client kept."""
    transcripts: Path | None = None
    """Folder of transcripts that a client kept."""
    published: Path | None = None
    """Folder of published assets: the datasets' texts, and the adapters with their priors."""


class Audit:
    """One reading of both chains, up to one L2 block."""

    def __init__(self, settings: AuditSettings, request: Request, progress: Progress = lambda *_: None) -> None:
        """Take note of what is to be read, and where; no node is asked yet.

        Raises:
            MalformedInputError: a kept receipt is none.
        """
        self._request = request
        self._progress = progress
        self._deployments_dir = settings.deployments_dir
        self._kept = load_receipts(request.receipts) if request.receipts else []
        self._transcripts = load_transcripts(request.transcripts) if request.transcripts else []
        self._kept += [transcript.kept for transcript in self._transcripts]
        self._l1 = Node(settings.l1_rpc_url, "L1", settings.patience_seconds)
        self._l2 = Node(settings.l2_rpc_url, "L2", settings.patience_seconds)
        self._beacon = BeaconClient(settings.beacon_url) if settings.beacon_url else None
        self._sources = blob_sources(self._beacon, settings.archive_dir)
        self._differences, self._tally = Differences(), Tally()
        self._api = Api(settings.api_url, self._differences, self._tally) if settings.api_url else None

    def close(self) -> None:
        """Close the connections."""
        for client in (self._l1, self._l2, self._beacon, self._api):
            if client is not None:
                client.close()

    def run(self) -> Verdict:
        """Read everything and compare it.

        Raises:
            RetryableError: a node does not answer, or nobody has a blob that is needed.
            DeploymentMissingError: nothing is known of the chain that the L2 node serves.
            WrongChainError: the L1 node serves another chain than the contracts are on.
        """
        began, state = time.monotonic(), self._state()
        events, l1_events = self._read_logs(state)
        histories = read_histories(events, l1_events, self._l1, self._l2, self._differences)
        check_through_blocks(histories.roots, state, self._differences)
        comparison = self._begin_comparison(state, histories)
        walk = self._walk(state, histories, comparison)
        paid = check_claims(histories.claims, histories.roots, histories.times, self._differences)
        check_claimed(paid, state, self._differences)
        flows = read_flows(state, self._deployment.l2.deployed_at_block)
        conservation = check_conservation(events, keep_books(events), flows, state, self._differences)
        if comparison is not None:
            comparison.finish(histories.batches.values(), walk.entitlements, walk.payable, paid, conservation)
        self._l2.check_still_there(state.block)
        return Verdict(
            block=state.block,
            differences=self._differences,
            tally=self._tally,
            batches=Counter(batch.status for batch in histories.batches.values()),
            roots=len(histories.roots),
            claims=len(histories.claims),
            earned=walk.entitlements.owed,
            paid=paid,
            charged_units=int(walk.entitlements.charged_units),
            unallocated_units=walk.unallocated_units,
            conservation=conservation,
            seconds=time.monotonic() - began,
        )

    def _walk(self, state: State, histories: Histories, comparison: Comparison | None) -> Walk:
        """Every batch read, every root checked, every kept receipt looked for."""
        walk = Walk(
            histories=histories,
            sources=self._sources,
            transcripts=self._read_transcripts(histories),
            kept=KeptReceipts(self._kept, self._deployment.receipt_domain, histories.events),
            token=state.token,
            entitlements=Entitlements(histories.assets, self._protocol(state), histories.lists),
            differences=self._differences,
            tally=self._tally,
            comparison=comparison,
        )
        for done, _ in enumerate(walk.batches_and_roots(), start=1):
            self._progress("Batches", done, len(histories.batches))
        walk.finish(state.block.timestamp)
        return walk

    def _read_transcripts(self, histories: Histories) -> Transcripts:
        """The kept transcripts, with the published assets that their sets are computed from."""
        published: Mapping[bytes, PublishedAsset] = {}
        if self._transcripts and self._request.published is not None:
            registered = {asset.content_hash for asset in histories.assets.values()}
            published = read_published(self._request.published, registered)
        transcripts = Transcripts(self._transcripts, published, histories.assets)
        transcripts.check_bytes(self._differences)
        return transcripts

    def _begin_comparison(self, state: State, histories: Histories) -> Comparison | None:
        """The comparison with the API, if one is given."""
        if self._api is None:
            return None
        comparison = Comparison(self._api, state, histories.assets)
        comparison.begin()
        return comparison

    @cached_property
    def _deployment(self) -> Deployment:
        """Where the contracts of the L2 that the node serves stand."""
        deployment = load_deployment(self._deployments_dir, self._l2.chain_id())
        self._l1.expect_chain(deployment.l1.chain_id)
        return deployment

    def _state(self) -> State:
        """The L2 after the block up to which everything is read; not above what the API has indexed, if there is one."""
        through = self._request.through
        block = self._l2.block(int(through) if through.isdigit() else through)
        if self._api and not through.isdigit():
            indexed = finalized_block(self._api).number
            block = self._l2.block(indexed) if indexed < block.number else block
        return State(self._l2, block, self._deployment.l2.token, l2_contracts(self._deployment))

    def _read_logs(self, state: State) -> tuple[list[Event], list[Event]]:
        """(events of our contracts on L2 up to the audited block, events of the inbox on L1 up to its newest block)."""
        inbox = {"BlobInbox": self._deployment.l1.blob_inbox}
        l1_last = self._l1.block("latest").number
        l1_events = self._read_events(self._l1, self._deployment.l1.deployed_at_block, l1_last, inbox)
        first, last = self._deployment.l2.deployed_at_block, state.block.number
        return self._read_events(self._l2, first, last, state.addresses), l1_events

    def _read_events(self, node: Node, first: int, last: int, addresses: Mapping[str, bytes]) -> list[Event]:
        reader, events = EventReader(addresses), []
        for log in node.logs(first, last, list(addresses.values())):
            event = reader.read(log)
            if event is None:
                name = f"log {log['logIndex']} of {node.name} block {log['blockNumber']}"
                self._differences.note(
                    Place("log", name), "event", "one of its contract's ABI", [bytes(topic) for topic in log["topics"]]
                )
            else:
                events.append(event)
                self._progress(f"{node.name} logs", max(0, event.block - first), max(1, last - first))
        return events

    def _protocol(self, state: State) -> Protocol:
        """The protocol's part of every fee as the ledger has it, compared with the deployment file."""
        ppm = state.view("ReceiptLedger", "protocolPpm()", "uint32")
        payee = unhex(state.view("ReceiptLedger", "protocolPayee()", "address"))
        place = Place("deployment", "deployment file")
        self._differences.compare(place, "protocolPpm", ppm, self._deployment.protocol_ppm)
        self._differences.compare(place, "protocolPayee", payee, self._deployment.protocol_payee)
        return Protocol(payee, ppm)


def blob_sources(beacon: BeaconClient | None, archive: Path | None) -> list[BlobSource]:
    """Everybody who is to be asked for blobs."""
    sources: list[BlobSource] = []
    if beacon is not None:
        sources.append(BeaconSource(beacon))
    if archive is not None:
        sources.append(ArchiveSource(archive))
    return sources


def l2_contracts(deployment: Deployment) -> dict[str, bytes]:
    """Our contracts on L2 by the names of their ABI files."""
    l2 = deployment.l2
    return {
        "AttributionRegistry": l2.registry,
        "Operators": l2.operators,
        "PaymentEscrow": l2.escrow,
        "ReceiptLedger": l2.ledger,
        "RoyaltyDistributor": l2.distributor,
        "ReceiptChallenges": l2.receipt_challenges,
        "BlobDemands": l2.blob_demands,
    }
