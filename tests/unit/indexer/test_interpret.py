import json

import pytest
from eth_abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.rows.buffer import column_names
from indexer.rows.context import Filling
from indexer.rows.interpret import HANDLERS, MALFORMED_LOG, Interpreter
from indexer.rows.movements import Mover
from ledger.chain.abi import load_abi
from ledger.chain.logs import EVENT_MODULES, LogDecoder, RawLog, event_classes
from ledger.db.models.indexer_batches import Batch
from ledger.db.models.indexer_chain import Event
from ledger.db.models.indexer_distribution import Claim
from ledger.db.models.indexer_findings import Finding
from ledger.db.models.indexer_movements import Movement
from tests.factories.l2_contracts import CONTRACTS, L2, LEDGER

pytestmark = pytest.mark.unit

DECODER = LogDecoder(CONTRACTS)
TOPICS = {address: [entry.topic for entry in load_abi(name).events.values()] for address, name in CONTRACTS.items()}


def interpret(logs, fillings=lambda _id: None):
    interpreter = Interpreter(901, DECODER, Mover(L2))
    return interpreter.interpret(interpreter.decode(logs), {log.block_number: 1_700_000_000 for log in logs}, fillings)


def raw(address, topics, data, log_index=0, tx=b"\x01" * 32):
    return RawLog(7, b"\x07" * 32, None, tx, 0, log_index, address, tuple(topics), data)


def event_log(contract, name, indexed, plain, log_index=0):
    address = {name: address for address, name in CONTRACTS.items()}[contract]
    entry = load_abi(contract).events[name]
    types = [p.type for p in entry.inputs if not p.indexed]
    topics = [p.to_bytes(32, "big") if isinstance(p, int) else p.rjust(32, b"\0") for p in indexed]
    return raw(address, [entry.topic, *topics], encode(types, plain), log_index)


def as_dicts(rows, model):
    dicts = [dict(zip(column_names(model), row, strict=True)) for row in rows.by_model.get(model, ())]
    return [{name: json.loads(v) if name in {"args", "evidence"} else v for name, v in row.items()} for row in dicts]


@st.composite
def mangled_logs(draw):
    address = draw(st.sampled_from(sorted(CONTRACTS)))
    first = draw(st.one_of(st.sampled_from(TOPICS[address]), st.binary(min_size=32, max_size=32)))
    words = st.one_of(st.binary(min_size=32, max_size=32), st.integers(0, 2**70).map(lambda n: n.to_bytes(32, "big")))
    topics = draw(st.lists(words, max_size=3))
    data = draw(st.one_of(st.binary(max_size=200), st.lists(words, max_size=12).map(b"".join)))
    return raw(address, [first, *topics] if draw(st.booleans()) else topics, data, draw(st.integers(0, 9)))


@settings(max_examples=150, deadline=None)
@given(st.lists(mangled_logs(), max_size=6, unique_by=lambda log: log.log_index))
def test_no_log_whatever_its_bytes_stops_the_indexer_or_is_left_out(logs):
    rows = interpret(logs)
    events = as_dicts(rows, Event)
    assert [(e["address"], e["log_index"]) for e in events] == [(log.address, log.log_index) for log in logs]
    for event, log in zip(events, logs, strict=True):
        if event["name"] is None:
            assert event["args"] == {
                "topics": ["0x" + topic.hex() for topic in log.topics],
                "data": "0x" + log.data.hex(),
            }
    sums = {}
    for move in as_dicts(rows, Movement):
        sums[move["log_index"]] = sums.get(move["log_index"], 0) + move["amount_units"]
    assert set(sums.values()) <= {0}


def test_a_log_without_topics_is_kept_raw():
    (event,) = as_dicts(interpret([raw(LEDGER, [], b"\x01\x02")]), Event)
    assert (event["name"], event["args"]) == (None, {"topics": [], "data": "0x0102"})


def test_an_end_of_a_batch_that_never_began_is_a_finding():
    rows = interpret([event_log("ReceiptLedger", "BatchFinalized", [9], [5])])
    (finding,) = as_dicts(rows, Finding)
    assert (finding["rule"], finding["voids"], finding["evidence"]["event"]) == (MALFORMED_LOG, False, "BatchFinalized")
    assert rows.closings == []


def test_the_end_of_a_batch_closes_its_newest_filling():
    rows = interpret([event_log("ReceiptLedger", "BatchFinalized", [9], [5])], lambda _id: Filling(2, 1_600_000_000))
    (closing,) = rows.closings
    assert (closing.model, closing.prefix, closing.key) == (Batch, "finalized", {"batch_id": 9, "fill": 2})
    assert closing.values["finalized_at"] == 1_700_000_000


def test_a_count_beyond_bigint_writes_no_row_but_the_event():
    rows = interpret([event_log("RoyaltyDistributor", "Claimed", [b"\x01" * 20, b"\x02" * 20, 2**64 - 1], [5, 5])])
    assert as_dicts(rows, Claim) == []
    assert as_dicts(rows, Movement) == []
    assert [finding["rule"] for finding in as_dicts(rows, Finding)] == [MALFORMED_LOG]
    assert len(as_dicts(rows, Event)) == 1


def test_every_integer_of_an_event_is_a_decimal_string():
    (event,) = as_dicts(
        interpret([event_log("PaymentEscrow", "Deposited", [b"\x01" * 20, b"\x02" * 20], [b"\x03" * 20, 2**64 - 1])]),
        Event,
    )
    assert event["args"] == {
        "payer": "0x" + "01" * 20,
        "operator": "0x" + "02" * 20,
        "funder": "0x" + "03" * 20,
        "amount_units": str(2**64 - 1),
    }


def test_every_handler_belongs_to_an_event_of_a_contract():
    known = {kind for contract in EVENT_MODULES for kind in event_classes(contract).values()}
    assert set(HANDLERS) <= known
