"""The ERC-20 that everything is paid in; `mint` exists on the test token only."""

from typing import ClassVar, cast

from ledger.chain.blocks import At
from ledger.chain.contracts.binding import Contract
from ledger.chain.transaction import Call


class Token(Contract):
    """The ERC-20 functions that the protocol needs."""

    abi_name: ClassVar[str] = "TestToken"

    def approve(self, spender: bytes, amount_units: int) -> Call:
        """Let a spender take up to this much from the sender."""
        return self._write("approve", spender, amount_units)

    def transfer(self, to: bytes, amount_units: int) -> Call:
        """Send tokens."""
        return self._write("transfer", to, amount_units)

    def mint(self, to: bytes, amount_units: int) -> Call:
        """Make tokens from nothing, on a devnet."""
        return self._write("mint", to, amount_units)

    def balance_of(self, holder: bytes, at: At) -> int:
        """Units held."""
        return cast("int", self._read("balanceOf", at, holder))

    def allowance(self, holder: bytes, spender: bytes, at: At) -> int:
        """Units that the spender may still take."""
        return cast("int", self._read("allowance", at, holder, spender))

    def total_supply(self, at: At) -> int:
        """Units in existence."""
        return cast("int", self._read("totalSupply", at))

    def decimals(self, at: At) -> int:
        """Decimal places of the display unit."""
        return cast("int", self._read("decimals", at))
