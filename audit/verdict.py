"""What an audit found: counts, sums, both sides of the conservation identity, and the differences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from audit.difference import Differences
from audit.money.conservation import Conservation
from ledger.chain.blocks import BlockRef


@dataclass(slots=True)
class Tally:
    """What was read and compared, counted while the audit goes on."""

    receipts: int = 0
    blobs: int = 0
    unreadable_batches: int = 0
    kept_receipts: int = 0
    waiting_receipts: int = 0
    recomputed_sets: int = 0
    api_fields: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one audit at one L2 block. Amounts are base units of the token."""

    block: BlockRef
    differences: Differences
    tally: Tally
    batches: Mapping[str, int]
    """Number of batches by status."""
    roots: int
    claims: int
    earned: Mapping[bytes, Fraction]
    """What each payee is owed by finalised batches, exactly."""
    paid: Mapping[bytes, int]
    charged_units: int
    unallocated_units: int
    """Fees of finalised batches that do not count, because they break a rule of the format."""
    conservation: Conservation
    seconds: float = field(default=0.0)

    @property
    def distributed_units(self) -> int:
        """Whole units owed: paid or payable."""
        return sum(int(amount) for amount in self.earned.values())

    @property
    def dust(self) -> Fraction:
        """The fractional parts of all that is owed."""
        return sum((amount - int(amount) for amount in self.earned.values()), Fraction(0))

    def to_json(self) -> dict[str, Any]:
        """The report for machines: amounts are decimal strings, dust is an exact fraction as text."""
        first = self.differences.first
        return {
            "differences": self.differences.count,
            "first": first.to_json() if first else None,
            "found": [difference.to_json() for difference in self.differences.kept],
            "l2_block": {"number": self.block.number, "hash": "0x" + self.block.hash.hex()},
            "receipts": self.tally.receipts,
            "batches": dict(self.batches),
            "unreadable_batches": self.tally.unreadable_batches,
            "blobs": self.tally.blobs,
            "roots": self.roots,
            "claims": self.claims,
            "kept_receipts": {"found": self.tally.kept_receipts, "waiting": self.tally.waiting_receipts},
            "recomputed_sets": self.tally.recomputed_sets,
            "api_fields_compared": self.tally.api_fields,
            "charged_units": str(self.charged_units),
            "unallocated_units": str(self.unallocated_units),
            "distributed_units": str(self.distributed_units),
            "paid_units": str(sum(self.paid.values())),
            "dust": str(self.dust),
            "payees": [
                {
                    "address": "0x" + payee.hex(),
                    "earned_units": str(int(amount)),
                    "paid_units": str(self.paid.get(payee, 0)),
                    "exact": str(amount),
                }
                for payee, amount in sorted(self.earned.items())
            ],
            "conservation": {
                side: {name: str(units) for name, units in terms.items()}
                for side, terms in (
                    ("came_in", self.conservation.came_in),
                    ("held", self.conservation.held),
                    ("went_out", self.conservation.went_out),
                )
            },
            "seconds": round(self.seconds, 3),
        }
