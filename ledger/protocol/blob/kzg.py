"""KZG commitments, proofs and openings of blobs, with the trusted setup loaded once a process.

Loading takes about 1.4 s (2.4 s with precompute 8), so it happens on first use and stays.
Source: EIP-4844; the setup file is the KZG ceremony's, as eth-account ships it.
"""

import hashlib
import threading
from collections.abc import Sequence
from importlib.resources import as_file, files
from typing import Any, Final, NamedTuple

import ckzg

from ledger.errors import KzgError
from ledger.protocol.blob.layout import BLOB_BYTES, FE_BYTES, FES_PER_BLOB

VERSION_BYTE: Final = b"\x01"
MODULUS: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_PRIMITIVE_ROOT: Final = 7
_ROOT_OF_UNITY: Final = pow(_PRIMITIVE_ROOT, (MODULUS - 1) // FES_PER_BLOB, MODULUS)
_INDEX_BITS: Final = FES_PER_BLOB.bit_length() - 1
_loading: Final = threading.Lock()
_loaded: Final[list[Any]] = []


class Opening(NamedTuple):
    """Proof that element `element` of a blob has value `y` (32 bytes, big-endian)."""

    element: int
    z: bytes
    y: bytes
    kzg_commitment: bytes
    proof: bytes


def trusted_setup(precompute: int = 0) -> Any:
    """The KZG ceremony's setup; the first call in a process loads it, and other threads wait for that one.

    Args:
        precompute: window of the tables that cell proofs are computed with; the first call's holds. 8 makes cell proofs
            a quarter cheaper, and takes half a second and 120 MiB more: for processes that compute many.
    """
    with _loading:
        if not _loaded:
            _loaded.append(_load_trusted_setup(precompute))
        return _loaded[0]


def _load_trusted_setup(precompute: int) -> Any:
    folder = files("eth_account") / "typed_transactions" / "blob_transactions"
    with as_file(folder / "kzg_trusted_setup.txt") as path:
        return ckzg.load_trusted_setup(str(path), precompute)


def kzg_commitment(blob: bytes) -> bytes:
    """48-byte commitment to a blob of 131,072 bytes; about 40 ms.

    Raises:
        KzgError: the length is wrong or an element is not below the field's modulus.
    """
    _check_blob(blob)
    try:
        return bytes(ckzg.blob_to_kzg_commitment(blob, trusted_setup()))
    except (RuntimeError, ValueError) as error:
        raise KzgError("the blob holds an element that is not below the modulus") from error


def versioned_hash(commitment: bytes) -> bytes:
    """0x01 and the last 31 bytes of sha256(kzg_commitment): the blob's name on L1."""
    return VERSION_BYTE + hashlib.sha256(commitment).digest()[1:]


def blob_proof(blob: bytes, commitment: bytes) -> bytes:
    """48-byte proof that the commitment is the blob's (EIP-4844 sidecars)."""
    _check_blob(blob)
    return bytes(ckzg.compute_blob_kzg_proof(blob, commitment, trusted_setup()))


def cell_proofs(blob: bytes) -> list[bytes]:
    """128 proofs of 48 bytes, one a cell (EIP-7594 sidecars); 170 to 290 ms."""
    _check_blob(blob)
    _, proofs = ckzg.compute_cells_and_kzg_proofs(blob, trusted_setup())
    return [bytes(proof) for proof in proofs]


def verify_blobs(blobs: Sequence[bytes], commitments: Sequence[bytes], proofs: Sequence[bytes]) -> bool:
    """Whether every blob has its commitment, given its blob proof; far cheaper than committing."""
    for blob in blobs:
        _check_blob(blob)
    try:
        return bool(
            ckzg.verify_blob_kzg_proof_batch(b"".join(blobs), b"".join(commitments), b"".join(proofs), trusted_setup())
        )
    except (RuntimeError, ValueError):
        return False


def domain_point(index: int) -> bytes:
    """The point z at which a blob's polynomial takes the value of element `index`.

    z = w^reversed(index) with w the field's 4096th root of unity: 32 bytes, big-endian.
    """
    if not 0 <= index < FES_PER_BLOB:
        raise KzgError(f"a blob has no element {index}")
    reversed_index = int(f"{index:0{_INDEX_BITS}b}"[::-1], 2)
    return pow(_ROOT_OF_UNITY, reversed_index, MODULUS).to_bytes(FE_BYTES, "big")


def open_at(blob: bytes, index: int) -> Opening:
    """Opening of element `index`; about 37 ms beside the commitment.

    Raises:
        KzgError: the index is not in the blob, or the blob is malformed.
    """
    z = domain_point(index)
    commitment = kzg_commitment(blob)
    proof, y = ckzg.compute_kzg_proof(blob, z, trusted_setup())
    return Opening(index, z, bytes(y), commitment, bytes(proof))


def verify_opening(opening: Opening, blob_hash: bytes) -> bool:
    """Whether the opening holds for the blob with this versioned hash, at its own index."""
    if versioned_hash(opening.kzg_commitment) != blob_hash:
        return False
    if opening.z != domain_point(opening.element):
        return False
    try:
        return bool(ckzg.verify_kzg_proof(opening.kzg_commitment, opening.z, opening.y, opening.proof, trusted_setup()))
    except (RuntimeError, ValueError):
        return False


def _check_blob(blob: bytes) -> None:
    if len(blob) != BLOB_BYTES:
        raise KzgError(f"a blob has {BLOB_BYTES} bytes, not {len(blob)}")
