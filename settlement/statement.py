"""A payee's statement: where every part of its cumulative amount comes from, and what was paid of it.

Lines are exact, in parts of 10^30 of a base unit; with what is carried (the fraction below one base unit, which is paid
when it has grown to one) they add up to the cumulative amount of the distribution, to the unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from ledger.db.entitlement_rule import with_rule
from ledger.errors import LedgerDifferenceError, NotFoundError, NotYetFinalError
from ledger.protocol.entitlement import floor_units
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.units import ENTITLEMENT_ONE
from settlement.entitlements import require_decided
from settlement.scope import ThroughBlock
from settlement.steps.compute import finalized_block

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from settlement.scope import Scope

_LINES: Final = with_rule("""
    WITH {earned}
    SELECT b.batch_id, b.finalized_at, e.source, e.asset_id, e.asset_version, e.dataset_id, e.dataset_version,
           sum(e.numerator) AS numerator
    FROM earned e JOIN batches b USING (batch_id, fill)
    WHERE {counted}
    GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY b.finalized_at, 1, 3, 4, 5, 6, 7
""")

_ROOT: Final = text("""
    SELECT r.root_index, r.through_l2_block, r.through_l2_block_hash, e.numerator, d.distribution_id
    FROM distribution_roots r
    LEFT JOIN distributions d ON d.root_index = r.root_index AND d.root = r.root AND d.data_hash = r.data_hash
        AND d.chain_id = :chain_id AND d.distributor = :distributor
    LEFT JOIN entitlements e ON e.distribution_id = d.distribution_id AND e.payee = :payee
    WHERE r.disabled_block_number IS NULL AND (r.root_index = :root_index OR CAST(:root_index AS bigint) IS NULL)
    ORDER BY r.root_index DESC, d.distribution_id DESC LIMIT 1
""")

_PAYMENTS: Final = text("""
    SELECT root_index, block_number, tx_hash, recipient, amount_units FROM claims
    WHERE payee = :payee ORDER BY block_number, log_index
""")


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What one batch owes the payee for one reason; `numerator` over ENTITLEMENT_ONE base units."""

    batch_id: int
    finalized_at: int
    source: str
    """`protocol`, `operator`, `royalty` (a share of the asset that served) or `data` (of the dataset drawn on)."""
    asset_id: int
    asset_version: int
    dataset_id: int
    dataset_version: int
    numerator: int


@dataclass(frozen=True, slots=True)
class Payment:
    """A claim that was paid."""

    root_index: int
    block_number: int
    tx_hash: bytes
    recipient: bytes
    amount_units: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that a payee earned through a block, and everything that it was paid so far."""

    payee: bytes
    root_index: int | None
    """The distribution that says the same; None for what no root covers yet."""
    through: ThroughBlock
    lines: tuple[StatementLine, ...]
    payments: tuple[Payment, ...]

    @property
    def numerator(self) -> int:
        """All that was earned, over ENTITLEMENT_ONE: the sum of the lines."""
        return sum(line.numerator for line in self.lines)

    @property
    def cumulative_units(self) -> int:
        """What the distribution says: whole base units."""
        return floor_units(self.numerator)

    @property
    def carried_numerator(self) -> int:
        """Earned and not payable yet: below one base unit, over ENTITLEMENT_ONE."""
        return self.numerator % ENTITLEMENT_ONE

    @property
    def paid_units(self) -> int:
        """All payments together."""
        return sum(payment.amount_units for payment in self.payments)

    @property
    def due_units(self) -> int:
        """What a claim would pay now."""
        return max(0, self.cumulative_units - self.paid_units)


def statement(session: Session, scope: Scope, payee: bytes, root_index: int | None = None) -> Statement:
    """A payee's statement through the block that a root covers.

    Args:
        session: over the index and settlement's own tables, in one snapshot (REPEATABLE READ) where they change.
        scope: whose distributor.
        payee: whose earnings.
        root_index: which distribution; by default the newest that stands, or the finalised block if there is none.

    Raises:
        NotFoundError: there is no standing root under that index.
        NotYetFinalError: nothing is final yet.
        LedgerDifferenceError: the lines do not add up to what was distributed.
    """
    given = {"chain_id": scope.chain_id, "distributor": scope.distributor, "payee": payee, "root_index": root_index}
    root = session.execute(_ROOT, given).first()
    if root is None:
        if root_index is not None:
            raise NotFoundError(f"The index has no standing root {root_index}.")
        return _read(session, scope, payee, None, finalized_block(session, scope))
    through = ThroughBlock(root.through_l2_block, bytes(root.through_l2_block_hash))
    if finalized_block(session, scope).number < through.number:
        raise NotYetFinalError(f"The index has not come to block {through.number}, up to which that root counts.")
    made = _read(session, scope, payee, root.root_index, through)
    if root.distribution_id is not None and made.numerator != (root.numerator or 0):
        raise LedgerDifferenceError(
            f"The lines of {checksum_address(payee)} add up to {made.numerator} and distribution {root.root_index} says"
            f" {root.numerator or 0} (over 10^30); rebuild the index."
        )
    return made


def _read(session: Session, scope: Scope, payee: bytes, root_index: int | None, through: ThroughBlock) -> Statement:
    require_decided(session, through.number)
    given = {
        "payee": payee,
        "through": through.number,
        "protocol_payee": scope.protocol.payee,
        "protocol_ppm": scope.protocol.ppm,
    }
    lines = tuple(
        StatementLine(
            batch_id=row.batch_id,
            finalized_at=row.finalized_at,
            source=row.source,
            asset_id=row.asset_id,
            asset_version=row.asset_version,
            dataset_id=row.dataset_id,
            dataset_version=row.dataset_version,
            numerator=int(row.numerator),
        )
        for row in session.execute(_LINES, given)
    )
    payments = tuple(
        Payment(row.root_index, row.block_number, bytes(row.tx_hash), bytes(row.recipient), int(row.amount_units))
        for row in session.execute(_PAYMENTS, {"payee": payee})
    )
    return Statement(payee, root_index, through, lines, payments)
