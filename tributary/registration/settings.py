"""What `tributary register` reads from the environment, and the key that it signs with."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

from coincurve import PrivateKey
from pydantic import Field, SecretStr

from ledger.config import L2Settings
from ledger.errors import MalformedInputError, SettingsError
from ledger.named_files import read_named
from ledger.protocol.hexadecimal import from_hex

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES: Final = 2**16
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class RegisterSettings(L2Settings):
    """Which key registers; the node and the deployment come with `L2Settings`."""

    register_key: SecretStr | None = Field(
        default=None, description="Key of the asset's owner, 0x and 64 hex digits; or give --key-file"
    )
    register_key_password: SecretStr | None = Field(
        default=None, description="Password of an encrypted --key-file (Web3 Secret Storage)"
    )

    def key(self, file: Path | None) -> PrivateKey | None:
        """The owner's key from `file`, else from REGISTER_KEY; None where neither is given.

        Raises:
            SettingsError: it is no key, is encrypted under another password, or the file is open to others.
        """
        if file is not None:
            return _key_of(self._content(file), str(file))
        given = self.register_key
        return None if given is None else _key_of(given.get_secret_value(), "REGISTER_KEY")

    def _content(self, file: Path) -> str:
        """The key in a file as hex."""
        try:
            mode, content = file.stat().st_mode, read_named(file, _MOST_BYTES).decode("ascii").strip()
        except (OSError, MalformedInputError, UnicodeDecodeError) as error:
            raise SettingsError(f"The key file {file} can't be read.") from error
        if mode & _OTHERS:
            raise SettingsError(f"The key file {file} is open to other users; close it with `chmod 600 {file}`.")
        return self._decrypted(content, file) if content.startswith("{") else content

    def _decrypted(self, content: str, file: Path) -> str:
        from eth_account import Account  # noqa: PLC0415  # a second, which only encrypted keys need

        if self.register_key_password is None:
            raise SettingsError(f"The key file {file} is encrypted; set REGISTER_KEY_PASSWORD.")
        try:
            key = Account.decrypt(content, self.register_key_password.get_secret_value())
        except (ValueError, TypeError, KeyError):
            raise SettingsError(f"REGISTER_KEY_PASSWORD does not open the key file {file}.") from None
        return bytes(key).hex()


def _key_of(text: str, place: str) -> PrivateKey:
    try:
        return PrivateKey(from_hex(f"0x{text.strip().removeprefix('0x')}", 32))
    except (MalformedInputError, ValueError):
        raise SettingsError(f"{place} holds no secp256k1 key, 0x and 64 hex digits.") from None  # never echo a secret
