"""What a registration must remember between its two transactions: above all the salt. One file a content, mode 0600."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from ledger.config import state_folder
from ledger.durable import flush
from ledger.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

SALT_BYTES: Final = 32
_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Kept:
    """A registration on its way. The salt is what the commitment hides behind: without it there is no reveal."""

    salt: str
    list_id: int | None = None

    @property
    def salt_bytes(self) -> bytes:
        """The salt's 32 bytes."""
        return bytes.fromhex(self.salt)


class Keeper:
    """The file of one registration: of this content, by this account, in this registry."""

    def __init__(self, chain_id: int, registry: bytes, account: bytes, kind: str, content_hash: bytes) -> None:
        """Say where the file is; nothing is read or written."""
        name = f"{chain_id}-{registry.hex()}-{account.hex()}-{kind}-{content_hash.hex()}.json"
        self.path: Path = state_folder() / "registrations" / name

    def read(self) -> Kept | None:
        """What an earlier run kept; None if there is none.

        Raises:
            UsageError: the file is damaged.
        """
        try:
            kept = Kept(**json.loads(self.path.read_text()))
            if len(kept.salt_bytes) != SALT_BYTES or not (kept.list_id is None or isinstance(kept.list_id, int)):
                raise ValueError
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"{self.path} is damaged, so the reveal that it was kept for can't be made; move it away to start anew."
            ) from error
        return kept

    def begin(self) -> Kept:
        """What an earlier run kept, or a fresh salt, which is on disk before this returns."""
        return self.read() or self._write(Kept(secrets.token_hex(SALT_BYTES)))

    def note_list(self, kept: Kept, list_id: int) -> Kept:
        """Remember the contributor list that was opened."""
        return self._write(replace(kept, list_id=list_id))

    def forget(self) -> None:
        """The asset is registered: nothing is left to remember."""
        self.path.unlink(missing_ok=True)

    def _write(self, kept: Kept) -> Kept:
        """In a new file that takes the old one's place, flushed to the disk with its name."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(f".{os.getpid()}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(asdict(kept)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        flush(self.path.parent)
        return kept
