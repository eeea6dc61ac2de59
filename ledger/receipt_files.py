"""Signed receipts as clients keep them: one JSON file each, the gateway's `receipt` envelope or a transcript with it."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from ledger.errors import MalformedInputError, ProtocolError
from ledger.named_files import read_named
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.receipt import Receipt
from ledger.protocol.stripping import strip_json, strip_stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """A receipt in a client's file, with its 65-byte signature, of which nothing is checked yet."""

    path: Path
    receipt: Receipt
    signature: bytes


def receipt_paths(folder: Path) -> list[Path]:
    """The files of a folder that may be receipts, by name.

    Raises:
        MalformedInputError: there is no such folder.
    """
    if not folder.is_dir():
        raise MalformedInputError(f"There are no receipts in {folder}, which is not a folder.")
    return sorted(folder.glob("*.json"))


def read_receipt(path: Path) -> KeptReceipt:
    """The receipt in a file.

    Raises:
        MalformedInputError: the file can't be read or is no signed receipt; the sentence names it.
    """
    content = read_named(path)
    try:
        document = _envelope(from_json(content))
        return KeptReceipt(path, Receipt.from_json(document["receipt"]), from_hex(document["signature"], 65))
    except (ValueError, KeyError, TypeError, ProtocolError) as error:
        raise MalformedInputError(f"{path} is not a signed receipt: {error}.") from error


def _envelope(document: Any) -> Any:
    """The envelope itself, or the one in a transcript's answer (docs/spec/transcript.md)."""
    if "answer" not in document:
        return document
    answer = b64decode(document["answer"], validate=True)
    _, envelope = (strip_stream if answer.startswith(b"data: ") else strip_json)(answer)
    return envelope


def read_receipts(folder: Path) -> Iterator[KeptReceipt]:
    """Every receipt of a folder, by file name. Raises MalformedInputError as its parts do."""
    return map(read_receipt, receipt_paths(folder))


def receipt_name(operator: bytes, lane: int, seq: int) -> str:
    """What the file is called that keeps the receipt of this place, or its exchange: in order of seq by name."""
    return f"{operator.hex()}-{lane:05d}-{seq:020d}.json"


def keep_receipt(folder: Path, envelope: Mapping[str, Any]) -> Path:
    """Write an answer's envelope where `read_receipts` finds it, whole or not at all; its path."""
    receipt = Receipt.from_json(envelope["receipt"])
    path = folder / receipt_name(receipt.operator, receipt.lane, receipt.seq)
    part = path.with_suffix(".part")
    part.write_bytes(to_json(dict(envelope)))
    part.replace(path)
    return path
