"""What the demo says it did, each figure read from its own source, and the identities that they must keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ledger.chain.events.blob_inbox import BlobsPosted
from ledger.chain.events.payment_escrow import CapSet
from ledger.chain.events.receipt_ledger import BatchCommitted, BatchFinalized, BlobsAttested
from ledger.chain.events.royalty_distributor import Claimed, RootSubmitted
from ledger.errors import ConservationError, LedgerDifferenceError
from ledger.protocol.hexadecimal import checksum_address, from_hex
from tributary.demo import cast
from tributary.demo.chain_figures import ChainFigures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tributary.demo.cast import Actor
    from tributary.demo.chains import Chains


@dataclass(frozen=True, slots=True)
class PayeeFigures:
    """One payee: what the root says it earned, and what its own token balance holds."""

    address: bytes
    role: str
    name: str
    earned_units: int
    paid_units: int

    def to_json(self) -> dict[str, str]:
        return {
            "address": checksum_address(self.address),
            "role": self.role,
            "name": self.name,
            "earned_units": str(self.earned_units),
            "paid_units": str(self.paid_units),
        }


@dataclass(frozen=True, slots=True)
class Figures:
    """The run in numbers.

    Sources: requests, the clients; receipts and batches, L2 logs; blobs, L1 logs; gas, tx_receipts; deposited and
    charged, the token's Transfer logs; refundable, the escrow's accounts; distributed, the root in the contract;
    paid and dust, token balances; audit, its own report.
    """

    requests: int
    receipts: int
    batches: int
    blobs: int
    l1_gas: int
    l1_blob_gas: int
    l2_gas: int
    settlement_l2_gas: int
    deposited_units: int
    charged_units: int
    refundable_units: int
    distributed_units: int
    paid_units: int
    dust_units: int
    payees: Sequence[PayeeFigures]
    audit: Mapping[str, Any]
    cash_seconds: int
    seconds: Mapping[str, float] = field(default_factory=dict)

    def check(self) -> None:
        """Nothing, if the figures agree.

        Raises:
            LedgerDifferenceError: a receipt is missing or doubled, or a payee was not paid.
            ConservationError: money is missing or made.
        """
        if self.receipts != self.requests:
            raise LedgerDifferenceError(f"{self.requests} requests left {self.receipts} receipts.")
        unpaid = next((p for p in self.payees if p.earned_units != p.paid_units), None)
        if unpaid:
            raise LedgerDifferenceError(f"{unpaid.name} earned {unpaid.earned_units} and was paid {unpaid.paid_units}.")
        exact_dust = Fraction(self.audit["dust"])
        identities = {
            "deposited = charged + refundable": (self.deposited_units, self.charged_units + self.refundable_units),
            "charged = distributed + dust": (self.charged_units, self.distributed_units + self.dust_units),
            "distributed = paid": (self.distributed_units, self.paid_units),
            "dust = the sum of the fractional parts": (Fraction(self.dust_units), exact_dust),
        }
        for name, (left, right) in identities.items():
            if left != right:
                raise ConservationError(f"{name} does not hold: {left} is not {right}.")
        if not self.dust_units < len(self.payees):
            raise ConservationError(f"{self.dust_units} units of dust are left for {len(self.payees)} payees.")

    def to_json(self) -> dict[str, Any]:
        """The figures for machines: amounts are decimal strings, counts and gas are numbers."""
        out: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            out[name] = str(value) if name.endswith("_units") else value
        out["payees"] = [payee.to_json() for payee in self.payees]
        out["seconds"] = {stage: round(seconds, 2) for stage, seconds in self.seconds.items()}
        return out


POSTING = (BlobsAttested, CapSet, BatchCommitted, BatchFinalized)
SETTLING = (RootSubmitted, Claimed)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What only the run itself knows. `payouts` are the lines of the distribution file."""

    requests: int
    payers: Sequence[Actor]
    roles: Mapping[bytes, Actor]
    payouts: Sequence[Mapping[str, Any]]
    audit: Mapping[str, Any]
    cash_seconds: int
    """From the first request to the last payment, on the chain's clock."""
    seconds: Mapping[str, float]


def gather(chains: Chains, run: RunRecord) -> Figures:
    """Every figure, read now."""
    contracts, at = chains.contracts, chains.deployment.l2
    chain = ChainFigures(chains)
    finalized = {event.batch_id for event in chain.events(BatchFinalized)}
    counts = {event.batch_id: event.header.count for event in chain.events(BatchCommitted)}
    payers = [payer.address for payer in run.payers]
    l1_gas, l1_blob_gas = chain.gas((BlobsPosted,), l1=True)
    root = contracts.distributor.root(chain.events(RootSubmitted)[-1].root_index, "latest")
    payees = [_payee(chains, run.roles, line) for line in run.payouts]
    return Figures(
        requests=run.requests,
        receipts=sum(counts[batch_id] for batch_id in finalized),
        batches=len(finalized),
        blobs=sum(len(e.versioned_hashes) for e in chain.events(BlobsPosted, chain.l1_logs)),
        l1_gas=l1_gas,
        l1_blob_gas=l1_blob_gas,
        l2_gas=chain.gas(POSTING)[0],
        settlement_l2_gas=chain.gas(SETTLING)[0],
        deposited_units=chain.transferred(payers, at.escrow),
        charged_units=chain.transferred([at.escrow], at.distributor),
        refundable_units=sum(
            a.balance_units for a in contracts.escrow.accounts(payers, cast.OPERATOR.address, "latest")
        ),
        distributed_units=root.total_cumulative_units,
        paid_units=sum(payee.paid_units for payee in payees),
        dust_units=contracts.token.balance_of(at.distributor, "latest"),
        payees=payees,
        audit=run.audit,
        cash_seconds=run.cash_seconds,
        seconds=run.seconds,
    )


def _payee(chains: Chains, roles: Mapping[bytes, Actor], line: Mapping[str, Any]) -> PayeeFigures:
    address = from_hex(line["payee"], 20)
    actor = roles.get(address)
    return PayeeFigures(
        address=address,
        role=actor.role if actor else "unknown",
        name=actor.name if actor else checksum_address(address),
        earned_units=int(line["cumulative"]),
        paid_units=chains.contracts.token.balance_of(address, "latest"),
    )
