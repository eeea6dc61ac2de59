"""Every event of every contract, decoded; and logs that are not what they claim to be."""

from __future__ import annotations

import contextlib
import json
from dataclasses import fields
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.abi import ABI_FOLDER, CONTRACTS, load_abi
from ledger.chain.events.receipt_ledger import BatchCommitted
from ledger.chain.logs import LogDecoder, RawLog, event_classes, parse_logs
from ledger.errors import MalformedAnswerError, MalformedLogError
from ledger.protocol.batch import BatchHeader, Charge
from ledger.protocol.keccak import keccak256
from tests.unit.chain.abi_values import canonical

pytestmark = pytest.mark.unit

ADDRESSES = {bytes([i + 1]) * 20: name for i, name in enumerate(CONTRACTS)}
DECODER = LogDecoder(ADDRESSES)
NOT_FOLLOWED = {"EIP712DomainChanged", "Approval"}
"""Events that say nothing about money, lineage or batches."""
NOT_FOLLOWED_OF = {"RoyaltyDistributor": {"OwnershipTransferred", "OwnershipTransferStarted"}}


def entries(contract: str) -> list[dict[str, Any]]:
    return [e for e in json.loads((ABI_FOLDER / f"{contract}.json").read_text()) if e["type"] == "event"]


def values_of(raw: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of one ABI type."""
    kind = raw["type"]
    if kind.endswith("[]"):
        return st.lists(values_of({**raw, "type": kind[:-2]}), max_size=3).map(tuple)
    if kind == "tuple":
        return st.tuples(*(values_of(component) for component in raw["components"]))
    if kind.startswith("uint"):
        return st.integers(0, 2 ** int(kind[4:]) - 1)
    if kind == "string":
        return st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50)
    if kind == "bytes":
        return st.binary(max_size=80)
    size = 20 if kind == "address" else int(kind[5:])
    return st.binary(min_size=size, max_size=size)


def plain(value: Any) -> Any:
    """Dataclasses as tuples, to compare with what was encoded."""
    if hasattr(value, "__dataclass_fields__"):
        return tuple(plain(getattr(value, f.name)) for f in fields(value))
    return tuple(plain(item) for item in value) if isinstance(value, tuple) else value


def raw_log(contract: str, entry: dict[str, Any], values: list[Any]) -> RawLog:
    """The log that a node would answer for this event."""
    signature = f"{entry['name']}({','.join(canonical(i) for i in entry['inputs'])})"
    pairs = list(zip(entry["inputs"], values, strict=True))
    topics = [encode([i["type"]], [v]) for i, v in pairs if i["indexed"]]
    body = encode([canonical(i) for i, _ in pairs if not i["indexed"]], [v for i, v in pairs if not i["indexed"]])
    address = next(a for a, name in ADDRESSES.items() if name == contract)
    return RawLog(7, b"\x0b" * 32, None, b"\x0c" * 32, 2, 3, address, (keccak256(signature.encode()), *topics), body)


followed = [
    pytest.param(contract, entry, id=f"{contract}.{entry['name']}")
    for contract in CONTRACTS
    for entry in entries(contract)
    if entry["name"] not in NOT_FOLLOWED | NOT_FOLLOWED_OF.get(contract, set())
]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_event_has_a_class_and_every_class_an_event(contract: str) -> None:
    left_out = NOT_FOLLOWED | NOT_FOLLOWED_OF.get(contract, set())
    assert set(event_classes(contract)) == {e["name"] for e in entries(contract)} - left_out


@pytest.mark.parametrize(("contract", "entry"), followed)
@settings(max_examples=25)
@given(data=st.data())
def test_an_event_is_decoded_field_by_field(contract: str, entry: dict[str, Any], data: st.DataObject) -> None:
    values = [data.draw(values_of(i)) for i in entry["inputs"]]
    log = DECODER.decode(raw_log(contract, entry, values))
    assert type(log.event).__name__ == entry["name"]
    assert plain(log.event) == tuple(values)
    assert (log.block_number, log.tx_index, log.log_index) == (7, 2, 3)


@pytest.mark.parametrize(("contract", "entry"), followed)
@settings(max_examples=25)
@given(data=st.data())
def test_a_spoilt_log_is_decoded_or_refused_and_nothing_else(
    contract: str, entry: dict[str, Any], data: st.DataObject
) -> None:
    raw = raw_log(contract, entry, [data.draw(values_of(i)) for i in entry["inputs"]])
    body = bytearray(raw.data)
    for _ in range(data.draw(st.integers(0, 3)) if body else 0):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    topics = data.draw(st.sampled_from([raw.topics, raw.topics[:-1], (*raw.topics, b"\xff" * 32), (raw.topics[0],)]))
    cut = data.draw(st.integers(0, len(body)))
    with contextlib.suppress(MalformedLogError):
        DECODER.decode(raw._replace(topics=topics, data=bytes(body[:cut])))


def test_structs_of_the_protocol_come_as_the_protocols_own_types() -> None:
    entry = load_abi("ReceiptLedger").events["BatchCommitted"]
    header = BatchHeader(b"\x11" * 20, 2, 3, 4, 1, 0, 6, 1, 8, b"\x01" * 32, b"\x02" * 32)
    raw = next(e for e in entries("ReceiptLedger") if e["name"] == "BatchCommitted")
    values = [9, b"\x11" * 20, 2, b"\x03" * 32, 5, 6, 7, 8, plain(header), (b"\x01" * 32,), ((b"\x22" * 20, 6),)]
    event = DECODER.decode(raw_log("ReceiptLedger", raw, values)).event
    assert isinstance(event, BatchCommitted)
    assert event.header == header
    assert event.charges == (Charge(b"\x22" * 20, 6),)
    assert len(entry.inputs) == len(fields(BatchCommitted))


def test_an_unknown_topic_or_contract_is_refused_and_left_out_of_a_receipts_logs() -> None:
    relayed = next(e for e in entries("BlobInbox") if e["name"] == "BlobsRelayed")
    raw = raw_log("BlobInbox", relayed, [(), ()])
    for stranger in (raw._replace(address=b"\xee" * 20), raw._replace(topics=(b"\xee" * 32,)), raw._replace(topics=())):
        with pytest.raises(MalformedLogError):
            DECODER.decode(stranger)
        assert DECODER.decode_known([stranger]) == []


@pytest.mark.parametrize("answer", [None, [None], [{}], [{"blockNumber": "0x1"}], {"a": 1}, ["0x"]])
def test_what_is_no_list_of_logs_is_the_nodes_fault(answer: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        parse_logs(answer)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_logs_read_by_columns_are_the_events_read_one_by_one(data: st.DataObject) -> None:
    """Also where some of a kind are malformed, and kinds are mixed."""
    contract, first = data.draw(st.sampled_from([p.values for p in followed]))
    _, second = data.draw(st.sampled_from([p.values for p in followed if p.values[0] == contract]))
    raws = []
    for entry in data.draw(st.lists(st.sampled_from([first, second]), max_size=24)):
        raw = raw_log(str(contract), entry, [data.draw(values_of(i)) for i in entry["inputs"]])
        spoilt = data.draw(st.sampled_from([False] * 20 + [True]))
        raws.append(raw._replace(data=data.draw(st.binary(max_size=96))) if spoilt else raw)

    def singly(raw: RawLog) -> Any:
        try:
            return DECODER.event(raw)
        except MalformedLogError:
            return None

    assert DECODER.events(raws) == list(map(singly, raws))
