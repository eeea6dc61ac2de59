"""Logs: fetched in ranges that a node will answer, and decoded into the typed events.

The decoder only slices and converts (see abi_reading), since an indexer's speed hangs on it.
What it can't read raises MalformedLogError and nothing else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

from ledger.chain.abi import Entry, load_abi
from ledger.chain.abi_columns import ReadColumn
from ledger.chain.abi_reading import WORD, Read, Reader, list_reader
from ledger.chain.blocks import BlockRef
from ledger.chain.events import (
    attribution_registry,
    blob_demands,
    blob_inbox,
    intake_pause,
    operators,
    payment_escrow,
    receipt_challenges,
    receipt_ledger,
    royalty_distributor,
    token,
)
from ledger.chain.quantities import Json, to_data, to_quantity
from ledger.chain.rpc import RpcCall, RpcClient
from ledger.errors import MalformedAnswerError, MalformedLogError, RpcRejectedError

EVENT_MODULES: Final[Mapping[str, tuple[Any, ...]]] = {
    "AttributionRegistry": (attribution_registry,),
    "BlobDemands": (blob_demands,),
    "BlobInbox": (blob_inbox,),
    "FormatChallenges": (),
    "Operators": (operators, intake_pause),
    "PaymentEscrow": (payment_escrow, intake_pause),
    "ReceiptChallenges": (receipt_challenges,),
    "ReceiptLedger": (receipt_ledger, intake_pause),
    "RoyaltyDistributor": (royalty_distributor,),
    "TestToken": (token,),
}
"""Where the event classes of each contract are defined."""

_PLACE: Final = ("blockNumber", "blockHash", "blockTimestamp", "transactionHash", "transactionIndex")
_FEWEST_FOR_COLUMNS: Final = 8
"""Fewer logs of a kind are read sooner one by one."""


class RawLog(NamedTuple):
    """A log as a node answers it, in bytes. `block_timestamp` only where the node tells it."""

    block_number: int
    block_hash: bytes
    block_timestamp: int | None
    tx_hash: bytes
    tx_index: int
    log_index: int
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


class Log(NamedTuple):
    """An event and where it stands."""

    block_number: int
    block_hash: bytes
    block_timestamp: int | None
    tx_hash: bytes
    tx_index: int
    log_index: int
    address: bytes
    event: Any


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to read one event: its topics, its data, and the order its fields stand in."""

    make: Callable[..., Any]
    indexed: tuple[Read, ...]
    body: Callable[[bytes], list[Any]]
    order: tuple[int, ...] | None
    columns: tuple[ReadColumn, ...]
    """Column readers of the indexed fields and the others, in that order; none if a field is more than a word."""


def event_classes(contract: str) -> dict[str, type]:
    """A contract's event classes by name."""
    modules = EVENT_MODULES[contract]
    return {name: kind for module in modules for name, kind in vars(module).items() if _is_event(module, kind)}


def _is_event(module: Any, kind: Any) -> bool:
    return isinstance(kind, type) and kind.__module__ == module.__name__


class LogDecoder:
    """Decodes the logs of a set of contracts."""

    def __init__(self, contracts: Mapping[bytes, str]) -> None:
        """Work out every event of these contracts once.

        Args:
            contracts: ABI name by 20-byte address.
        """
        self._plans = {address: _plans(name) for address, name in contracts.items()}

    @property
    def addresses(self) -> list[bytes]:
        """The contracts' addresses, for `fetch_logs`."""
        return list(self._plans)

    @property
    def topics(self) -> list[bytes]:
        """First topics of all events, for `fetch_logs`."""
        return sorted({topic for plans in self._plans.values() for topic in plans})

    def knows(self, raw: RawLog) -> bool:
        """Whether a log claims to be one of these contracts' events."""
        return bool(raw.topics) and raw.topics[0] in self._plans.get(raw.address, {})

    def decode(self, raw: RawLog) -> Log:
        """The typed event of a log.

        Raises:
            MalformedLogError: it isn't one of these contracts' events, or its bytes don't fit.
        """
        return Log(*raw[:7], self.event(raw))

    def event(self, raw: RawLog) -> Any:
        """The typed event alone; errors as `decode`."""
        plan = self._plans.get(raw.address, {}).get(raw.topics[0] if raw.topics else b"")
        if plan is None:
            raise MalformedLogError("A log is of no event that this contract has.")
        return _event(plan, raw.topics[1:], raw.data)

    def events(self, raws: Sequence[RawLog]) -> list[Any]:
        """The typed event of each log, None for one that `event` refuses; many of a kind are read by columns."""
        kinds: dict[tuple[bytes, bytes], list[int]] = {}
        for i, raw in enumerate(raws):
            kinds.setdefault((raw.address, raw.topics[0] if raw.topics else b""), []).append(i)
        events: list[Any] = [None] * len(raws)
        for (address, topic), places in kinds.items():
            plan = self._plans.get(address, {}).get(topic)
            if plan is not None:
                for i, event in zip(places, _events_of(plan, [raws[i] for i in places]), strict=True):
                    events[i] = event
        return events

    def decode_known(self, raw_logs: Iterable[RawLog]) -> list[Log]:
        """The typed events among logs, in order; logs of other contracts and events are left out.

        For the logs of a transaction's receipt. Raises MalformedLogError for a known event that doesn't fit.
        """
        return [self.decode(raw) for raw in raw_logs if self.knows(raw)]


def _event(plan: _Plan, topics: Sequence[bytes], body: bytes) -> Any:
    if len(topics) != len(plan.indexed):
        raise MalformedLogError(f"A log has {len(topics)} indexed fields, not {len(plan.indexed)}.")
    values = [read(topic, 0) for read, topic in zip(plan.indexed, topics, strict=False)]
    values += plan.body(body)
    return plan.make(*values) if plan.order is None else plan.make(*(values[i] for i in plan.order))


def _events_of(plan: _Plan, raws: Sequence[RawLog]) -> list[Any]:
    """Logs of one kind as events, None where one is malformed."""
    by_columns = _by_columns(plan, raws) if plan.columns and len(raws) >= _FEWEST_FOR_COLUMNS else None
    return [_event_or_none(plan, raw) for raw in raws] if by_columns is None else by_columns


def _event_or_none(plan: _Plan, raw: RawLog) -> Any:
    try:
        return _event(plan, raw.topics[1:], raw.data)
    except MalformedLogError:
        return None


def _by_columns(plan: _Plan, raws: Sequence[RawLog]) -> list[Any] | None:
    """The events, if every one of them is well formed."""
    indexed, size = len(plan.indexed), WORD * (len(plan.columns) - len(plan.indexed))
    if any(len(raw.topics) != indexed + 1 or len(raw.data) != size for raw in raws):
        return None
    words = list(zip(*[raw.topics[1:] for raw in raws], strict=True))
    if any(len(word) != WORD for column in words for word in column):
        return None
    words += [tuple([raw.data[at : at + WORD] for raw in raws]) for at in range(0, size, WORD)]
    columns = [read(column) for read, column in zip(plan.columns, words, strict=True)]
    if any(column is None for column in columns):
        return None
    order = range(len(columns)) if plan.order is None else plan.order
    return list(map(plan.make, *(columns[i] for i in order)))  # type: ignore[arg-type]  # none is None


def _plans(contract: str) -> dict[bytes, _Plan]:
    """How to read each event of a contract, by topic."""
    entries = load_abi(contract).events
    return {entries[name].topic: _plan(entries[name], kind) for name, kind in event_classes(contract).items()}


def _plan(entry: Entry, kind: type) -> _Plan:
    if len(fields(kind)) != len(entry.inputs):
        raise TypeError(f"{kind.__name__} has other fields than the contract's event")
    indexed = [i for i, p in enumerate(entry.inputs) if p.indexed]
    body = [i for i, p in enumerate(entry.inputs) if not p.indexed]
    read_order = [*indexed, *body]
    order = tuple(read_order.index(i) for i in range(len(read_order)))
    return _Plan(
        kind,
        tuple(entry.inputs[i].reader.read for i in indexed),
        list_reader([entry.inputs[i].reader for i in body]),
        None if order == tuple(range(len(order))) else order,
        _columns([entry.inputs[i].reader for i in read_order]),
    )


def _columns(readers: Sequence[Reader]) -> tuple[ReadColumn, ...]:
    columns = [reader.column for reader in readers if reader.column is not None]
    return tuple(columns) if len(columns) == len(readers) else ()


def log_call(first: int, last: int, addresses: Sequence[bytes], topics: Sequence[bytes] = ()) -> RpcCall:
    """The JSON-RPC call for the logs of these contracts in blocks first to last, both included."""
    return _query({"fromBlock": to_quantity(first), "toBlock": to_quantity(last)}, addresses, topics)


def block_log_call(block: BlockRef, addresses: Sequence[bytes], topics: Sequence[bytes] = ()) -> RpcCall:
    """The JSON-RPC call for the logs of these contracts in exactly this block, named by its hash."""
    return _query({"blockHash": to_data(block.hash)}, addresses, topics)


def _query(where: dict[str, Json], addresses: Sequence[bytes], topics: Sequence[bytes]) -> RpcCall:
    query = {**where, "address": [to_data(address) for address in addresses]}
    if topics:
        query["topics"] = [[to_data(topic) for topic in topics]]
    return "eth_getLogs", (query,)


def parse_logs(answer: Json) -> list[RawLog]:
    """The logs in a node's answer.

    Raises:
        MalformedAnswerError: a field is missing or of another form.
    """
    try:
        return _raw_logs(answer)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedAnswerError(f"A node answered a log of another form: {error!r:.100}.") from error


def _raw_logs(answer: Json) -> list[RawLog]:
    """As `parse_logs`; what a run of logs has in common is converted once."""
    from_hex, logs = bytes.fromhex, []
    said: tuple[Json, ...] = ()
    place: tuple[Any, ...] = ()
    known: dict[str, bytes] = {}
    for log in answer:
        says = tuple([log.get(name) for name in _PLACE])
        if says != said:
            said, place = says, _place(*says)
        address = log["address"]
        if address not in known:
            known[address] = from_hex(address[2:])
        topics = tuple([from_hex(topic[2:]) for topic in log["topics"]])
        index = int(log["logIndex"], 16)
        logs.append(RawLog._make((*place, index, known[address], topics, from_hex(log["data"][2:]))))
    return logs


def _place(number: str, block_hash: str, timestamp: str | None, tx_hash: str, tx_index: str) -> tuple[Any, ...]:
    """Where logs stand: RawLog's first five fields."""
    seconds = None if timestamp is None else int(timestamp, 16)
    return int(number, 16), bytes.fromhex(block_hash[2:]), seconds, bytes.fromhex(tx_hash[2:]), int(tx_index, 16)


def fetch_logs(
    rpc: RpcClient, first: int, last: int, addresses: Sequence[bytes], topics: Sequence[bytes] = ()
) -> list[RawLog]:
    """Logs of these contracts in blocks first to last, both included, in chain order.

    A range that the node finds too long is halved until it answers. A node that lags answers a
    range that it hasn't reached with nothing, and each half may see another chain: a caller that
    follows the head compares block hashes (`log_call` and a header in one batch).
    """
    try:
        return parse_logs(rpc.batch([log_call(first, last, addresses, topics)])[0])
    except RpcRejectedError:
        if first >= last:
            raise
    middle = (first + last) // 2
    return [
        *fetch_logs(rpc, first, middle, addresses, topics),
        *fetch_logs(rpc, middle + 1, last, addresses, topics),
    ]
