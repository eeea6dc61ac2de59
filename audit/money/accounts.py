"""Escrow accounts and bonds: what the logs say each must hold, compared with what the contracts say it holds."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from audit.chain.events import Event, of
from audit.chain.state import State
from audit.difference import Differences, Place

ACCOUNT_VIEW: Final = "(uint64,uint64,uint64,uint40,uint64,uint40,uint64,uint40,uint40,uint40,uint64)"
"""balance, collected, cap, validUntil, thawing, thawEnd, three of a lowering, deadValidUntil, debt."""
BOND_VIEW: Final = "(uint64,uint64,uint64,uint40)"
"""amount, reserved, withdrawing, availableAt."""


MONEY_EVENTS: Final = ("Deposited", "Withdrawn", "Shortfall", "DebtCollected", "Refunded")


@dataclass(slots=True)
class Account:
    """What a payer has with an operator. The operator's own deposit is its account with itself."""

    balance_units: int = 0
    collected_units: int = 0
    debt_units: int = 0


@dataclass(slots=True)
class Bond:
    """An operator's stake, and how much of it open batches hold."""

    amount_units: int = 0
    reserved_units: int = 0


@dataclass(slots=True)
class Books:
    """Everything that the contracts must hold by their own logs."""

    accounts: dict[tuple[bytes, bytes], Account] = field(default_factory=lambda: defaultdict(Account))
    """By (payer, operator)."""
    bonds: dict[bytes, Bond] = field(default_factory=lambda: defaultdict(Bond))
    custody_units: int = 0
    """Charged by batches that are neither finalised nor refunded."""


def keep_books(events: Iterable[Event]) -> Books:
    """The books after these events, which must be in chain order."""
    books = Books()
    for event in events:
        if event.contract == "PaymentEscrow":
            _escrow(books, event)
        elif event.contract == "Operators":
            _bond(books, event)
        elif event.contract == "ReceiptLedger" and event.name in ("BatchCommitted", "BatchRefilled"):
            _charge(books, event)
    return books


def _charge(books: Books, event: Event) -> None:
    """A batch takes its charges into custody; what a payer could not give is corrected by its Shortfall."""
    for charge in event.args["charges"]:
        account = books.accounts[charge["payer"], event.args["operator"]]
        account.balance_units -= charge["amount"]
        account.collected_units += charge["amount"]
        books.custody_units += charge["amount"]


def _escrow(books: Books, event: Event) -> None:
    if event.name == "CustodyReleased":
        books.custody_units -= event.args["amount"]
        return
    if event.name not in MONEY_EVENTS:
        return
    account = books.accounts[event.args["payer"], event.args["operator"]]
    own = books.accounts[event.args["operator"], event.args["operator"]]
    amount: int = event.args["amount"]
    match event.name:
        case "Deposited":
            account.balance_units += amount
        case "Withdrawn":
            account.balance_units -= amount
        case "Shortfall":
            account.balance_units += amount
            account.collected_units -= amount
            account.debt_units += amount
            own.balance_units -= amount
        case "DebtCollected":
            account.balance_units -= amount
            account.collected_units += amount
            account.debt_units -= amount
            own.balance_units += amount
        case "Refunded":
            account.balance_units += amount
            account.collected_units -= amount
            account.debt_units -= event.args["operatorAmount"]
            own.balance_units += event.args["operatorAmount"]
            books.custody_units -= amount + event.args["operatorAmount"]
        case _:
            pass


def _bond(books: Books, event: Event) -> None:
    match event.name:
        case "BondDeposited":
            books.bonds[event.args["operator"]].amount_units += event.args["amount"]
        case "BondWithdrawn":
            books.bonds[event.args["operator"]].amount_units -= event.args["amount"]
        case "BondReserved":
            books.bonds[event.args["operator"]].reserved_units += event.args["amount"]
        case "BondReleased":
            books.bonds[event.args["operator"]].reserved_units -= event.args["amount"]
        case "BondSlashed":
            taken = event.args["reward"] + event.args["burned"]
            books.bonds[event.args["operator"]].amount_units -= taken
            if event.args["batchId"]:
                books.bonds[event.args["operator"]].reserved_units -= taken
        case _:
            pass


def check_accounts(books: Books, state: State, differences: Differences) -> tuple[int, int]:
    """(units in payers' accounts, units in operators' own accounts) as the escrow's view tells them."""
    keys = sorted(books.accounts)
    payers = operators = 0
    for key, view in zip(
        keys, state.views("PaymentEscrow", "account(address,address)", keys, ACCOUNT_VIEW), strict=True
    ):
        payer, operator = key
        place = Place("account", f"escrow account of 0x{payer.hex()} with operator 0x{operator.hex()}")
        differences.compare(place, "balance", books.accounts[key].balance_units, view[0])
        differences.compare(place, "collected", books.accounts[key].collected_units, view[1])
        differences.compare(place, "debt", books.accounts[key].debt_units, view[10])
        if payer == operator:
            operators += view[0]
        else:
            payers += view[0]
    return payers, operators


def check_bonds(books: Books, state: State, differences: Differences) -> int:
    """Units of all bonds as the contract's view tells them."""
    operators = sorted(books.bonds)
    views = state.views("Operators", "bond(address)", [[operator] for operator in operators], BOND_VIEW)
    for operator, view in zip(operators, views, strict=True):
        place = Place("account", f"bond of operator 0x{operator.hex()}")
        differences.compare(place, "amount", books.bonds[operator].amount_units, view[0])
        differences.compare(place, "reserved", books.bonds[operator].reserved_units, view[1])
    return sum(view[0] for view in views)


def total(events: Iterable[Event], contract: str, name: str, argument: str = "amount") -> int:
    """Sum of one argument over all events of a name."""
    return sum(event.args[argument] for event in of(events, contract, name))
