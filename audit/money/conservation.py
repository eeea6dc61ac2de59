"""The conservation identity: every unit that came in is still held, or went out by a door that has a name.

Each term is read from its own source: doors from the contracts' events, direct transfers from the token's own log,
what is held from views and token balances. None is the difference of the others, so the identity can fail.
Source: docs/spec/money.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from audit.chain.events import TRANSFER_TOPIC, Event, Json, of
from audit.chain.state import State
from audit.difference import Differences, Place
from audit.money.accounts import Books, check_accounts, check_bonds, total

HOLDERS: Final = (
    "PaymentEscrow",
    "Operators",
    "BlobDemands",
    "RoyaltyDistributor",
    "ReceiptLedger",
    "AttributionRegistry",
)


@dataclass(frozen=True, slots=True)
class Conservation:
    """Both sides of the identity, in base units, by the names of docs/spec/money.md."""

    came_in: Mapping[str, int]
    held: Mapping[str, int]
    went_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Flows:
    """Sums of the token's Transfer logs into and out of each contract."""

    into: Mapping[str, int]
    out_of: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Doors:
    """What each contract's own events say came in and went out."""

    into: Mapping[str, int]
    out_of: Mapping[str, int]


def read_flows(state: State, first_block: int) -> Flows:
    """The token's transfers to and from our contracts since they were deployed, from the token's own logs."""
    names = {state.addresses[name]: name for name in HOLDERS}
    ours = ["0x" + address.rjust(32, b"\0").hex() for address in names]
    transfer = "0x" + TRANSFER_TOPIC.hex()
    into, out_of = dict.fromkeys(HOLDERS, 0), dict.fromkeys(HOLDERS, 0)
    last_block = state.block.number
    for log in state.node.logs(first_block, last_block, [state.token], [transfer, None, ours]):
        into[names[_party(log, 2)]] += int.from_bytes(log["data"])
    for log in state.node.logs(first_block, last_block, [state.token], [transfer, ours]):
        out_of[names[_party(log, 1)]] += int.from_bytes(log["data"])
    return Flows(into, out_of)


def check_conservation(
    events: Sequence[Event], books: Books, flows: Flows, state: State, differences: Differences
) -> Conservation:
    """The identity, contract by contract and whole."""
    went_out = money_out(events)
    doors = read_doors(events, went_out)
    balances = dict(zip(HOLDERS, state.balances([state.addresses[name] for name in HOLDERS]), strict=True))
    payers, operators = check_accounts(books, state, differences)
    bonds = check_bonds(books, state, differences)
    distributor = "RoyaltyDistributor"
    funded = state.view(distributor, "totalFunded()", "uint256")
    unclaimed = funded - state.view(distributor, "totalClaimed()", "uint256")
    differences.compare(Place("balance", distributor), "totalFunded", doors.into[distributor], funded)
    demands = money_in(events)["demand_deposits"] - went_out["demand_deposits"]
    on_books = {
        "PaymentEscrow": payers + operators + books.custody_units,
        "Operators": bonds,
        "BlobDemands": demands,
        "RoyaltyDistributor": unclaimed,
    }
    for name in HOLDERS:
        place = Place("balance", f"token balance of {name}")
        direct = flows.into[name] - doors.into[name]
        differences.compare(place, "units by the token's log", flows.into[name] - flows.out_of[name], balances[name])
        differences.compare(place, "units by the contract's books", on_books.get(name, 0) + direct, balances[name])
        differences.compare(place, "units that left", doors.out_of[name], flows.out_of[name])
    held = {
        "escrow": payers,
        "operator_deposits": operators,
        "custody": books.custody_units,
        "bonds": bonds,
        "demand_deposits": demands,
        "distributor": unclaimed,
        "stray": sum(balances.values()) - sum(on_books.values()),
    }
    came_in = money_in(events) | {"direct_transfers": sum(flows.into.values()) - sum(doors.into.values())}
    right = sum(held.values()) + sum(went_out.values())
    whole = Place("conservation", "conservation of the token")
    differences.compare(whole, "units that came in", right, sum(came_in.values()))
    return Conservation(came_in, held, went_out)


def read_doors(events: Sequence[Event], went_out: Mapping[str, int]) -> Doors:
    """What each contract says that it took and gave."""
    deposited = money_in(events)
    none = dict.fromkeys(HOLDERS, 0)
    into = none | {
        "PaymentEscrow": deposited["payer_deposits"] + deposited["operator_deposits"],
        "Operators": deposited["bonds"],
        "BlobDemands": deposited["demand_deposits"],
        "RoyaltyDistributor": total(events, "RoyaltyDistributor", "Funded"),
    }
    released = total(events, "PaymentEscrow", "CustodyReleased")
    out_of = none | {
        "PaymentEscrow": went_out["payer_withdrawals"] + went_out["operator_withdrawals"] + released,
        "Operators": went_out["bond_withdrawals"] + went_out["challenger_rewards"] + went_out["burned"],
        "BlobDemands": went_out["demand_deposits"],
        "RoyaltyDistributor": went_out["paid_out"],
    }
    return Doors(into, out_of)


def money_in(events: Sequence[Event]) -> dict[str, int]:
    """Units by each door in."""
    deposits = of(events, "PaymentEscrow", "Deposited")
    return {
        "payer_deposits": sum(e.args["amount"] for e in deposits if e.args["payer"] != e.args["operator"]),
        "operator_deposits": sum(e.args["amount"] for e in deposits if e.args["payer"] == e.args["operator"]),
        "bonds": total(events, "Operators", "BondDeposited"),
        "demand_deposits": total(events, "BlobDemands", "BlobDemanded", "deposit"),
    }


def money_out(events: Sequence[Event]) -> dict[str, int]:
    """Units by each door out."""
    withdrawals = of(events, "PaymentEscrow", "Withdrawn")
    return {
        "payer_withdrawals": sum(e.args["amount"] for e in withdrawals if e.args["payer"] != e.args["operator"]),
        "operator_withdrawals": sum(e.args["amount"] for e in withdrawals if e.args["payer"] == e.args["operator"]),
        "bond_withdrawals": total(events, "Operators", "BondWithdrawn"),
        "demand_deposits": total(events, "BlobDemands", "DemandAnswered", "deposit")
        + total(events, "BlobDemands", "DemandReturned", "deposit"),
        "challenger_rewards": total(events, "Operators", "BondSlashed", "reward"),
        "burned": total(events, "Operators", "BondSlashed", "burned"),
        "paid_out": total(events, "RoyaltyDistributor", "Claimed"),
    }


def _party(log: Json, topic: int) -> bytes:
    """The address in an indexed topic."""
    return bytes(log["topics"][topic])[12:]
