"""`tributary audit` on real chains: 0 differences on an honest story, and every lie named."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from audit.chain.events import ABI_FOLDER, read_abi
from audit.reading import l2_contracts
from ledger.protocol.blob.encode import BatchEntry
from tests.e2e.audit_evidence import (
    archive_of,
    blob_file,
    codec_with_one_unit_moved,
    flip,
    keep,
    l2_node,
    with_a_unit_moved,
)
from tests.e2e.audit_story import ALICE, Story, tell
from tests.e2e.auditor import Auditor
from tests.e2e.middleman import between
from tests.factories.attesters import ATTESTERS
from tests.factories.operator_flow import operator_flow
from tributary.devnet import Devnet

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployments")


@pytest.fixture(scope="module")
def story(deployments: Path) -> Iterator[Story]:
    with Devnet.start() as devnet, operator_flow(devnet, deployments, ATTESTERS, quorum=2) as flow:
        yield tell(flow)


@pytest.fixture
def auditor(story, deployments, tmp_path) -> Auditor:
    return Auditor(story, deployments, tmp_path)


@pytest.fixture
def spoilt(story: Story) -> Iterator[Story]:
    """The story, to go on with as the test likes: the L2 goes back afterwards."""
    l2, posted, finalized = story.flow.devnet.l2, list(story.posted), list(story.finalized)
    snapshot = l2.snapshot()
    yield story
    l2.revert(snapshot)
    story.posted, story.finalized = posted, finalized


def test_an_honest_story_has_no_difference(auditor, story):
    code, report = auditor.run()
    assert report["found"] == []
    assert (code, report["differences"], report["first"]) == (0, 0, None)
    assert report["receipts"] == 23 + 17 + 5
    assert report["batches"] == {"finalized": 2, "open": 1}
    assert (report["roots"], report["claims"]) == (2, 5)
    assert "0 differences" in auditor.output


def test_the_report_adds_up_to_the_last_fraction(auditor, story):
    _, report = auditor.run()
    owed = [Fraction(payee["exact"]) for payee in report["payees"]]
    assert sum(owed) == int(report["charged_units"])
    assert int(report["charged_units"]) == int(report["distributed_units"]) + Fraction(report["dust"])
    assert Fraction(report["dust"]) < len(owed)
    assert {p["address"]: int(p["earned_units"]) for p in report["payees"] if p["earned_units"] != "0"} == {
        "0x" + payout.payee.hex(): payout.cumulative_units for payout in story.payouts()
    }
    paid = {p["address"]: int(p["paid_units"]) for p in report["payees"] if p["paid_units"] != "0"}
    assert paid == {"0x" + payee.hex(): units for payee, units in story.claimed.items()}
    sides = {side: sum(map(int, terms.values())) for side, terms in report["conservation"].items()}
    assert sides["came_in"] == sides["held"] + sides["went_out"]
    assert report["conservation"]["came_in"]["direct_transfers"] == "780"


def test_an_earlier_block_can_be_audited(auditor, story):
    block = story.flow.devnet.l2.block_number("finalized")
    code, report = auditor.run(through=block - 1)
    assert (code, report["l2_block"]["number"]) == (0, block - 1)


# -- blobs --------------------------------------------------------------------------------------------------------


def test_an_archive_is_as_good_as_a_beacon_node(auditor, story, tmp_path):
    code, report = auditor.run(beacon_url=None, archive=archive_of(story, tmp_path / "archive"))
    assert (code, report["differences"]) == (0, 0)


def test_a_changed_byte_in_the_archive_is_named(auditor, story, tmp_path):
    archive = archive_of(story, tmp_path / "archive")
    flip(blob_file(story, archive, 1), 32 * 7 + 23)
    code, report = auditor.run(beacon_url=None, archive=archive)
    assert code == 1
    assert report["first"]["batch"] == 2
    assert report["first"]["field"] == "versioned hash of blob 0 at the archive"
    assert "batch 2: versioned hash of blob 0 at the archive must be 0x01" in auditor.output
    assert any(found["kind"] == "receipt" and found["position"] == 2 for found in report["found"])


def test_a_rotten_archive_is_named_even_while_the_beacon_node_has_the_blob(auditor, story, tmp_path):
    archive = archive_of(story, tmp_path / "archive")
    flip(blob_file(story, archive, 0), 32 * 2 + 5)
    code, report = auditor.run(archive=archive)
    assert (code, report["differences"]) == (1, 1)
    assert report["first"]["field"] == "blob 0 at the archive, element 2"


def test_a_lying_beacon_node_is_named(auditor, story):
    def lie(path: str, _: bytes, answer: bytes) -> bytes:
        return answer[:500] + bytes([answer[500] ^ 1]) + answer[501:] if "/blobs/" in path else answer

    with between(story.flow.devnet.beacon_url, lie) as url:
        code, report = auditor.run(beacon_url=url)
    assert code == 1
    assert (report["first"]["batch"], report["first"]["field"]) == (1, "versioned hash of blob 0 at the beacon node")


def test_a_blob_that_nobody_has_ends_the_audit_with_one_sentence(auditor, story, tmp_path):
    archive = archive_of(story, tmp_path / "archive")
    blob_file(story, archive, 1).unlink()
    code, report = auditor.run(beacon_url=None, archive=archive)
    assert (code, report) == (2, {})
    assert "could not be finished: Nobody asked has blob 0 of batch 2" in auditor.output


# -- batches ------------------------------------------------------------------------------------------------------


def test_one_unit_moved_by_the_codec_is_named_with_its_receipt(auditor, spoilt):
    entries = spoilt.receipts(spoilt.uses(9, seed=1), lane=1)
    posted = spoilt.post(entries, 2, codec_with_one_unit_moved(3))
    code, report = auditor.run(through="latest")
    wrong = posted.encoded.entries[3].receipt
    assert code == 1
    assert report["first"] == {
        "kind": "receipt", "place": "batch 4", "batch": 4, "position": 3, "seq": wrong.seq, "field": "feeUnits",
        "expected": str(wrong.fee_units), "found": str(wrong.fee_units + 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (lambda receipt: {"fee_units": receipt.fee_units + 1}, "feeUnits"),
        (lambda _: {"asset_id": 99}, "assetId"),
        (lambda _: {"asset_id": 1}, "assetId"),
    ],
    ids=["a fee above the price", "an unknown asset", "a dataset"],
)
def test_a_receipt_that_an_operator_may_not_post_is_named(auditor, spoilt, changes, field):
    entries = spoilt.receipts(spoilt.uses(6), lane=1)
    receipt = replace(entries[4].receipt, **changes(entries[4].receipt))
    entries[4] = BatchEntry(receipt, receipt.digest(spoilt.flow.deployment.receipt_domain), entries[4].attribution)
    posted = spoilt.post(entries, 2)
    code, report = auditor.run(through="latest")
    position = next(n for n, entry in enumerate(posted.encoded.entries) if entry.receipt.seq == receipt.seq)
    assert code == 1
    first = report["first"]
    assert (first["batch"], first["position"], first["seq"], first["field"]) == (4, position, receipt.seq, field)


def test_a_finalised_batch_that_does_not_count_leaves_its_fee_unallocated(auditor, spoilt):
    entries = spoilt.receipts(spoilt.uses(6), lane=1)
    receipt = replace(entries[4].receipt, asset_id=99)
    entries[4] = BatchEntry(receipt, receipt.digest(spoilt.flow.deployment.receipt_domain), entries[4].attribution)
    posted = spoilt.post(entries, 2)
    _, before = auditor.run(through="latest")
    spoilt.finalize(posted)
    code, report = auditor.run(through="latest")
    assert (code, report["unallocated_units"]) == (1, str(posted.encoded.header.total_fee_units))
    assert report["charged_units"] == before["charged_units"]


# -- roots and claims ---------------------------------------------------------------------------------------------


def test_a_root_of_a_changed_split_is_named(auditor, spoilt):
    spoilt.submit_root(with_a_unit_moved(spoilt))
    code, report = auditor.run(through="latest")
    assert (code, report["differences"]) == (1, 1)
    assert (report["first"]["place"], report["first"]["field"]) == ("distribution root 3", "root")


def test_a_claim_on_a_wrong_root_names_the_payee_and_the_unit(auditor, spoilt):
    index, tree = spoilt.submit_root(with_a_unit_moved(spoilt))
    spoilt.claim(index, tree, [ALICE])
    code, report = auditor.run(through="latest")
    assert code == 1
    first = report["first"]
    assert first["place"] == f"claim of 0x{ALICE.hex()} on root 3"
    assert int(first["found"]) == int(first["expected"]) + 1


# -- receipts that a client kept ----------------------------------------------------------------------------------


def test_kept_receipts_are_found_in_their_batch(auditor, story, tmp_path):
    code, report = auditor.run(receipts=keep(story, tmp_path / "kept"))
    assert (code, report["kept_receipts"]) == (0, {"found": 3, "waiting": 0})


def test_a_receipt_that_was_altered_after_it_was_signed_is_named(auditor, story, tmp_path):
    code, report = auditor.run(receipts=keep(story, tmp_path / "kept", fee_units=1))
    assert code == 1
    assert [found["field"] for found in report["found"]] == ["digest", "feeUnits"]
    assert report["first"]["kind"] == "receipt_file"


def test_a_receipt_that_was_never_posted_is_named(auditor, story, tmp_path):
    code, report = auditor.run(receipts=keep(story, tmp_path / "kept", lane=1, seq=4_000))
    assert code == 1
    assert (report["first"]["place"], report["first"]["field"]) == ("kept receipt 4000.json", "place")


# -- nodes --------------------------------------------------------------------------------------------------------


def test_a_node_that_hides_any_one_log_of_ours_does_not_pass(auditor, story):
    """Whatever moves money, opens a door or says who earns is missed somewhere else."""
    matter = {
        "AssetRegistered", "BatchCommitted", "BatchFinalized", "BlobsAttested", "BondDeposited", "BondReserved",
        "BondWithdrawn", "Claimed", "CustodyReleased", "DebtCollected", "Deposited", "Funded", "PricePublished",
        "RootSubmitted", "Shortfall", "TermsRegistered", "Withdrawn",
    }  # fmt: skip
    names = {
        "0x" + topic.hex(): entry["name"]
        for contract in l2_contracts(story.flow.deployment)
        for topic, entry in read_abi(ABI_FOLDER / f"{contract}.json").items()
    }
    for name in sorted(matter):
        hidden: list[dict] = []

        def hide(log: dict, name: str = name, hidden: list[dict] = hidden) -> dict | None:
            if hidden or names.get(log["topics"][0]) != name:
                return log
            hidden.append(log)
            return None

        with l2_node(story, hide) as url:
            code, _ = auditor.run(l2_rpc_url=url)
        assert hidden, f"the story has no {name}"
        assert code == 1, f"an audit without its first {name} log found nothing"


def test_a_node_that_goes_away_half_way_ends_the_audit_with_one_sentence(auditor, story, monkeypatch):
    monkeypatch.setenv("AUDIT_PATIENCE_SECONDS", "0")
    answers = iter(range(1_000))

    def leave(_: str, __: bytes, answer: bytes) -> bytes | None:
        return answer if next(answers) < 4 else None

    with between(story.flow.devnet.l2_url, leave) as url:
        code, report = auditor.run(l2_rpc_url=url)
    assert (code, report) == (2, {})
    assert "could not be finished: No L2 node answers at " in auditor.output
    assert "Traceback" not in auditor.output


def test_a_node_of_another_chain_ends_the_audit_with_one_sentence(auditor, story):
    code, _ = auditor.run(l1_rpc_url=story.flow.devnet.l2_url)
    assert code == 2
    assert "serves chain 901, but chain 900 is expected" in auditor.output
    assert auditor.run(l2_rpc_url=story.flow.devnet.l1_url)[0] == 2
    assert "There is no deployment for chain 900" in auditor.output


def test_contracts_that_are_not_there_yet_in_the_block_that_is_read_are_said(auditor):
    code, report = auditor.run(through=0)
    assert (code, report) == (2, {})
    assert "could not be finished: There is no contract at 0x" in auditor.output
    assert "in L2 block 0, the last one to be read" in auditor.output
