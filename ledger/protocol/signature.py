"""secp256k1 signatures over EIP-712 digests, and the addresses that made them.

coincurve (libsecp256k1) directly: about 20 us, a tenth of a generic typed-data encoder.
"""

from typing import Final

from coincurve import PrivateKey, PublicKey

from ledger.errors import BadSignatureError
from ledger.protocol.keccak import keccak256

SIGNATURE_BYTES: Final = 65
_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def private_key(secret: bytes) -> PrivateKey:
    """Key object of a 32-byte secret; build it once, signing reuses it."""
    return PrivateKey(secret)


def address_of(key: PrivateKey | PublicKey) -> bytes:
    """20-byte Ethereum address of a key."""
    public = key.public_key if isinstance(key, PrivateKey) else key
    return keccak256(public.format(compressed=False)[1:])[12:]


def sign(digest: bytes, key: PrivateKey) -> bytes:
    """65 bytes r || s || v with v 27 or 28 and a low s, as OpenZeppelin's ECDSA accepts."""
    signature = key.sign_recoverable(digest, hasher=None)
    return signature[:64] + bytes([signature[64] + 27])


def recover(digest: bytes, signature: bytes) -> bytes:
    """20-byte address of the key that signed the digest.

    Raises:
        BadSignatureError: not 65 bytes, v not 27 or 28, a high s, or no key recovers.
    """
    if len(signature) != SIGNATURE_BYTES or signature[64] not in (27, 28):
        raise BadSignatureError("a signature is 65 bytes r, s, v with v 27 or 28")
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise BadSignatureError("the signature's s is in the upper half of the group order")
    compact = signature[:64] + bytes([signature[64] - 27])
    try:
        return address_of(PublicKey.from_signature_and_message(compact, digest, hasher=None))
    except Exception as error:
        raise BadSignatureError("no key recovers from this signature") from error
