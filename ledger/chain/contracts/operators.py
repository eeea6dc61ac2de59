"""Operators (L2): bonds, signing keys per lane, prices."""

from typing import ClassVar, cast

from ledger.chain.blocks import At
from ledger.chain.contracts.intake_pause import PausableContract
from ledger.chain.structs import Bond, KeyActivity, Price
from ledger.chain.transaction import Call


class Operators(PausableContract):
    """One method per function of IOperators that anyone but the ledger calls."""

    abi_name: ClassVar[str] = "Operators"

    def deposit_bond(self, operator: bytes, amount_units: int) -> Call:
        """Add to an operator's bond from the sender's tokens."""
        return self._write("depositBond", operator, amount_units)

    def request_withdrawal(self, amount_units: int) -> Call:
        """Ask back part of the sender's bond."""
        return self._write("requestWithdrawal", amount_units)

    def cancel_withdrawal(self) -> Call:
        """Take back that request."""
        return self._write("cancelWithdrawal")

    def withdraw_bond(self) -> Call:
        """Pay out what was asked back, after the delay."""
        return self._write("withdrawBond")

    def add_key(self, lane: int, key: bytes) -> Call:
        """Let a key sign receipts of the sender's lane."""
        return self._write("addKey", lane, key)

    def revoke_key(self, lane: int, key: bytes) -> Call:
        """End the key's activity now."""
        return self._write("revokeKey", lane, key)

    def set_price(self, asset_id: int, input_price_units: int, output_price_units: int) -> Call:
        """Publish the sender's price for an asset, per 1000 units."""
        return self._write("setPrice", asset_id, input_price_units, output_price_units)

    def bond(self, operator: bytes, at: At) -> Bond:
        """The operator's stake."""
        return cast("Bond", self._read("bond", at, operator))

    def free_bond(self, operator: bytes, at: At) -> int:
        """What new batches can be backed with."""
        return cast("int", self._read("freeBond", at, operator))

    def reserve_for(self, total_fee_units: int, at: At) -> int:
        """What a batch of this total would hold of the bond."""
        return cast("int", self._read("reserveFor", at, total_fee_units))

    def key_activity(self, operator: bytes, lane: int, key: bytes, at: At) -> KeyActivity:
        """When the key was added and revoked."""
        return cast("KeyActivity", self._read("keyActivity", at, operator, lane, key))

    def key_active_in(self, operator: bytes, lane: int, key: bytes, start: int, end: int, at: At) -> bool:
        """Whether the key was active at any second from start to end, both included."""
        return cast("bool", self._read("keyActiveIn", at, operator, lane, key, start, end))

    def price_at(self, operator: bytes, asset_id: int, time: int, at: At) -> Price:
        """The price in force at `time`; all zero if there was none."""
        return cast("Price", self._read("priceAt", at, operator, asset_id, time))
