"""A datanet's contributors from a CSV file: one `address,weight` a line, with or without a heading."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from ledger.errors import MalformedInputError, UsageError
from ledger.named_files import read_named
from ledger.protocol.contributors import Contributor, check_list
from ledger.protocol.hexadecimal import checksum_address, from_hex

if TYPE_CHECKING:
    from pathlib import Path

_COLUMNS = 2
_MOST_BYTES = 16 * 2**20  # twice the longest list


def read_contributors(path: Path) -> tuple[Contributor, ...]:
    """The contributors, rising by address, as a list that the registry takes.

    Raises:
        MalformedInputError: the file can't be read.
        UsageError: a line is no address and weight, or the list as a whole won't do.
    """
    try:
        text = io.StringIO(read_named(path, _MOST_BYTES).decode("utf-8-sig"), newline="")
        lines = [(number, row) for number, row in enumerate(csv.reader(text), start=1) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is not a CSV file in UTF-8.") from error
    if lines and not lines[0][1][0].strip().startswith("0x"):
        lines = lines[1:]
    try:
        return check_list(_contributor(path, number, row) for number, row in lines)
    except MalformedInputError as error:
        raise UsageError(f"{path}: {error}.") from error


def _contributor(path: Path, number: int, row: list[str]) -> Contributor:
    if len(row) != _COLUMNS:
        raise UsageError(f"{path}, line {number}: it must hold an address and a weight, separated by a comma.")
    address, weight = (cell.strip() for cell in row)
    if not (weight.isascii() and weight.isdigit()):
        raise UsageError(f"{path}, line {number}: the weight {weight!r:.40} is not a whole number.")
    return Contributor(read_address(address, f"{path}, line {number}"), int(weight))


def read_address(text: str, place: str) -> bytes:
    """20 bytes of an address; one in mixed case must have the right EIP-55 checksum.

    Raises:
        UsageError: it is none.
    """
    try:
        address = from_hex(text, 20)
    except MalformedInputError as error:
        raise UsageError(f"{place}: {text!r:.60} is not an address, 0x and 40 hex digits.") from error
    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and digits != checksum_address(address)[2:]:
        raise UsageError(f"{place}: {text} fails its EIP-55 checksum: a digit is mistyped; or write it in lower case.")
    return address
