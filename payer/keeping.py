"""The folder that evidence is kept in: receipts, and whole exchanges, in the forms that audit and watcher read."""

from __future__ import annotations

import os
from base64 import b64encode
from typing import TYPE_CHECKING

from pydantic_core import to_json

from ledger.receipt_files import keep_receipt

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.protocol.envelope import Envelope
    from ledger.protocol.receipt import Receipt

FORMAT = "tributary transcript 1"


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
        _flush(keep_receipt(self.receipts, envelope.document))

    def receipt_path(self, operator: bytes, lane: int, seq: int) -> Path:
        """Where `keep` puts the receipt of this place."""
        return self.receipts / f"{operator.hex()}-{lane:05d}-{seq:020d}.json"

    def keep_exchange(self, receipt: Receipt, request: bytes, answer: bytes, parameters: str | None) -> None:
        """A whole exchange, as docs/spec/transcript.md has it."""
        self._transcript(self.transcripts, _name(receipt), request, answer, parameters)

    def keep_wrong_exchange(self, request_id: str, request: bytes, answer: bytes) -> Path:
        """An exchange whose receipt does not hold, or can't be read."""
        return self._transcript(self.wrong, f"{request_id}.json", request, answer, None)

    def keep_wrong_receipt(self, request_id: str, envelope: Envelope) -> Path:
        """A receipt that does not hold and came without an answer."""
        path = self.wrong / f"{request_id}.json"
        path.write_bytes(to_json(dict(envelope.document)))
        _flush(path)
        return path

    def _transcript(self, folder: Path, name: str, request: bytes, answer: bytes, parameters: str | None) -> Path:
        document = {
            "format": FORMAT,
            "request": b64encode(request).decode(),
            "answer": b64encode(answer).decode(),
            "parameters": parameters,
        }
        path = folder / name
        part = path.with_suffix(".part")
        part.write_bytes(to_json(document))
        _flush(part)
        part.replace(path)
        return path


def _name(receipt: Receipt) -> str:
    return f"{receipt.operator.hex()}-{receipt.lane:05d}-{receipt.seq:020d}.json"


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
