"""Batches whose blobs are behind an Alt-DA server: read from there, believed by their hashes alone, and waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from indexer.command_archive import app
from ledger.archive import BlobArchive
from ledger.chain.altda import MAX_COMMITMENT_BYTES, AltDaClient
from ledger.protocol.blob import kzg
from ledger.protocol.blob.encode import EncodedBatch
from ledger.protocol.blob.payload import payload_of
from tests.factories.altda_server import AltDaServer
from tests.factories.indexed_world import IndexedWorld, indexed_world
from tributary.devnet import Devnet
from tributary.postgres import PostgresServer

pytestmark = pytest.mark.chain

LIES: dict[str, dict[str, Any]] = {
    "other bytes": {"GetReturnsWrongBytes": True},
    "lost": {"GetReturnsNothing": True},
    "expired": {"BlobExpiration": "0s"},
}


@pytest.fixture(scope="module")
def world(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory, module_database_url: str) -> Iterator[IndexedWorld]:
    with indexed_world(devnet, tmp_path_factory.mktemp("altda"), module_database_url) as world:
        world.prepare()
        world.index()
        yield world


def put(server: AltDaServer, batch: EncodedBatch) -> bytes:
    """The commitment under which the server keeps the batch."""
    with closing(AltDaClient(server.url)) as client:
        commitment = client.put(payload_of(batch.blobs))
    assert commitment is not None
    return commitment


def commit(world: IndexedWorld, units: list[int], server: AltDaServer | None, commitment: bytes | None = None) -> int:
    """The id of a batch committed unattested, its blobs behind the server (or nowhere) and named so."""
    flow = world.flow
    batch = flow.batch(world.asset_id, world.fees(units))
    named = put(server, batch) if server is not None else b""
    hashes = tuple(kzg.versioned_hash(kzg.kzg_commitment(blob)) for blob in batch.blobs)
    name = named if commitment is None else commitment
    flow.send(flow.ledger.commit_unattested(batch.header, hashes, batch.charges, name))
    batch_id = flow.ledger.batch_count("latest")
    world.committed[batch_id] = batch
    return batch_id


def verdict(world: IndexedWorld, batch_id: int) -> str:
    return str(world.rows("SELECT verdict FROM batches WHERE batch_id = %s", batch_id)[0][0])


def test_an_index_follows_whichever_way_a_batch_went(
    world: IndexedWorld, server: AltDaServer, postgres_server: PostgresServer, migrated_template: str, tmp_path: Path
) -> None:
    behind = commit(world, [5, 6, 7], server)
    on_l1, _ = world.commit([8, 9])
    world.index(altda_url=(server.url,))
    assert (verdict(world, behind), verdict(world, on_l1)) == ("valid", "valid")
    query = "SELECT count(*), sum(output_units) FROM receipts WHERE batch_id = %s"
    assert world.rows(query, behind) == [(3, 18)]
    assert world.rows("SELECT batch_id FROM data_commitments") == [(behind,)]
    url = postgres_server.create_database("rebuilt_behind_altda", migrated_template)
    try:
        again = world.rebuilt_digests(url, altda_url=(server.url,), archive_dir=tmp_path)
        assert again == world.digests()
        assert again == world.rebuilt_digests(url), "the archive is enough, without any server"
    finally:
        postgres_server.drop_database("rebuilt_behind_altda")
    fetched = tmp_path / "fetched"
    environment = {"DATABASE_URL": world.url, "ARCHIVE_DIR": str(fetched), "ALTDA_URL": server.url}
    answer = CliRunner().invoke(app, ["fetch"], env={**environment, "BEACON_URL": world.settings.beacon_url[0]})
    assert answer.exit_code == 0, answer.output
    assert list(BlobArchive(fetched).hashes()) == list(BlobArchive(world.settings.archive_dir).hashes())


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_or_loses_writes_no_row_and_an_honest_one_mends_it(
    world: IndexedWorld, server: AltDaServer, lie: str, tmp_path: Path
) -> None:
    batch_id = commit(world, [1, 2], server)
    server.configure(**LIES[lie])
    world.index(altda_url=(server.url,), archive_dir=tmp_path)
    assert verdict(world, batch_id) == "pending"
    assert not list(BlobArchive(tmp_path).hashes())
    ((reason,),) = world.rows("SELECT last_error FROM blob_fetches")
    assert "no Alt-DA server has it" in reason
    world.ask_again()
    server.configure()
    world.index(altda_url=(server.url,), archive_dir=tmp_path)
    assert verdict(world, batch_id) == "valid"


def test_without_a_server_it_says_which_setting_is_missing_and_a_post_on_demand_is_enough(
    world: IndexedWorld, server: AltDaServer
) -> None:
    batch_id = commit(world, [3], server)
    world.index()
    assert verdict(world, batch_id) == "pending"
    ((reason,),) = world.rows("SELECT last_error FROM blob_fetches")
    assert "set ALTDA_URL" in reason
    world.flow.post(world.committed[batch_id])
    world.ask_again()
    world.index()
    assert verdict(world, batch_id) == "valid"


@pytest.mark.parametrize(
    "name",
    [b"", b"\x01", b"\x07not of this kind", bytes(MAX_COMMITMENT_BYTES + 1), b"\x00" + bytes(32)],
    ids=["empty", "short", "unknown kind", "too long", "of nothing"],
)
def test_a_commitment_that_names_nothing_is_waited_for_and_stops_nobody(
    world: IndexedWorld, server: AltDaServer, name: bytes
) -> None:
    nowhere = commit(world, [4], None, name)
    honest = commit(world, [5], server)
    world.index(altda_url=(server.url,))
    assert verdict(world, nowhere) == "pending"
    assert verdict(world, honest) == "valid"
    world.flow.post(world.committed[nowhere])
    world.ask_again()
    world.index()
    assert verdict(world, nowhere) == "valid"


def test_the_commitment_of_another_batch_does_not_pass_for_this_one(world: IndexedWorld, server: AltDaServer) -> None:
    other = put(server, world.flow.batch(world.asset_id, world.fees([70, 80, 90])))
    batch_id = commit(world, [6], None, other)
    world.index(altda_url=(server.url,))
    assert verdict(world, batch_id) == "pending"
    world.flow.post(world.committed[batch_id])
    world.ask_again()
    world.index()
    assert verdict(world, batch_id) == "valid"
