"""The edge between bytes inside and `0x` hex outside (JSON, logs, URLs)."""

from functools import lru_cache

from ledger.errors import MalformedInputError
from ledger.protocol.keccak import keccak256

ZERO_ADDRESS = bytes(20)
ZERO_HASH = bytes(32)


def to_hex(value: bytes) -> str:
    """Lower-case hex with `0x` in front."""
    return "0x" + value.hex()


def from_hex(text: object, length: int) -> bytes:
    """Exactly `length` bytes.

    Raises:
        MalformedInputError: not a string, no `0x`, not hex, or another length.
    """
    if not isinstance(text, str) or len(text) != 2 + 2 * length or text[:2].lower() != "0x":
        raise MalformedInputError(f"expected 0x and {2 * length} hex digits, got {text!r:.80}")
    try:
        value = bytes.fromhex(text[2:])
    except ValueError as error:
        raise MalformedInputError(f"not hexadecimal: {text!r:.80}") from error
    if len(value) != length:  # bytes.fromhex skips white space
        raise MalformedInputError(f"expected {length} bytes, got {len(value)}")
    return value


@lru_cache(maxsize=1 << 14)  # an answer or a file names the same addresses again and again, at 20 us each
def checksum_address(address: bytes) -> str:
    """EIP-55 mixed-case form of a 20-byte address."""
    plain = address.hex()
    digest = keccak256(plain.encode()).hex()
    return "0x" + "".join(c.upper() if int(d, 16) >= 8 else c for c, d in zip(plain, digest, strict=False))
