"""Signed receipts that clients kept, as far as they have been read from their folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.errors import MalformedInputError
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.receipt import SignedReceipt
from ledger.protocol.units import POST_DEADLINE_SECONDS
from ledger.receipt_files import read_receipt, receipt_paths

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.protocol.domain import Domain
    from watcher.memory import BatchNote
    from watcher.report import Report

Lane = tuple[bytes, int]


class Receipts:
    """A folder of receipts, read as files come in."""

    def __init__(self, folder: Path | None, domain: Domain, report: Report) -> None:
        """Take the folder, if there is one, and the domain that receipts are signed for."""
        self._folder = folder
        self._domain = domain
        self._report = report
        self._read: set[Path] = set()
        self._by_lane: dict[Lane, dict[str, SignedReceipt]] = {}

    def look(self) -> None:
        """Read the files that are new; one that is no receipt is told and left."""
        if self._folder is None:
            return
        for path in receipt_paths(self._folder):
            if path in self._read:
                continue
            self._read.add(path)
            try:
                kept = read_receipt(path)
            except MalformedInputError as error:
                self._report.tell("receipt_file_wrong", reason=str(error))
                continue
            digest = kept.receipt.digest(self._domain)
            signed = SignedReceipt(kept.receipt, digest, kept.signature)
            lane = self._by_lane.setdefault((kept.receipt.operator, kept.receipt.lane), {})
            lane[to_hex(digest)] = signed

    def lanes(self) -> list[Lane]:
        """Lanes of which there are receipts."""
        return list(self._by_lane)

    def of_lane(self, lane: Lane) -> dict[str, SignedReceipt]:
        """A lane's receipts by digest, by rising seq."""
        receipts = self._by_lane.get(lane, {})
        return dict(sorted(receipts.items(), key=lambda item: item[1].receipt.seq))

    def of_batch(self, note: BatchNote) -> dict[str, SignedReceipt]:
        """The receipts whose seqs a batch claims, by digest."""
        lane = (from_hex(note.operator, 20), note.lane)
        seqs = range(note.first_seq, note.first_seq + note.count)
        return {digest: signed for digest, signed in self.of_lane(lane).items() if signed.receipt.seq in seqs}


def due_at(signed: SignedReceipt) -> int:
    """The last second at which the receipt may be posted, if intake was never paused."""
    receipt = signed.receipt
    return receipt.started_at - (-receipt.duration_ms // 1000) + POST_DEADLINE_SECONDS
