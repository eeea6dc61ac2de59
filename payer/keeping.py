"""The folder that evidence is kept in: receipts, and whole exchanges, in the forms that audit and watcher read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import to_json

from ledger.durable import flush
from ledger.protocol.attribution.transcript import transcript_json
from ledger.receipt_files import keep_receipt, receipt_name

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.protocol.envelope import Envelope
    from ledger.protocol.receipt import Receipt


class Evidence:
    """`receipts/` has every receipt, `transcripts/` every exchange that came whole, `wrong/` what did not hold."""

    def __init__(self, folder: Path) -> None:
        """Make the folders."""
        self.receipts = folder / "receipts"
        self.transcripts = folder / "transcripts"
        self.wrong = folder / "wrong"
        for part in (self.receipts, self.transcripts, self.wrong):
            part.mkdir(parents=True, exist_ok=True)

    def keep(self, envelope: Envelope) -> None:
        """A receipt that holds, on disk when this returns."""
        flush(keep_receipt(self.receipts, envelope.document))

    def receipt_path(self, operator: bytes, lane: int, seq: int) -> Path:
        """Where `keep` puts the receipt of this place."""
        return self.receipts / receipt_name(operator, lane, seq)

    def keep_exchange(self, receipt: Receipt, request: bytes, answer: bytes, parameters: str | None) -> None:
        """A whole exchange, as docs/spec/transcript.md has it."""
        name = receipt_name(receipt.operator, receipt.lane, receipt.seq)
        self._transcript(self.transcripts, name, request, answer, parameters)

    def keep_wrong_exchange(self, request_id: str, request: bytes, answer: bytes) -> Path:
        """An exchange whose receipt does not hold, or can't be read."""
        return self._transcript(self.wrong, f"{request_id}.json", request, answer, None)

    def keep_wrong_receipt(self, request_id: str, envelope: Envelope) -> Path:
        """A receipt that does not hold and came without an answer."""
        path = self.wrong / f"{request_id}.json"
        path.write_bytes(to_json(dict(envelope.document)))
        flush(path)
        return path

    def _transcript(self, folder: Path, name: str, request: bytes, answer: bytes, parameters: str | None) -> Path:
        path = folder / name
        part = path.with_suffix(".part")
        part.write_bytes(to_json(transcript_json(request, answer, parameters)))
        flush(part)
        part.replace(path)
        return path
