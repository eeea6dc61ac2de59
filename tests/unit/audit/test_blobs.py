"""Blobs from sources that may lie, rot or lack them; real KZG."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from audit.batch.blobs import ArchiveSource, BlobSource, fetch_blobs, first_difference, hash_of
from audit.chain.batches import Batch
from audit.difference import Differences
from ledger.chain.blocks import BlockRef
from ledger.errors import BlobNotAvailableError
from ledger.protocol.blob.encode import encode
from tests.unit.audit.building import committed, entry, fields, receipt

pytestmark = pytest.mark.unit


class Memory(BlobSource):
    """A source that hands out what it was given."""

    def __init__(self, name: str, blob: bytes | None) -> None:
        self.name, self._blob = name, blob

    def blob(self, hash_: bytes, posted_in: Sequence[BlockRef]) -> bytes | None:
        return self._blob


@pytest.fixture(scope="module")
def posted() -> tuple[Batch, bytes]:
    """A batch and its one blob."""
    encoded = encode([entry(receipt(0)), entry(receipt(1))])
    blob = encoded.blobs[0]
    return replace(committed(encoded), versioned_hashes=(hash_of(blob),)), blob


def fetch(batch: Batch, *sources: BlobSource) -> tuple[list[bytes], Differences]:
    differences = Differences()
    return fetch_blobs(batch, sources, [], differences), differences


def changed(blob: bytes, at: int) -> bytes:
    return blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]


def test_a_true_blob_is_taken_without_a_difference(posted):
    batch, blob = posted
    found, differences = fetch(batch, Memory("a", blob), Memory("b", None))
    assert found == [blob]
    assert differences.kept == []


def test_a_changed_byte_is_a_difference_of_the_hash(posted):
    batch, blob = posted
    spoilt = changed(blob, 32 * 5 + 20)
    found, differences = fetch(batch, Memory("the beacon node", spoilt))
    assert found == [spoilt]
    assert fields(differences) == ["versioned hash of blob 0 at the beacon node"]
    assert differences.first.expected == "0x" + batch.versioned_hashes[0].hex()


def test_a_rotten_copy_beside_a_true_one_is_named_with_its_element(posted):
    batch, blob = posted
    for sources in (
        [Memory("a", changed(blob, 165)), Memory("b", blob)],
        [Memory("b", blob), Memory("a", changed(blob, 165))],
    ):
        found, differences = fetch(batch, *sources)
        assert found == [blob]
        assert fields(differences) == ["blob 0 at a, element 5"]


def test_what_can_not_be_a_blob_is_a_difference(posted):
    batch, blob = posted
    for wrong in (b"", blob[:-1], b"\xff" * 131_072):
        assert fetch(batch, Memory("a", wrong))[1].count == 1
        assert hash_of(wrong) == b""


def test_a_blob_that_nobody_has_ends_the_audit_with_its_name(posted):
    batch, _ = posted
    with pytest.raises(BlobNotAvailableError, match="blob 0 of batch 1"):
        fetch(batch, Memory("a", None))


def test_the_archive_is_a_folder_of_raw_blobs_by_hash(posted, tmp_path):
    batch, blob = posted
    name = batch.versioned_hashes[0].hex()
    (tmp_path / name[2:4]).mkdir()
    (tmp_path / name[2:4] / f"{name}.blob").write_bytes(blob)
    found, differences = fetch(batch, ArchiveSource(tmp_path))
    assert found == [blob]
    assert differences.kept == []


def test_the_first_difference_of_a_prefix_is_its_length():
    assert first_difference(b"abc", b"abd") == 2
    assert first_difference(b"abc", b"ab") == 2
