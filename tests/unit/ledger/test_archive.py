import os

import pytest

from ledger.archive import BlobArchive
from ledger.errors import ArchiveUnavailableError, KzgError, SettingsError
from ledger.protocol.blob.kzg import kzg_commitment, versioned_hash
from ledger.protocol.blob.layout import BLOB_BYTES

pytestmark = pytest.mark.unit

BLOB = bytes(31) + b"\x07" + bytes(BLOB_BYTES - 32)


@pytest.fixture(scope="module")
def blob_hash():
    return versioned_hash(kzg_commitment(BLOB))


def test_a_blob_comes_back_as_it_was_put(tmp_path, blob_hash):
    archive = BlobArchive(tmp_path)
    assert archive.get(blob_hash) is None
    archive.put(blob_hash, BLOB)
    assert archive.get(blob_hash) == BLOB
    assert blob_hash in archive
    assert list(archive.hashes()) == [blob_hash]
    assert [name for _, _, names in os.walk(tmp_path) for name in names] == [f"{blob_hash.hex()}.blob"]


def test_other_bytes_are_refused_on_writing(tmp_path, blob_hash):
    with pytest.raises(KzgError):
        BlobArchive(tmp_path).put(blob_hash, bytes(BLOB_BYTES))
    with pytest.raises(KzgError):
        BlobArchive(tmp_path).put(blob_hash, BLOB[:-1])


@pytest.mark.parametrize(
    "change", [lambda b: b[:-1] + b"\x01", lambda b: b[:1000], lambda b: b"", lambda b: b"\xff" * BLOB_BYTES]
)
def test_changed_bytes_are_not_given_out(tmp_path, blob_hash, change):
    archive = BlobArchive(tmp_path)
    archive.put(blob_hash, BLOB)
    file = tmp_path / blob_hash.hex()[2:4] / f"{blob_hash.hex()}.blob"
    file.write_bytes(change(BLOB))
    assert archive.get(blob_hash) is None
    archive.put(blob_hash, BLOB)
    assert archive.get(blob_hash) == BLOB


def test_a_store_by_address_holds_blobs_too(blob_hash):
    archive = BlobArchive("memory://archive-test")
    archive.put(blob_hash, BLOB)
    assert BlobArchive("memory://archive-test").get(blob_hash) == BLOB


def test_a_store_that_does_not_answer_is_told_from_a_missing_blob(tmp_path, blob_hash):
    archive = BlobArchive(tmp_path / "file")
    (tmp_path / "file").write_text("in the way since")
    with pytest.raises(ArchiveUnavailableError):
        archive.put(blob_hash, BLOB)


def test_a_file_in_the_folders_place_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"file can not be used: it is not a folder\.$"):
        BlobArchive(tmp_path / "file")
