"""The verifier that needs no trusted setup agrees with c-kzg about everything, and knows the ceremony's point."""

from __future__ import annotations

import random
from importlib.resources import files

import ckzg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.protocol.blob import kzg
from ledger.protocol.blob.layout import BLOB_BYTES, FE_BYTES, FES_PER_BLOB
from ledger.protocol.blob.verification import TAU_G2, _evaluate, blob_is, opening_holds

pytestmark = pytest.mark.unit

RANDOM = random.Random(4844)
BLOB = b"".join(RANDOM.randrange(kzg.MODULUS).to_bytes(FE_BYTES, "big") for _ in range(FES_PER_BLOB))
INFINITY = b"\xc0" + bytes(47)


@pytest.fixture(scope="module")
def proven() -> tuple[bytes, bytes, kzg.Opening]:
    """Commitment, blob proof and an opening of BLOB, by c-kzg."""
    commitment = kzg.kzg_commitment(BLOB)
    return commitment, kzg.blob_proof(BLOB, commitment), kzg.open_at(BLOB, 77)


def test_the_point_is_the_ceremonys() -> None:
    setup = files("eth_account") / "typed_transactions" / "blob_transactions" / "kzg_trusted_setup.txt"
    words = setup.read_text().split()
    assert bytes.fromhex(words[2 + FES_PER_BLOB + 1]) == TAU_G2


def test_what_ckzg_proves_holds(proven: tuple[bytes, bytes, kzg.Opening]) -> None:
    commitment, proof, opening = proven
    assert blob_is(BLOB, commitment, proof)
    assert opening_holds(opening, kzg.versioned_hash(commitment))


def test_an_empty_blob_is_proven_by_points_at_infinity() -> None:
    empty = bytes(BLOB_BYTES)
    commitment = kzg.kzg_commitment(empty)
    assert commitment == INFINITY
    assert blob_is(empty, commitment, kzg.blob_proof(empty, commitment))
    assert opening_holds(kzg.open_at(empty, 5), kzg.versioned_hash(commitment))
    assert not blob_is(BLOB, commitment, INFINITY)


def test_any_other_blob_commitment_or_proof_is_refused(proven: tuple[bytes, bytes, kzg.Opening]) -> None:
    commitment, proof, opening = proven
    for at in (31, BLOB_BYTES - 1):
        assert not blob_is(BLOB[:at] + bytes([BLOB[at] ^ 1]) + BLOB[at + 1 :], commitment, proof)
    assert not blob_is(BLOB, commitment, opening.proof)
    assert not blob_is(BLOB, opening.proof, proof)
    assert not blob_is(BLOB[:-1], commitment, proof)
    unreduced = kzg.MODULUS.to_bytes(FE_BYTES, "big") + BLOB[FE_BYTES:]
    assert not blob_is(unreduced, commitment, proof)


def test_any_other_opening_is_refused(proven: tuple[bytes, bytes, kzg.Opening]) -> None:
    commitment, proof, opening = proven
    name = kzg.versioned_hash(commitment)
    y = int.from_bytes(opening.y, "big")
    for changed in (
        opening._replace(element=78),
        opening._replace(element=78, z=kzg.domain_point(78)),
        opening._replace(y=((y + 1) % kzg.MODULUS).to_bytes(FE_BYTES, "big")),
        opening._replace(proof=proof),
        opening._replace(proof=INFINITY),
        opening._replace(kzg_commitment=proof),
    ):
        assert not opening_holds(changed, name)
    assert not opening_holds(opening, b"\x01" + bytes(31))
    if y + kzg.MODULUS < 2**256:  # the same value, written in a way that no blob may
        assert not opening_holds(opening._replace(y=(y + kzg.MODULUS).to_bytes(FE_BYTES, "big")), name)


POINTS = st.binary(min_size=48, max_size=48) | st.builds(
    lambda tail: b"\xc0" + tail, st.binary(min_size=47, max_size=47)
)


@given(POINTS, POINTS, st.binary(min_size=32, max_size=32))
@example(INFINITY[:-1] + b"\x01", INFINITY, bytes(32))
@example(INFINITY, INFINITY, bytes(32))
def test_points_made_up_by_anybody_are_judged_as_ckzg_judges_them(commitment: bytes, proof: bytes, y: bytes) -> None:
    opening = kzg.Opening(3, kzg.domain_point(3), y, commitment, proof)
    name = kzg.versioned_hash(commitment)
    assert opening_holds(opening, name) == kzg.verify_opening(opening, name)


@pytest.mark.parametrize("wrong", [b"", bytes(48), bytes(47), b"\xff" * 48, b"\xc0" + bytes(46) + b"\x01"])
def test_what_is_no_point_is_refused(proven: tuple[bytes, bytes, kzg.Opening], wrong: bytes) -> None:
    commitment, proof, opening = proven
    assert not blob_is(BLOB, commitment, wrong)
    assert not blob_is(BLOB, wrong, proof)
    assert not opening_holds(opening._replace(proof=wrong), kzg.versioned_hash(commitment))
    assert not opening_holds(opening._replace(kzg_commitment=wrong), kzg.versioned_hash(wrong))


def test_the_polynomial_goes_through_the_elements_and_takes_ckzgs_values_between(
    proven: tuple[bytes, bytes, kzg.Opening],
) -> None:
    elements = [int.from_bytes(BLOB[at : at + FE_BYTES], "big") for at in range(0, BLOB_BYTES, FE_BYTES)]
    assert _evaluate(elements, int.from_bytes(kzg.domain_point(9), "big")) == elements[9]
    z = RANDOM.randrange(kzg.MODULUS)
    _, y = ckzg.compute_kzg_proof(BLOB, z.to_bytes(FE_BYTES, "big"), kzg.trusted_setup())
    assert _evaluate(elements, z) == int.from_bytes(bytes(y), "big")
