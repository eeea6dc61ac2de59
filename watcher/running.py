"""The watch itself: read, judge, act, report; pass after pass, or until nothing is left to do."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from ledger.chain.blocks import block_at
from ledger.chain.events.operators import BondSlashed
from ledger.chain.events.receipt_challenges import ReceiptUnposted
from ledger.chain.events.receipt_ledger import BatchVoided
from ledger.errors import InsufficientFundsError, ProtocolError, RetryableError, RpcUnavailableError, UsageError
from watcher.blobs import Blobs
from watcher.chains import open_chains
from watcher.challenging import Challenger
from watcher.demanding import Demander
from watcher.following import Follower
from watcher.landing import PENALIZED, Landing
from watcher.memory import open_memory
from watcher.probing.probe import Probe
from watcher.receipts import Receipts
from watcher.refunding import Refunder
from watcher.sending import Outgoing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.chain.blocks import BlockRef
    from watcher.chains import Chains
    from watcher.memory import BatchNote, MemoryFile
    from watcher.report import Report
    from watcher.sending import Sent
    from watcher.settings import WatcherSettings

FOLLOWING_PATIENCE_SECONDS: Final = 10.0
"""While following, a node that is away is left for the next pass."""


class Watch:
    """One watcher on one deployment."""

    def __init__(
        self, chains: Chains, blobs: Blobs, file: MemoryFile, report: Report, settings: WatcherSettings, *, acting: bool
    ) -> None:
        """Put the parts together."""
        self.probe: Probe | None = None
        self.probe_every_seconds = settings.probe_every_seconds
        self.poll_seconds = settings.poll_seconds
        self._chains = chains
        self._file = file
        self._report = report
        self._receipts = Receipts(settings.receipts_folder, chains.deployment.receipt_domain, report)
        self._outgoing = Outgoing(chains.account, file, report, settings, acting=acting)
        self._follower = Follower(chains, file, report)
        self._challenger = Challenger(chains, blobs, self._receipts, self._outgoing, file, report)
        self._refunder = Refunder(chains, self._outgoing, file, report)
        self._demander = Demander(chains, blobs, self._outgoing, file, report, settings)
        self._landing = Landing(chains, self._receipts, self._outgoing, file, report)

    def run_pass(self) -> bool:
        """Whether anything came of it.

        Raises:
            RetryableError: a node is away; run it again.
        """
        if self._settle():
            return True
        if self._is_sending():
            return False  # its nonce blocks every other transaction
        head = block_at(self._chains.l2, "latest")
        self._follower.follow(head)
        self._receipts.look()
        moved = False
        for batch_id, note in list(self._file.memory.batches.items()):
            moved |= self._look(batch_id, note, head)
            if self._is_sending():
                return moved
        moved |= self._landing.look(head)
        self._settle()
        self._file.save()
        return moved

    def _look(self, batch_id: int, note: BatchNote, head: BlockRef) -> bool:
        """Whether anything came of looking at a batch. Whatever is wrong with it must not hide the others."""
        moved = False
        try:
            for part in (self._challenger, self._refunder, self._demander):
                moved |= part.look(batch_id, note, head)
                self._settle()
                if self._is_sending():
                    break
        except RpcUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  whoever posts a batch chooses its bytes
            if note.told != "look_failed":
                note.told = "look_failed"
                self._report.tell("look_failed", batch_id=batch_id, reason=f"{type(error).__name__}: {error}")
        return moved

    def standing(self) -> tuple[int, int]:
        """Batches known to be false that stand, and batches that could not be judged."""
        states = [note.state for note in self._file.memory.batches.values()]
        return states.count("guilty"), states.count("waiting")

    def _is_sending(self) -> bool:
        return self._file.memory.sent is not None

    def _settle(self) -> bool:
        """Whether the transaction on its way was mined and held; what it brought is told."""
        sent = self._outgoing.outcome()
        if sent is None:
            return False
        self._took(sent)
        self._file.save()
        return True

    def _took(self, sent: Sent) -> None:
        memory = self._file.memory
        for log in self._chains.events.decode_known(sent.receipt.logs):
            event = log.event
            if isinstance(event, BatchVoided) and event.batch_id in memory.batches:
                note = memory.batches[event.batch_id]
                note.state, note.void_block = "voided", sent.receipt.block_number
                note.told = f"voided 0x{event.challenger.hex()}"
                fault = event.fault.rstrip(b"\0").decode("ascii", "replace")
                self._report.tell("batch_voided", batch_id=event.batch_id, fault=fault, challenger=event.challenger)
            elif isinstance(event, BondSlashed):
                self._report.tell(
                    "slashed",
                    operator=event.operator,
                    batch_id=event.batch_id,
                    slashed_units=event.reward_units + event.burned_units,
                    reward_units=event.reward_units,
                    burned_units=event.burned_units,
                    challenger=event.challenger,
                )
            elif isinstance(event, ReceiptUnposted):
                memory.receipts[f"0x{event.digest.hex()}"] = PENALIZED
                self._report.tell(
                    "penalized",
                    operator=event.operator,
                    lane=event.lane,
                    seq=event.seq,
                    penalty_units=event.penalty_units,
                )


@contextmanager
def open_watch(settings: WatcherSettings, report: Report, *, acting: bool, patient: bool) -> Iterator[Watch]:
    """A watch with everything it needs, closed at the end.

    Raises:
        DeploymentMissingError, WrongChainError, RpcUnavailableError, UsageError: each says what to do.
    """
    with ExitStack() as stack:
        chains = open_chains(settings, settings.patience_seconds if patient else FOLLOWING_PATIENCE_SECONDS)
        stack.callback(chains.close)
        file = stack.enter_context(open_memory(settings.state_file, chains.deployment))
        blobs = Blobs(chains, settings)
        stack.callback(blobs.close)
        watch = Watch(chains, blobs, file, report, settings, acting=acting)
        payer, folder = settings.payer, settings.receipts_folder
        if settings.probe_url is not None and payer is not None and folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            watch.probe = Probe(chains, settings, payer, folder, report)
        yield watch


def follow(watch: Watch, report: Report) -> None:
    """Watch for ever, and probe now and then; what passes is told and waited out."""
    next_probe = time.monotonic()
    while True:
        if time.monotonic() >= next_probe:
            next_probe = time.monotonic() + watch.probe_every_seconds
            run_probe(watch, report)
        try:
            if watch.run_pass():
                continue
        except RetryableError as error:
            report.tell("waits", reason=str(error))
        time.sleep(watch.poll_seconds)


def run_probe(watch: Watch, report: Report) -> None:
    """Probe once, if there is a probe; that it got no answer is told."""
    if watch.probe is None:
        return
    try:
        watch.probe.run()
    except (RetryableError, UsageError, InsufficientFundsError, ProtocolError) as error:
        report.tell("probe_refused", reason=str(error))


def run_once(watch: Watch, report: Report) -> None:
    """Probe once, and watch until a pass brings nothing new.

    Raises:
        RetryableError: a node is away.
    """
    run_probe(watch, report)
    while watch.run_pass():
        pass
