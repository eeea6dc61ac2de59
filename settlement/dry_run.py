"""What settlement would do now, computed and shown, with nothing written or sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.protocol.hexadecimal import checksum_address
from settlement import queries
from settlement.steps.compute import entitlements_now

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from settlement.entitlements import Entitlements
    from settlement.scope import Scope, ThroughBlock


@dataclass(frozen=True, slots=True)
class DueLine:
    """One payee: earned since the beginning, paid so far, due now."""

    payee: bytes
    cumulative_units: int
    claimed_units: int
    pushed: bool
    """Whether settlement would push it, or leave it to the payee."""

    @property
    def due_units(self) -> int:
        """What a claim would pay."""
        return max(0, self.cumulative_units - self.claimed_units)


@dataclass(frozen=True, slots=True)
class DryRun:
    """A distribution as it would be proposed now."""

    through: ThroughBlock
    entitlements: Entitlements
    lines: tuple[DueLine, ...]

    @property
    def due_units(self) -> int:
        """What all claims together would pay."""
        return sum(line.due_units for line in self.lines)


def dry_run(session: Session, scope: Scope, least_units: int) -> DryRun:
    """What would be distributed through the finalised block, and paid to whom.

    Raises:
        NotYetFinalError, ConservationError: as for a real computation.
    """
    through, entitlements = entitlements_now(session, scope)
    claimed = {bytes(row.payee): int(row.claimed_units) for row in session.execute(queries.CLAIMED)}
    lines = []
    for line in entitlements.lines:
        paid = claimed.get(line.payee, 0)
        pushed = line.cumulative_units - paid >= least_units
        lines.append(DueLine(line.payee, line.cumulative_units, paid, pushed))
    return DryRun(through, entitlements, tuple(lines))


def as_json(run: DryRun) -> dict[str, object]:
    """The dry run for programs: amounts as decimal strings."""
    return {
        "throughL2Block": run.through.number,
        "throughL2BlockHash": "0x" + run.through.hash.hex(),
        "fees": str(run.entitlements.fees_units),
        "withheldBatches": list(run.entitlements.withheld_batches),
        "due": str(run.due_units),
        "payees": [
            {
                "payee": checksum_address(line.payee),
                "cumulative": str(line.cumulative_units),
                "claimed": str(line.claimed_units),
                "due": str(line.due_units),
                "pushed": line.pushed,
            }
            for line in run.lines
        ],
    }
