"""Logs decoded by the audit's own path, against the committed ABIs."""

import pytest
from eth_abi.abi import encode

from audit.chain.assets import read_assets
from audit.chain.batches import commitment, read_batches
from audit.chain.events import ABI_FOLDER, Event, EventReader, canonical, of, read_abi, signature
from audit.difference import Differences
from ledger.chain.abi import load_abi
from ledger.errors import ProtocolError
from ledger.protocol.keccak import keccak256
from tests.unit.audit.building import fields

pytestmark = pytest.mark.unit
NAMES = (
    "AttributionRegistry", "BlobInbox", "Operators", "PaymentEscrow", "ReceiptLedger", "RoyaltyDistributor",
)  # fmt: skip
ADDRESSES = {name: bytes([n + 1]) * 20 for n, name in enumerate(NAMES)}
HEADER = (b"\x0e" * 20, 3, 0, 2, 1, 0, 40, 1, 1_700_000_000, bytes(32), bytes(32))
HASHES = (b"\x01" + bytes(31),)
DAY = 86_400


def log(contract: str, event: str, indexed: list, plain: list, block: int = 5, index: int = 0) -> dict:
    """A log as a node tells it."""
    abi = next(e for e in read_abi(ABI_FOLDER / f"{contract}.json").values() if e["name"] == event)
    topics = [keccak256(signature(abi).encode())]
    topics += [
        encode([i["type"]], [v]) for i, v in zip([i for i in abi["inputs"] if i["indexed"]], indexed, strict=True)
    ]
    data = encode([canonical(i) for i in abi["inputs"] if not i["indexed"]], plain)
    return {
        "address": "0x" + ADDRESSES[contract].hex(), "topics": topics, "data": data, "blockNumber": block,
        "logIndex": index, "transactionHash": b"\x22" * 32,
    }  # fmt: skip


def read(*logs: dict) -> list[Event]:
    reader = EventReader(ADDRESSES)
    return [event for one in logs if (event := reader.read(one)) is not None]


def commit(batch_id: int = 1, header: tuple = HEADER, charges: tuple = ((b"\x01" * 20, 40),), block: int = 5) -> dict:
    names = (
        "operator",
        "lane",
        "firstSeq",
        "count",
        "payerCount",
        "setFeCount",
        "totalFee",
        "blobCount",
        "baseTime",
        "m",
        "p",
    )
    digest = commitment(dict(zip(names, header, strict=True)), HASHES, charges)
    plain = [digest, 7, 1_700_000_100, 1_700_000_100 - 86_400, 1_700_000_000, header, HASHES, charges]
    return log("ReceiptLedger", "BatchCommitted", [batch_id, header[0], header[1]], plain, block)


@pytest.mark.parametrize("name", NAMES)
def test_the_topics_of_every_event_agree_with_the_other_decoders(name):
    mine = {topic: entry["name"] for topic, entry in read_abi(ABI_FOLDER / f"{name}.json").items()}
    assert mine == {entry.topic: entry.name for entry in load_abi(name).events.values()}


def test_structs_come_as_dicts_and_addresses_as_bytes():
    (event,) = read(commit())
    assert (event.contract, event.name, event.block) == ("ReceiptLedger", "BatchCommitted", 5)
    assert event.args["header"]["operator"] == b"\x0e" * 20
    assert tuple(event.args["header"].values()) == HEADER
    assert event.args["charges"] == ({"payer": b"\x01" * 20, "amount": 40},)
    assert event.args["versionedHashes"] == HASHES


def test_a_log_of_no_known_event_is_left_to_the_caller():
    unknown = commit() | {"topics": [b"\xee" * 32]}
    assert EventReader(ADDRESSES).read(unknown) is None
    assert EventReader(ADDRESSES).read(commit() | {"topics": []}) is None


def test_a_log_whose_data_ends_too_early_is_refused():
    short = commit()
    with pytest.raises(ProtocolError, match="can not be decoded"):
        read(short | {"data": short["data"][:100]})


def test_batches_go_from_open_through_voided_and_refilled_to_finalized():
    refill = commit(block=7) | {
        "topics": [
            load_abi("ReceiptLedger").events["BatchRefilled"].topic,
            *commit()["topics"][1:],
        ]
    }
    history = [
        commit(),
        log("ReceiptLedger", "BatchVoided", [1, b"\x05" * 20], [bytes(32)], 6),
        refill,
        log("ReceiptLedger", "BatchFinalized", [1], [40], 9),
    ]
    times = {5: 1_700_000_100, 6: 1_700_000_200, 7: 1_700_000_300, 9: 1_700_000_100 + 7 * DAY}
    for end, status in enumerate(("open", "voided", "open", "finalized"), start=1):
        differences = Differences()
        batches = read_batches(read(*history[:end]), times, differences)
        assert batches[1].status == status
        assert differences.kept == []
    assert batches[1].first_committed_at == 1_700_000_100


def test_a_batch_finalised_inside_its_window_is_a_difference():
    events = read(commit(), log("ReceiptLedger", "BatchFinalized", [1], [40], 9))
    differences = Differences()
    read_batches(events, {5: 0, 9: 1_700_000_099 + 7 * DAY}, differences)
    assert fields(differences) == ["time of finalisation"]


def test_what_a_commit_gets_wrong_is_named():
    cases = {
        "batchCommitment": commit() | {"data": bytes(32) + commit()["data"][32:]},
        "firstSeq": commit(header=(*HEADER[:2], 5, *HEADER[3:])),
        "totalFee": commit(charges=((b"\x01" * 20, 39),)),
        "payerCount": commit(charges=((b"\x01" * 20, 20), (b"\x02" * 20, 20))),
        "blobCount": commit(header=(*HEADER[:7], 2, *HEADER[8:])),
        "batchId": commit(batch_id=2),
    }
    for field, wrong in cases.items():
        differences = Differences()
        read_batches(read(wrong), {5: 0}, differences)
        assert fields(differences) == [field]


def test_charges_out_of_order_are_named():
    header = (*HEADER[:4], 2, *HEADER[5:])
    differences = Differences()
    read_batches(read(commit(header=header, charges=((b"\x02" * 20, 20), (b"\x01" * 20, 20)))), {5: 0}, differences)
    assert fields(differences) == ["payers of the charges"]


def registered(asset_id: int, kind: int, block: int) -> dict:
    return log("AttributionRegistry", "AssetRegistered", [asset_id, bytes(32), b"\x07" * 20], [kind, "uri"], block)


def with_terms(asset_id: int, version: int, block: int, effective_at: int, split, parents=(), shares=()) -> dict:
    stated = (200_000, 0, 0, 0, 0, 0, split, parents, ())
    return log("AttributionRegistry", "TermsRegistered", [asset_id, version], [effective_at, stated, shares], block)


A, B = b"\xaa" * 20, b"\xbb" * 20
TIMES = {1: 100, 2: 200, 3: 300}


def test_effective_shares_are_recomputed_from_the_parents_versions_in_force():
    history = read(
        registered(1, 1, 1), with_terms(1, 1, 1, 100, [(A, 10**6)], shares=[(A, 10**12)]),
        with_terms(1, 2, 2, 200 + 2 * DAY, [(B, 10**6)], shares=[(B, 10**12)]),
        registered(2, 2, 3), with_terms(2, 1, 3, 300, [(B, 10**6)], [(1, 250_000)], [(B, 75 * 10**10), (A, 25 * 10**10)]),
    )  # fmt: skip
    differences = Differences()
    assets = read_assets(history, TIMES, differences)
    assert differences.kept == []
    assert assets[2].terms[0].shares == ((B, 75 * 10**10), (A, 25 * 10**10))
    assert [assets[1].at(second).version for second in (0, 150, 200 + 2 * DAY)] == [1, 1, 2]


def test_emitted_shares_that_do_not_follow_from_the_terms_are_named():
    differences = Differences()
    wrong = read(registered(1, 1, 1), with_terms(1, 1, 1, 100, [(A, 10**6)], shares=[(A, 10**12 - 1), (B, 1)]))
    assets = read_assets(wrong, TIMES, differences)
    assert str(differences.first).startswith("asset 1, terms version 1: effectiveShares must be [[0xaaaa")
    assert assets[1].terms[0].shares == ((A, 10**12),)


def test_terms_without_their_notice_are_named():
    history = read(
        registered(1, 1, 1), with_terms(1, 1, 1, 100, [(A, 10**6)], shares=[(A, 10**12)]),
        with_terms(1, 2, 2, 200 + 2 * DAY - 1, [(A, 10**6)], shares=[(A, 10**12)]),
    )  # fmt: skip
    differences = Differences()
    read_assets(history, TIMES, differences)
    assert fields(differences) == ["effectiveAt"]


def test_events_are_picked_by_contract_and_name():
    events = read(commit(), registered(1, 1, 1))
    assert [event.name for event in of(events, "AttributionRegistry", "AssetRegistered")] == ["AssetRegistered"]
    assert of(events, "Operators", "BatchCommitted") == []
