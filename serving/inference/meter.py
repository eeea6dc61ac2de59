"""What an answer has produced so far: a running hash of its bytes, and its units."""

from __future__ import annotations

import time

import sha3


class Meter:
    """Counts exactly what was produced; a count and the hash over the same bytes always go together."""

    def __init__(self, salt: bytes, *, keep: bool) -> None:
        """Starts an answer of no bytes.

        Args:
            salt: the receipt's, which goes into the hash first.
            keep: also keep the bytes, for a client that may ask again.
        """
        self._hash = sha3.keccak_256(salt)
        self._kept: list[bytes] | None = [] if keep else None
        self._began = time.monotonic()
        self.output_units = 0
        self.input_units: int | None = None

    def keep(self) -> None:
        """Keep the bytes, too; before anything is produced."""
        if self._kept is None:
            self._kept = []

    def add(self, produced: bytes, output_units: int | None = None) -> None:
        """Takes in the next bytes, and the units that all bytes together amount to."""
        self._hash.update(produced)
        if self._kept is not None:
            self._kept.append(produced)
        if output_units is not None:
            self.output_units = output_units

    @property
    def response_hash(self) -> bytes:
        """32 bytes: the hash over what was taken in."""
        return bytes(self._hash.digest())

    @property
    def elapsed_ms(self) -> int:
        """Milliseconds since the request was admitted; at most what a uint32 holds."""
        return min(int((time.monotonic() - self._began) * 1000), 2**32 - 1)

    @property
    def kept(self) -> bytes | None:
        """The bytes, if they are kept."""
        return None if self._kept is None else b"".join(self._kept)
