"""Lying beacon nodes, missing blobs and dishonest batches: a retry or a finding, never a wrong row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from indexer.verification import findings as found
from ledger.archive import BlobArchive
from ledger.protocol.attribution import SetEntry
from ledger.protocol.batch import BatchHeader
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.blob.faults import Rule
from ledger.protocol.blob.layout import BLOB_BYTES, a_position, b_position, p_position
from ledger.protocol.judging import terms
from tests.chain.scripted_server import Answer, serve
from tests.factories.indexed_world import IndexedWorld, indexed_world
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def world(devnet: Devnet, tmp_path_factory, module_database_url) -> Iterator[IndexedWorld]:
    with indexed_world(devnet, tmp_path_factory.mktemp("lies"), module_database_url) as world:
        world.prepare()
        world.index()
        yield world


@pytest.fixture
def rebuilt(world, postgres_server, migrated_template):
    def digests(**changes) -> dict[str, str]:
        url = postgres_server.create_database("rebuilt_after_lies", migrated_template)
        try:
            return world.rebuilt_digests(url, **changes)
        finally:
            postgres_server.drop_database("rebuilt_after_lies")

    return digests


def verdict(world, batch_id):
    return world.rows("SELECT verdict FROM batches WHERE batch_id = %s", batch_id)[0][0]


def rules(world, batch_id):
    return world.rows("SELECT rule, voids FROM findings WHERE batch_id = %s ORDER BY ordinal", batch_id)


def receipts(world, batch_id):
    return world.rows("SELECT count(*) FROM receipts WHERE batch_id = %s", batch_id)[0][0]


def beacon_that(devnet, change):
    """A beacon endpoint that passes the devnet's blobs on as `change` makes them."""

    def script(path, _body):
        answer = httpx.get(devnet.beacon_url + path, headers={"accept": "application/octet-stream"}, trust_env=False)
        headers = {"content-type": answer.headers.get("content-type", "")}
        return Answer(answer.status_code, change(answer.content) if "blobs" in path else answer.content, headers)

    return serve(script)


LIES = {
    "a changed byte": lambda blob: blob[:5000] + bytes([blob[5000] ^ 1]) + blob[5001:],
    "a cut blob": lambda blob: blob[:1000],
    "another blob": lambda blob: bytes(len(blob)),
    "no field elements": lambda blob: b"\xff" * len(blob),
    "nothing": lambda _blob: b"",
    "too much": lambda blob: blob + b"\0" * 7,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_beacon_node_writes_no_row_and_an_honest_one_mends_it(world, rebuilt, lie, tmp_path):
    batch_id, _ = world.commit([10, 20, 30])
    archive = {"archive_dir": tmp_path}
    with beacon_that(world.flow.devnet, LIES[lie]) as liar:
        world.index(beacon_url=(liar.url,), **archive)
        assert verdict(world, batch_id) == "pending"
        assert receipts(world, batch_id) == 0
        assert not list(BlobArchive(tmp_path).hashes())
        ((attempts, reason),) = world.rows("SELECT attempts, last_error FROM blob_fetches")
        assert attempts >= 1
        assert "no beacon endpoint has it" in reason
        world.ask_again()
        world.index(beacon_url=(liar.url, world.flow.devnet.beacon_url), **archive)
    assert verdict(world, batch_id) == "valid"
    assert receipts(world, batch_id) == 3
    assert world.rows("SELECT count(*) FROM blob_fetches") == [(0,)]
    assert rebuilt() == world.digests()


def test_a_damaged_archive_is_not_believed_and_mended(world, rebuilt):
    batch_id, _ = world.commit([1])
    world.index()
    (hashes,) = world.rows("SELECT versioned_hashes FROM batches WHERE batch_id = %s", batch_id)[0]
    archive = BlobArchive(world.settings.archive_dir)
    honest = archive.read(hashes[0])
    archive.put_checked(hashes[0], honest[:-1] + b"\x01")
    assert rebuilt() == world.digests()
    assert archive.read(hashes[0]) == honest


def test_a_rebuild_needs_no_beacon_node_when_the_archive_has_the_blobs(world, rebuilt):
    world.index()
    with serve(lambda _path, _body: Answer(500)) as gone:
        assert rebuilt(beacon_url=(gone.url,)) == world.digests()


def edited(batch: EncodedBatch, position: int, at: int, value: bytes) -> EncodedBatch:
    """The batch with other bytes in one field element, `at` counted within its 31 used bytes."""
    raw = bytearray(b"".join(batch.blobs))
    start = 32 * position + 1 + at
    raw[start : start + len(value)] = value
    return replace(batch, blobs=tuple(bytes(raw[i : i + BLOB_BYTES]) for i in range(0, len(raw), BLOB_BYTES)))


def second_payer(batch):
    return next(i for i, e in enumerate(batch.entries) if e.receipt.payer == batch.charges[1].payer)


def seq(batch: EncodedBatch, i: int) -> bytes:
    """The bytes of receipt i's seqOffset."""
    return batch.blobs[0][32 * b_position(i) + 1 :][:4]


FRAUDS = {
    "another lane in the header": (Rule.HEADER, lambda b: edited(b, 0, 1, b"\x00\x09")),
    "another format": (found.UNREADABLE, lambda b: edited(b, 0, 0, b"\x02")),
    "a count that fits no blob": (found.UNREADABLE, lambda b: edited(b, 1, 0, b"\xff\xff\xff")),
    "an element of 2^248": (Rule.ELEMENT_RANGE, lambda b: edited(b, a_position(0), -1, b"\x01")),
    "a seq outside the run": (Rule.SEQ_RANGE, lambda b: edited(b, b_position(0), 0, b"\0\0\xff\xff")),
    "one seq twice": (
        Rule.SEQ_DUPLICATE,
        lambda b: edited(b, b_position(1), 0, seq(b, 0)),
    ),
    "a payer who is not there": (Rule.PAYER_RANGE, lambda b: edited(b, b_position(5), 4, b"\0\0\x77")),
    "a receipt under another payer": (Rule.PAYER_ORDER, lambda b: edited(b, b_position(second_payer(b)), 4, b"\0\0\2")),
    "seq not rising within a payer": (
        Rule.SEQ_ORDER,
        lambda b: edited(edited(b, b_position(0), 0, seq(b, 1)), b_position(1), 0, seq(b, 0)),
    ),
    "a running sum that is not the charges": (
        Rule.PAYER_TOTAL,
        lambda b: edited(b, b_position(1), 22, bytes([b.blobs[0][32 * b_position(1) + 23] + 1])),
    ),
    "a running sum that falls": (Rule.FEE_ORDER, lambda b: edited(b, b_position(2), 15, bytes(8))),
    "a last sum that is not the total": (
        Rule.FEE_TOTAL,
        lambda b: edited(b, b_position(5), 15, b"\0\0\0\1" + bytes(4)),
    ),
    "a payer's total": (Rule.PAYER_CHARGE, lambda b: edited(b, p_position(6, 0), 20, bytes(8))),
    "a payer's last receipt": (Rule.PAYER_LAST, lambda b: edited(b, p_position(6, 1), 28, b"\0\0\0")),
    "a set that is not there": (Rule.SET_POINTER, lambda b: edited(b, b_position(3), 11, b"\0\0\0\x63")),
    "an asset that nobody registered": (terms.ASSET_UNKNOWN, lambda b: edited(b, b_position(4), 7, b"\0\0\x30\x39")),
}


@pytest.fixture(scope="module")
def committed_frauds(world) -> dict[str, int]:
    """Batch ids of all frauds, committed one after the other and indexed together."""
    batch_ids = {}
    for fraud, (_, tamper) in FRAUDS.items():
        batch = world.flow.batch(world.asset_id, world.fees([11, 12, 13, 14, 15, 16]))
        batch_ids[fraud], _ = world.commit_batch(batch, tamper(batch))
    world.index()
    return batch_ids


@pytest.mark.parametrize("fraud", FRAUDS)
def test_a_dishonest_batch_is_a_finding_and_none_of_it_counts(world, committed_frauds, fraud):
    rule, batch_id = str(FRAUDS[fraud][0]), committed_frauds[fraud]
    assert verdict(world, batch_id) == "invalid"
    assert (rule, True) in rules(world, batch_id)
    assert receipts(world, batch_id) == 0
    assert world.rows("SELECT count(*) FROM batch_sums WHERE batch_id = %s", batch_id) == [(0,)]
    ((challenge, evidence),) = world.rows(
        "SELECT challenge, evidence FROM findings WHERE batch_id = %s AND rule = %s", batch_id, rule
    )
    assert challenge
    assert evidence["field_elements"]


def with_attribution(batch: EncodedBatch, *entries: SetEntry) -> EncodedBatch:
    return encode([BatchEntry(e.receipt, e.digest, entries) for e in batch.entries])


def test_a_malformed_set_voids_the_batch(world):
    good = with_attribution(world.flow.batch(world.asset_id, world.fees([5, 6])), SetEntry(0, 1_000_000))
    header: BatchHeader = good.header
    position = p_position(header.count, header.payer_count)
    batch_id, _ = world.commit_batch(good, edited(good, position, 3 + 4, b"\0\0\1"))
    world.index()
    assert (str(Rule.SET_MALFORMED), True) in rules(world, batch_id)
    assert verdict(world, batch_id) == "invalid"


def test_a_wrong_price_is_a_finding_that_leaves_the_batch_counting(world):
    honest = world.flow.batch(world.asset_id, world.fees([1_000, 1_000]))
    dearer = encode([replace(e, receipt=replace(e.receipt, fee_units=e.receipt.fee_units + 1)) for e in honest.entries])
    batch_id, _ = world.commit_batch(dearer)
    world.index()
    assert rules(world, batch_id) == [(terms.FEE_NOT_PRICE, False)]
    assert verdict(world, batch_id) == "valid"
    assert receipts(world, batch_id) == 2


def test_a_set_in_fixed_mode_is_a_finding_and_paid_by_the_terms(world):
    batch = with_attribution(
        world.flow.batch(world.asset_id, world.fees([1_000])), SetEntry(0, 400_000), SetEntry(77, 600_000)
    )
    batch_id, _ = world.commit_batch(batch)
    world.index()
    assert rules(world, batch_id) == [(terms.SET_IN_FIXED_MODE, False)]
    assert world.rows("SELECT dataset_id, weighted_fee_units FROM batch_sums WHERE batch_id = %s", batch_id) == [
        (0, 2_000 * 1_000_000)
    ]
    assert world.rows("SELECT asset_ids, ppms FROM attribution_sets WHERE batch_id = %s", batch_id) == [
        ([0, 77], [400_000, 600_000])
    ]


@pytest.mark.parametrize("first", ["l1", "l2"])
def test_rows_are_the_same_whichever_chain_is_read_first(world, rebuilt, first, postgres_server, migrated_template):
    world.index()
    url = postgres_server.create_database(f"order_{first}", migrated_template)
    world.index_one_after_the_other(url, first)
    assert world.digests_of(url) == world.digests()
    postgres_server.drop_database(f"order_{first}")
