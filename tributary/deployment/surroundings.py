"""What must stand already: Optimism's contracts, and the token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.quantities import quantity, to_data
from ledger.errors import MalformedAnswerError, RpcRejectedError, SettingsError
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.keccak import keccak256

if TYPE_CHECKING:
    from ledger.chain.sender import Sender
    from tributary.deployment.parameters import Parameters

MAX_TOKEN_DECIMALS = 9


def check_surroundings(parameters: Parameters, l1: Sender, l2: Sender) -> None:
    """Refuses parameters that name contracts which are not there.

    Raises:
        SettingsError: an address has no code, or the token has no fitting decimals.
    """
    needed = (
        (l1, parameters.portal, "OptimismPortal"),
        (l1, parameters.l1_messenger, "L1CrossDomainMessenger"),
        (l2, parameters.l2_messenger if parameters.l1_messenger else None, "L2CrossDomainMessenger"),
        (l2, parameters.token, "token"),
    )
    for sender, address, name in needed:
        if address is not None and not has_code(sender, address):
            place = f"{checksum_address(address)} on {sender.rpc.name}"
            raise SettingsError(f"There is no contract at {place}, given as {name}.")
    if parameters.token is not None:
        token_decimals(l2, parameters.token)


def token_decimals(l2: Sender, token: bytes) -> int:
    """The token's decimals, at most 9.

    Raises:
        SettingsError: it does not tell them, or has more.
    """
    message = {"to": to_data(token), "data": to_data(keccak256(b"decimals()")[:4])}
    try:
        decimals = quantity(l2.rpc.call("eth_call", message, "latest"))
    except (RpcRejectedError, MalformedAnswerError) as error:
        raise SettingsError(f"The token at {checksum_address(token)} does not tell its decimals.") from error
    if decimals > MAX_TOKEN_DECIMALS:
        raise SettingsError(
            f"The token at {checksum_address(token)} has {decimals} decimals; "
            f"at most {MAX_TOKEN_DECIMALS} are supported."
        )
    return decimals


def has_code(sender: Sender, address: bytes) -> bool:
    """Whether a contract stands at this address in the sender's latest block."""
    return str(sender.rpc.call("eth_getCode", to_data(address), "latest")) not in {"0x", ""}
