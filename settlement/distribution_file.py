"""The distribution file: everything a root stands for, in bytes that anyone can recompute.

Canonical JSON (keys sorted, no white space, ASCII), so that equal content has one hash; `dataHash` in the signed
message is its keccak256. The file is also the proposal that attesters get: they make their own and compare.
Source: docs/spec/settlement.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from ledger.errors import MalformedInputError
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.units import ENTITLEMENT_ONE
from settlement.entitlements import Entitlement, Entitlements
from settlement.scope import ThroughBlock

if TYPE_CHECKING:
    from settlement.scope import Scope

FORMAT: Final = "tributary/distribution/1"
_LONGEST_AMOUNT: Final = 80
_NO_PAYEES: Final = b'"payees":[]'
_PAYEES_BEGIN, _PAYEES_END = b'"payees":[', b'],"root":'


@dataclass(frozen=True, slots=True)
class DistributionFile:
    """What one distribution file says."""

    chain_id: int
    distributor: bytes
    token: bytes
    root_index: int
    root: bytes
    through: ThroughBlock
    entitlements: Entitlements

    @property
    def total_cumulative_units(self) -> int:
        """Sum of all payees' whole units."""
        return sum(line.cumulative_units for line in self.entitlements.lines)

    def to_bytes(self) -> bytes:
        """The file's one spelling."""
        lines = ",".join(
            [
                f'{{"cumulative":"{numerator // ENTITLEMENT_ONE}","numerator":"{numerator}","payee":"0x{payee.hex()}"}}'
                for payee, numerator in self.entitlements.lines
            ]
        )  # as `canonical` spells them, ten times as fast: there may be a million
        return self._frame().replace(_NO_PAYEES, b'"payees":[' + lines.encode("ascii") + b"]", 1)

    def _frame(self) -> bytes:
        """The file without its payees."""
        return canonical(
            {
                "format": FORMAT,
                "chainId": self.chain_id,
                "distributor": to_hex(self.distributor),
                "token": to_hex(self.token),
                "rootIndex": self.root_index,
                "root": to_hex(self.root),
                "throughL2Block": self.through.number,
                "throughL2BlockHash": to_hex(self.through.hash),
                "denominator": str(ENTITLEMENT_ONE),
                "fees": str(self.entitlements.fees_units),
                "totalCumulative": str(self.total_cumulative_units),
                "withheldBatches": list(self.entitlements.withheld_batches),
                "payees": [],
            }
        )


def canonical(document: dict[str, Any]) -> bytes:
    """JSON with sorted keys, no white space and only ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def describe(
    scope: Scope, root_index: int, root: bytes, through: ThroughBlock, entitlements: Entitlements
) -> DistributionFile:
    """The file of a distribution of `scope`."""
    return DistributionFile(
        chain_id=scope.chain_id,
        distributor=scope.distributor,
        token=scope.token,
        root_index=root_index,
        root=root,
        through=through,
        entitlements=entitlements,
    )


def parse(content: bytes) -> DistributionFile:
    """A file as somebody sent it, checked for form only: that it is right is for the reader to compute.

    Raises:
        MalformedInputError: not JSON, not this format, or not in its one spelling.
    """
    try:
        document = from_json(content)  # unlike json.loads, bounded in depth whatever the recursion limit is
    except ValueError as error:
        raise MalformedInputError("The distribution file is not JSON.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise MalformedInputError(f"This is not a distribution file of format {FORMAT}.")
    try:
        file = _read(document)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedInputError(f"The distribution file lacks or misstates a field: {error}.") from error
    if file.to_bytes() != content:
        raise MalformedInputError("The distribution file is not in canonical form, or its totals are not the sums.")
    return file


def parse_frame(content: bytes) -> DistributionFile:
    """What a file says besides its payees, read without reading those.

    Enough to compute the distribution oneself; the file is right if it has the same bytes. A file that is not in its
    one spelling may be read here as anything or be refused.

    Raises:
        MalformedInputError: as `parse`.
    """
    begin, end = content.find(_PAYEES_BEGIN), content.rfind(_PAYEES_END)
    if not 0 <= begin < end:
        return parse(content)
    frame = content[: begin + len(_PAYEES_BEGIN)] + content[end:]
    try:
        document = from_json(frame)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise MalformedInputError(f"This is not a distribution file of format {FORMAT}.")
        return _read(document)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedInputError(f"The distribution file lacks or misstates a field: {error}.") from error


def _read(document: dict[str, Any]) -> DistributionFile:
    lines = tuple(Entitlement(from_hex(p["payee"], 20), _amount(p["numerator"])) for p in document["payees"])
    payees = [line.payee for line in lines]
    if sorted(set(payees)) != payees:
        raise MalformedInputError("The payees of a distribution file rise, each once.")
    return DistributionFile(
        chain_id=_integer(document["chainId"]),
        distributor=from_hex(document["distributor"], 20),
        token=from_hex(document["token"], 20),
        root_index=_integer(document["rootIndex"]),
        root=from_hex(document["root"], 32),
        through=ThroughBlock(_integer(document["throughL2Block"]), from_hex(document["throughL2BlockHash"], 32)),
        entitlements=Entitlements(
            fees_units=_amount(document["fees"]),
            withheld_batches=tuple(_integer(batch_id) for batch_id in document["withheldBatches"]),
            lines=lines,
        ),
    )


def _integer(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise MalformedInputError(f"expected a whole number, got {value!r:.80}")
    return value


def _amount(value: object) -> int:
    if not isinstance(value, str) or len(value) > _LONGEST_AMOUNT or not (value.isascii() and value.isdigit()):
        raise MalformedInputError(f"expected an amount as a decimal string, got {value!r:.80}")
    return int(value)
