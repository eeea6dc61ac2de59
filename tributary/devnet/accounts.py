"""The accounts that a devnet funds with 10,000 ETH each on both chains; their keys are public knowledge."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from eth_account import Account

MNEMONIC = "test test test test test test test test test test test junk"
COUNT = 10


@dataclass(frozen=True, slots=True)
class DevAccount:
    """A funded devnet account: 20-byte address and 32-byte private key."""

    address: bytes
    private_key: bytes


@cache
def dev_accounts() -> tuple[DevAccount, ...]:
    """The funded accounts in anvil's order.

    supersim itself sends from none of them (it relays with the last one, and only with its autorelay on).
    """
    Account.enable_unaudited_hdwallet_features()
    return tuple(_derive(index) for index in range(COUNT))


def _derive(index: int) -> DevAccount:
    account = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return DevAccount(bytes.fromhex(account.address[2:]), bytes(account.key))
