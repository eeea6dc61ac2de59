"""Transcripts that a client kept: the bytes of a request and its answer, and what the operator said of its method.

Source: docs/spec/transcript.md.
"""

from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from audit.difference import Place
from audit.statements.receipts import KeptReceipt
from ledger.errors import MalformedInputError, ProtocolError
from ledger.named_files import read_named
from ledger.protocol.attribution import AttributionSet, SetEntry, Texts
from ledger.protocol.attribution.transcript import texts_of
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.receipt import Receipt
from ledger.protocol.stripping import salted_hash, strip_json, strip_stream

FORMAT = "tributary transcript 1"
STREAM_BEGINS = b"data: "


@dataclass(frozen=True, slots=True)
class Transcript:
    """One exchange, taken apart.

    Attributes:
        kept: the receipt that came with the answer.
        entries: the attribution set that came with it.
        hashes: requestHash and responseHash of the bytes.
        texts: what attribution compares.
        parameters: listing of the operator's attribution parameters, if it makes sets.
    """

    kept: KeptReceipt
    entries: AttributionSet
    hashes: tuple[bytes, bytes]
    texts: Texts
    parameters: bytes | None

    @property
    def place(self) -> Place:
        """Where the audit says it is, speaking of this file."""
        return Place("transcript", f"kept transcript {self.kept.path.name}", seq=self.kept.receipt.seq)


def load_transcripts(folder: Path) -> list[Transcript]:
    """Every transcript in the folder's *.json files.

    Raises:
        MalformedInputError: there is no such folder, or a file is no transcript; the sentence names it.
    """
    if not folder.is_dir():
        raise MalformedInputError(f"There are no transcripts in {folder}, which is not a folder.")
    return [load_transcript(path) for path in sorted(folder.glob("*.json"))]


def load_transcript(path: Path) -> Transcript:
    """The transcript in a file.

    Raises:
        MalformedInputError: it is none; the sentence names it.
    """
    content = read_named(path)
    try:
        return _transcript(path, from_json(content))
    except (ValueError, KeyError, TypeError, ProtocolError) as error:
        raise MalformedInputError(f"{path} is not a transcript: {error}.") from error


def _transcript(path: Path, document: Any) -> Transcript:
    if document["format"] != FORMAT:
        raise MalformedInputError(f"its format is not {FORMAT!r}")
    request, answer = b64decode(document["request"], validate=True), b64decode(document["answer"], validate=True)
    produced, envelope = (strip_stream if answer.startswith(STREAM_BEGINS) else strip_json)(answer)
    if envelope is None:
        raise MalformedInputError("its answer carries no receipt")
    salt, parameters = from_hex(envelope["salt"], 32), document.get("parameters")
    receipt, signature = Receipt.from_json(envelope["receipt"]), from_hex(envelope["signature"], 65)
    return Transcript(
        kept=KeptReceipt(path, receipt, signature),
        entries=tuple(SetEntry(entry["assetId"], entry["ppm"]) for entry in envelope["set"]),
        hashes=(salted_hash(salt, request), salted_hash(salt, produced)),
        texts=texts_of(request, produced),
        parameters=None if parameters is None else str(parameters).encode(),
    )
