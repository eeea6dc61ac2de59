"""Receipts that a client kept, against what was posted for them; real signatures."""

import json
from dataclasses import replace

import pytest
from coincurve import PrivateKey

from audit.batch.form import check_form
from audit.chain.events import Event
from audit.difference import Differences
from audit.statements.receipts import KeptReceipts, load_receipts
from ledger.errors import MalformedInputError
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.blob.encode import BatchEntry
from ledger.protocol.domain import Domain
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of, sign
from tests.unit.audit.building import COMMITTED_AT, OPERATOR, PAYERS, batch_of, fields, receipt

pytestmark = pytest.mark.unit
DOMAIN = Domain(901, b"\x1e" * 20)
KEY, OTHER_KEY = PrivateKey(b"\x01" * 32), PrivateKey(b"\x02" * 32)
SET = (SetEntry(7, 1_000_000),)
DAY = 86_400


def posted(*receipts: Receipt, attribution: tuple = ()):
    entries = [BatchEntry(one, one.digest(DOMAIN), attribution) for one in receipts]
    batch, read = batch_of(entries)
    return batch, read, check_form(batch, read, Differences())


def keep(folder, *receipts: Receipt, key: PrivateKey = KEY):
    for one in receipts:
        digest = one.digest(DOMAIN)
        document = {
            "receipt": one.to_json(),
            "digest": "0x" + digest.hex(),
            "signature": "0x" + sign(digest, key).hex(),
        }
        (folder / f"{one.seq}.json").write_text(json.dumps(document))
    return load_receipts(folder)


def key_events(revoked_at: int | None = None) -> list[Event]:
    name = {"operator": OPERATOR, "lane": 3, "key": address_of(KEY)}
    added = Event("Operators", "KeyAdded", {**name, "addedAt": COMMITTED_AT - 5 * DAY}, 1, 0, b"")
    if revoked_at is None:
        return [added]
    return [added, Event("Operators", "KeyRevoked", {**name, "revokedAt": revoked_at}, 2, 0, b"")]


def compared(kept, batch, read, sets, events=None) -> Differences:
    differences = Differences()
    KeptReceipts(kept, DOMAIN, events or key_events()).compare(batch, read, sets, differences)
    return differences


def test_a_receipt_that_was_posted_as_signed_has_no_difference(tmp_path):
    mine = receipt(1, attribution_hash=attribution_hash(SET))
    batch = posted(receipt(0, attribution_hash=attribution_hash(SET)), mine, attribution=SET)
    kept = KeptReceipts(keep(tmp_path, mine), DOMAIN, key_events())
    differences = Differences()
    kept.compare(*batch, differences)
    assert differences.kept == []
    assert (kept.found, kept.finish(COMMITTED_AT + 9 * DAY, differences)) == (1, 0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fee_units": 21}, ["digest", "feeUnits"]),
        ({"payer": PAYERS[1]}, ["digest", "payer"]),
        ({"input_units": 11}, ["digest", "inputUnits"]),
        ({"response_hash": b"\x01" * 32}, ["digest"]),
        ({"started_at": COMMITTED_AT - 601}, ["digest", "startedAt"]),
        ({"attribution_hash": attribution_hash(SET)}, ["digest", "attributionHash"]),
    ],
)
def test_a_field_that_was_posted_otherwise_is_named(tmp_path, changes, expected):
    differences = compared(keep(tmp_path, receipt(0, **changes)), *posted(receipt(0)))
    assert fields(differences) == expected
    assert differences.first.place.seq == 0


def test_a_signature_by_no_key_of_the_lane_is_named(tmp_path):
    kept = keep(tmp_path, receipt(0), key=OTHER_KEY)
    assert fields(compared(kept, *posted(receipt(0)))) == ["signer"]


def test_a_key_counts_until_two_weeks_after_it_was_revoked(tmp_path):
    kept, batch = keep(tmp_path, receipt(0)), posted(receipt(0))
    assert fields(compared(kept, *batch, key_events(COMMITTED_AT - 14 * DAY))) == []
    assert fields(compared(kept, *batch, key_events(COMMITTED_AT - 14 * DAY - 1))) == ["signer"]


def test_a_receipt_in_no_batch_is_waited_for_and_then_named(tmp_path):
    mine = receipt(5)
    due = mine.started_at + 1 + DAY
    for now, waiting, named in ((due, 1, []), (due + 1, 0, ["place"])):
        differences = Differences()
        kept = KeptReceipts(keep(tmp_path, mine), DOMAIN, key_events())
        kept.compare(*posted(receipt(0)), differences)
        assert kept.finish(now, differences) == waiting
        assert fields(differences) == named


def test_a_receipt_of_another_lane_is_not_taken_for_this_one(tmp_path):
    kept = KeptReceipts(keep(tmp_path, replace(receipt(0), lane=4)), DOMAIN, key_events())
    kept.compare(*posted(receipt(0)), Differences())
    assert kept.found == 0


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", '{"receipt": {}, "signature": "0x00"}', "[1]", '"x"'])
def test_a_file_that_is_no_receipt_is_named(tmp_path, text):
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(MalformedInputError, match=r"odd\.json is not a signed receipt"):
        load_receipts(tmp_path)
