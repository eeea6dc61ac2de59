"""Files that people name are read within bounds, and known to be writable before work is done for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ledger.errors import MalformedInputError, UsageError
from ledger.named_files import check_writable, read_named

pytestmark = pytest.mark.unit


def test_a_file_up_to_the_bound_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"12345")
    assert read_named(file, 5) == b"12345"
    with pytest.raises(MalformedInputError, match=r"a is larger than any file of this kind \(4 bytes\)\.$"):
        read_named(file, 4)


def test_what_has_no_end_is_given_up_at_the_bound() -> None:
    with pytest.raises(MalformedInputError, match="larger than any file"):
        read_named(Path("/dev/zero"), 1000)


@pytest.mark.parametrize(("name", "reason"), [("none", "No such file or directory"), (".", "Is a directory")])
def test_what_can_not_be_read_says_why(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(MalformedInputError, match=f"can't be read: {reason}\\.$"):
        read_named(tmp_path / name)


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    check_writable(tmp_path / "fresh")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").write_text("kept")
    check_writable(tmp_path / "old")
    assert (tmp_path / "old").read_text() == "kept"


def test_a_place_that_can_not_be_written_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="is a folder; name a file"):
        check_writable(tmp_path)
    with pytest.raises(UsageError, match=r"there is no folder .*/none\.$"):
        check_writable(tmp_path / "none" / "file")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(UsageError, match="permission denied"):
        check_writable(tmp_path / "file")
