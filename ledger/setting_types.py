"""Kinds of settings that a string can be wrong for: secret keys and addresses."""

from __future__ import annotations

from typing import Annotated

from coincurve import PrivateKey
from pydantic import AfterValidator, BeforeValidator, SecretStr

from ledger.errors import MalformedInputError
from ledger.protocol.hexadecimal import from_hex


def _is_key(value: SecretStr) -> SecretStr:
    try:
        key_in(value)
    except (MalformedInputError, ValueError):
        raise ValueError("it must be a secp256k1 key, 0x and 64 hex digits") from None  # never echo a secret
    return value


def parse_address(value: object) -> bytes:
    """An address, given as its 20 bytes or as 0x and 40 hex digits.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, bytes):
        return value
    try:
        return from_hex(value, 20)
    except MalformedInputError as error:
        raise ValueError("it must be an address, 0x and 40 hex digits") from error


KeySetting = Annotated[SecretStr, AfterValidator(_is_key)]
"""A secret key that signs; shown as asterisks wherever settings are printed."""

AddressSetting = Annotated[bytes, BeforeValidator(parse_address)]


def key_in(setting: SecretStr) -> PrivateKey:
    """The key of a `KeySetting`."""
    return PrivateKey(from_hex(setting.get_secret_value(), 32))
