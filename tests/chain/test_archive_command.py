"""`tributary archive`: what the chains name, held against an archive, and got back from wherever it still is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from typer.testing import CliRunner

from indexer.command_archive import app
from ledger.archive import BlobArchive
from ledger.errors import UsageError
from tests.factories.http_server import running
from tests.factories.indexed_world import IndexedWorld, indexed_world
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def world(devnet: Devnet, tmp_path_factory, module_database_url) -> Iterator[IndexedWorld]:
    with indexed_world(devnet, tmp_path_factory.mktemp("archive"), module_database_url) as world:
        world.prepare()
        for units in range(3):
            world.commit([units + 1])
        world.index()
        yield world


@pytest.fixture
def copy(world, tmp_path):
    """An archive with all blobs, to be spoilt."""
    folder = tmp_path / "copy"
    shutil.copytree(world.settings.archive_dir, folder)
    return folder


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def run(world: IndexedWorld, archive: Path | str, *words: str, beacon: str = ""):
    environment = {"DATABASE_URL": world.url, "ARCHIVE_DIR": str(archive), "BEACON_URL": beacon}
    return CliRunner().invoke(app, list(words), env=environment)


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.blob"))


def spoil(folder: Path) -> tuple[Path, Path]:
    """One blob's file is taken away, another's is changed."""
    gone, changed, *_ = files(folder)
    gone.unlink()
    changed.write_bytes(b"\x00" * 131_072)
    return gone, changed


def test_a_whole_archive_is_found_right(world):
    answer = run(world, world.settings.archive_dir, "check")
    assert answer.exit_code == 0
    assert "3; 3 are there and right, 0 missing, 0 damaged" in answer.output


def test_what_is_missing_or_damaged_is_named(world, copy):
    gone, changed = spoil(copy)
    answer = run(world, copy, "check")
    assert answer.exit_code == 1
    assert f"missing: 0x{gone.stem} (L1 block " in answer.output
    assert f"damaged: 0x{changed.stem} (L1 block " in answer.output
    assert "1 are there and right, 1 missing, 1 damaged" in answer.output


def test_the_beacon_node_gives_back_what_it_still_has(world, copy):
    spoil(copy)
    answer = run(world, copy, "fetch", beacon=world.settings.beacon_url[0])
    assert (answer.exit_code, answer.output) == (0, "Fetched 2 blobs; 0 could not be had.\n")
    assert run(world, copy, "check").exit_code == 0


def test_another_archive_gives_them_back_through_any_web_server(world, copy):
    spoil(copy)
    with running(partial(QuietHandler, directory=str(world.settings.archive_dir))) as url:
        answer = run(world, copy, "fetch", "--from", url)
    assert (answer.exit_code, answer.output) == (0, "Fetched 2 blobs; 0 could not be had.\n")
    assert run(world, copy, "check").exit_code == 0


def test_an_archive_of_lies_is_not_believed_and_the_next_source_is_asked(world, copy, tmp_path):
    gone, _ = spoil(copy)
    liar = tmp_path / "liar"
    shutil.copytree(world.settings.archive_dir, liar)
    for file in files(liar):
        file.write_bytes(b"\x01" + bytes(131_071))
    answer = run(world, copy, "fetch", "--from", str(liar))
    assert answer.exit_code == 1
    assert f"not had: 0x{gone.stem}" in answer.output
    assert not gone.exists()
    answer = run(world, copy, "fetch", "--from", str(liar), "--from", str(world.settings.archive_dir))
    assert answer.exit_code == 0


def test_a_store_by_address_is_filled_like_a_folder(world):
    store = "memory://tributary-fetch-test"
    assert run(world, store, "check").exit_code == 1
    answer = run(world, store, "fetch", "--from", str(world.settings.archive_dir))
    assert (answer.exit_code, answer.output) == (0, "Fetched 3 blobs; 0 could not be had.\n")
    assert sorted(BlobArchive(store).hashes()) == sorted(BlobArchive(world.settings.archive_dir).hashes())
    assert run(world, store, "check").exit_code == 0


def test_with_nowhere_to_ask_it_says_so(world, tmp_path):
    answer = run(world, tmp_path, "fetch")
    assert isinstance(answer.exception, UsageError)
