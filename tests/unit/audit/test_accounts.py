"""The audit's books: what the contracts' logs say that each account, bond and custody holds."""

import pytest

from audit.chain.events import Event
from audit.money.accounts import keep_books
from audit.money.conservation import HOLDERS, money_in, money_out, read_doors

pytestmark = pytest.mark.unit
PAYER, OPERATOR, OTHER = b"\x01" * 20, b"\x0e" * 20, b"\x02" * 20


def escrow(name: str, payer: bytes = PAYER, **args: object) -> Event:
    return Event("PaymentEscrow", name, {"payer": payer, "operator": OPERATOR, **args}, 1, 0, b"")


def bond(name: str, **args: object) -> Event:
    return Event("Operators", name, {"operator": OPERATOR, **args}, 1, 0, b"")


def committed(*charges: tuple[bytes, int]) -> Event:
    listed = tuple({"payer": payer, "amount": amount} for payer, amount in charges)
    return Event("ReceiptLedger", "BatchCommitted", {"operator": OPERATOR, "charges": listed}, 1, 0, b"")


def released(amount: int) -> Event:
    return Event("PaymentEscrow", "CustodyReleased", {"batchId": 1, "amount": amount}, 1, 0, b"")


HISTORY = [
    escrow("Deposited", amount=100),
    escrow("Deposited", OPERATOR, amount=50),
    committed((PAYER, 120), (OTHER, 5)),
    escrow("Shortfall", amount=20, batchId=1),
    escrow("Shortfall", OTHER, amount=5, batchId=1),
    escrow("Deposited", amount=40),
    escrow("DebtCollected", amount=15),
    escrow("Withdrawn", amount=10),
]


def test_a_shortfall_is_the_operators_until_the_debt_is_collected():
    books = keep_books(HISTORY)
    payer, own, other = (books.accounts[who, OPERATOR] for who in (PAYER, OPERATOR, OTHER))
    assert (payer.balance_units, payer.collected_units, payer.debt_units) == (15, 115, 5)
    assert (other.balance_units, other.collected_units, other.debt_units) == (0, 0, 5)
    assert own.balance_units == 50 - 20 - 5 + 15
    assert books.custody_units == 125


def test_a_refund_gives_both_back_what_they_paid():
    books = keep_books([*HISTORY, escrow("Refunded", amount=115, operatorAmount=5, batchId=1)])
    payer = books.accounts[PAYER, OPERATOR]
    assert (payer.balance_units, payer.collected_units, payer.debt_units) == (130, 0, 0)
    assert books.custody_units == 5


def test_a_released_custody_is_no_longer_held():
    assert keep_books([*HISTORY, released(125)]).custody_units == 0


def test_bonds_follow_deposits_reserves_slashes_and_withdrawals():
    books = keep_books(
        [
            bond("BondDeposited", amount=1000), bond("BondReserved", batchId=1, amount=300),
            bond("BondReserved", batchId=2, amount=200), bond("BondReleased", batchId=2, amount=200),
            bond("BondSlashed", batchId=1, reward=60, burned=240), bond("BondSlashed", batchId=0, reward=2, burned=8),
            bond("BondWithdrawn", amount=90),
        ]
    )  # fmt: skip
    assert (books.bonds[OPERATOR].amount_units, books.bonds[OPERATOR].reserved_units) == (600, 0)


def test_every_door_has_its_own_sum():
    history = [
        *HISTORY, released(125), bond("BondDeposited", amount=7), bond("BondSlashed", batchId=1, reward=1, burned=4),
        escrow("Withdrawn", OPERATOR, amount=3),
        Event("RoyaltyDistributor", "Funded", {"amount": 125}, 1, 0, b""),
        Event("RoyaltyDistributor", "Claimed", {"amount": 30}, 1, 0, b""),
        *(Event("BlobDemands", "BlobDemanded", {"deposit": 11}, 1, n, b"") for n in range(3)),
        Event("BlobDemands", "DemandAnswered", {"deposit": 11}, 1, 3, b""),
        Event("BlobDemands", "DemandReturned", {"deposit": 11}, 1, 4, b""),
    ]  # fmt: skip
    assert money_in(history) == {"payer_deposits": 140, "operator_deposits": 50, "bonds": 7, "demand_deposits": 33}
    out = money_out(history)
    assert out == {
        "payer_withdrawals": 10, "operator_withdrawals": 3, "bond_withdrawals": 0, "challenger_rewards": 1,
        "burned": 4, "paid_out": 30, "demand_deposits": 22,
    }  # fmt: skip
    doors = read_doors(history, out)
    assert doors.into == dict.fromkeys(HOLDERS, 0) | {
        "PaymentEscrow": 190, "Operators": 7, "BlobDemands": 33, "RoyaltyDistributor": 125,
    }  # fmt: skip
    assert doors.out_of["BlobDemands"] == 22
    assert doors.out_of["PaymentEscrow"] == 10 + 3 + 125
    assert doors.out_of["Operators"] == 5
    assert doors.out_of["RoyaltyDistributor"] == 30
