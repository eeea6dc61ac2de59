"""PaymentEscrow (L2): payers' money, kept apart for each operator."""

from collections.abc import Sequence
from typing import ClassVar, cast

from ledger.chain.blocks import At
from ledger.chain.contracts.intake_pause import PausableContract
from ledger.chain.structs import Account
from ledger.chain.transaction import Call
from ledger.protocol.authorization import SpendAuthorization


class PaymentEscrow(PausableContract):
    """One method per function of IPaymentEscrow that anyone but the ledger calls."""

    abi_name: ClassVar[str] = "PaymentEscrow"

    def deposit(self, payer: bytes, operator: bytes, amount_units: int) -> Call:
        """Add to the account (payer, operator) from the sender's tokens."""
        return self._write("deposit", payer, operator, amount_units)

    def thaw(self, operator: bytes, amount_units: int) -> Call:
        """Ask back part of the sender's account; leaves with `withdraw` after THAW_DELAY."""
        return self._write("thaw", operator, amount_units)

    def cancel_thaw(self, operator: bytes) -> Call:
        """Take back that request."""
        return self._write("cancelThaw", operator)

    def withdraw(self, operator: bytes) -> Call:
        """Pay the sender what it asked back."""
        return self._write("withdraw", operator)

    def authorize(self, authorizations: Sequence[SpendAuthorization], signatures: Sequence[bytes]) -> Call:
        """Raise caps by the payers' signatures; what is not better than what stands is skipped."""
        return self._write("authorize", authorizations, signatures)

    def register_cap(self, operator: bytes, cap_units: int, valid_until: int) -> Call:
        """Raise the sender's own cap without a signature."""
        return self._write("registerCap", operator, cap_units, valid_until)

    def lower_cap(self, operator: bytes, cap_units: int, valid_until: int) -> Call:
        """Lower the sender's cap after THAW_DELAY."""
        return self._write("lowerCap", operator, cap_units, valid_until)

    def register_session_key(self, key: bytes) -> Call:
        """Let a key sign the sender's authorizations."""
        return self._write("registerSessionKey", key)

    def revoke_session_key(self, key: bytes) -> Call:
        """End that after THAW_DELAY."""
        return self._write("revokeSessionKey", key)

    def collect_debt(self, payer: bytes, operator: bytes) -> Call:
        """Pay a payer's debt from its account to the operator's own."""
        return self._write("collectDebt", payer, operator)

    def account(self, payer: bytes, operator: bytes, at: At) -> Account:
        """Everything about the account as of the block's time."""
        return cast("Account", self._read("account", at, payer, operator))

    def accounts(self, payers: Sequence[bytes], operator: bytes, at: At) -> list[Account]:
        """The accounts of several payers with one operator, in order, asked together."""
        return cast("list[Account]", self._read_many("account", at, [(payer, operator) for payer in payers]))

    def is_session_key(self, payer: bytes, key: bytes, time: int, at: At) -> bool:
        """Whether the key may sign the payer's authorizations at `time`."""
        return cast("bool", self._read("isSessionKey", at, payer, key, time))

    def shortfall_of(self, batch_id: int, payer: bytes, at: At) -> int:
        """What the operator paid in this payer's stead for the batch."""
        return cast("int", self._read("shortfallOf", at, batch_id, payer))

    def authorization_digest(self, authorization: SpendAuthorization, at: At) -> bytes:
        """EIP-712 digest as the contract computes it."""
        return cast("bytes", self._read("authorizationDigest", at, authorization))
