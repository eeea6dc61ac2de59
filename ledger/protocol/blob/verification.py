"""Whether a blob or one element of it is the one that a versioned hash names, without the trusted setup's 8,192 points.

A verifier needs one point of the KZG ceremony, [tau]G2, which stands here, so that checking a file takes milliseconds
where loading the setup takes more than a second. It is also a second implementation (arkworks) beside the one that
makes proofs (`ledger.protocol.blob.kzg`, on c-kzg and blst): what one gets wrong, the other refuses. c-kzg checks
a blob six times as fast, so who checks blobs all day uses that.
Source: EIP-4844; consensus-specs deneb/polynomial-commitments.md, `verify_kzg_proof_impl` and `verify_blob_kzg_proof`.
"""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from ledger.protocol.blob.kzg import MODULUS, domain_point, versioned_hash
from ledger.protocol.blob.layout import BLOB_BYTES, FE_BYTES, FES_PER_BLOB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.protocol.blob.kzg import Opening

TAU_G2: Final = bytes.fromhex(
    "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72"
    "185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2"
)
"""The setup's second point in G2, compressed; a test compares it with the ceremony's file."""

_CHALLENGE_DOMAIN: Final = b"FSBLOBVERIFY_V1_" + FES_PER_BLOB.to_bytes(16, "big")


def opening_holds(opening: Opening, blob_hash: bytes) -> bool:
    """Whether the blob with this versioned hash has `opening.y` at `opening.element`; about 3 ms."""
    if versioned_hash(opening.kzg_commitment) != blob_hash or opening.z != domain_point(opening.element):
        return False
    y = int.from_bytes(opening.y, "big")
    if len(opening.y) != FE_BYTES or y >= MODULUS:
        return False
    return _evaluates_to(opening.kzg_commitment, int.from_bytes(opening.z, "big"), y, opening.proof)


def blob_is(blob: bytes, kzg_commitment: bytes, proof: bytes) -> bool:
    """Whether the commitment is the blob's, given its blob proof; about 12 ms."""
    if len(blob) != BLOB_BYTES:
        return False
    elements = [int.from_bytes(blob[at : at + FE_BYTES], "big") for at in range(0, BLOB_BYTES, FE_BYTES)]
    if max(elements) >= MODULUS:
        return False
    challenge = int.from_bytes(hashlib.sha256(_CHALLENGE_DOMAIN + blob + kzg_commitment).digest(), "big") % MODULUS
    return _evaluates_to(kzg_commitment, challenge, _evaluate(elements, challenge), proof)


def _evaluates_to(kzg_commitment: bytes, z: int, y: int, proof: bytes) -> bool:
    """Whether the committed polynomial takes the value y at z: e(C - [y]G1, -G2) * e(proof, [tau - z]G2) = 1."""
    committed, quotient = _point(kzg_commitment), _point(proof)
    if committed is None or quotient is None:
        return False
    difference = committed - G1Point() * Scalar(y)
    divisor = _tau() - G2Point() * Scalar(z)
    return GT.pairing_check([difference, quotient], [-G2Point(), divisor])


def _point(compressed: bytes) -> G1Point | None:
    """A point of the curve's subgroup in its one right encoding; arkworks takes the point at infinity in any."""
    try:
        point = G1Point.from_compressed_bytes(compressed)
    except ValueError:
        return None
    return point if point.to_compressed_bytes() == compressed else None


@cache
def _tau() -> G2Point:
    return G2Point.from_compressed_bytes(TAU_G2)


@cache
def _domain() -> tuple[int, ...]:
    """Where the polynomial takes the blob's elements as values, in the blob's order."""
    return tuple(int.from_bytes(domain_point(index), "big") for index in range(FES_PER_BLOB))


def _evaluate(elements: Sequence[int], z: int) -> int:
    """Value at z of the polynomial through these elements: (z^n - 1) / n * sum of f_i * w_i / (z - w_i)."""
    points = _domain()
    if z in points:
        return elements[points.index(z)]
    inverses = _inverted([z - point for point in points])
    terms = (f * w % MODULUS * inverse for f, w, inverse in zip(elements, points, inverses, strict=True))
    scale = (pow(z, FES_PER_BLOB, MODULUS) - 1) * pow(FES_PER_BLOB, -1, MODULUS)
    return sum(terms) * scale % MODULUS


def _inverted(values: Sequence[int]) -> list[int]:
    """Inverses of non-zero field elements, by one inversion of their product."""
    products = list(accumulate(values, lambda product, value: product * value % MODULUS, initial=1))
    rest, inverses = pow(products[-1], -1, MODULUS), [0] * len(values)
    for i in range(len(values) - 1, -1, -1):
        inverses[i] = rest * products[i] % MODULUS
        rest = rest * values[i] % MODULUS
    return inverses
