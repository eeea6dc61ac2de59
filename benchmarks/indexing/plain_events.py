"""An ordinary event log into PostgreSQL: by the indexer's engine, and by a bare loop that does nothing but that."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
from pydantic_core import from_json, to_json

from benchmarks.indexing.event_log import CHAIN_ID, EventLog
from benchmarks.measuring.timing import Prepared
from indexer.following.follower import Follower
from indexer.following.source import ChainSource, Filter
from indexer.following.store import ChainStore
from indexer.rebuild import forget_everything
from indexer.rows.interpret import Interpreter
from ledger.chain.logs import LogDecoder
from ledger.chain.rpc import RpcClient
from ledger.db.session import connect

BLOCKS_AT_ONCE = 200
BARE_TABLE = """
CREATE TABLE IF NOT EXISTS bare_transfers (block_number BIGINT, log_index INTEGER, tx_hash BYTEA, sender BYTEA,
    recipient BYTEA, amount NUMERIC, PRIMARY KEY (block_number, log_index))
"""


class PlainEvents:
    """One log and one database; `engine` and `bare` each make a contender that starts from an empty table."""

    def __init__(self, log: EventLog, database_url: str) -> None:
        self._log = log
        self._url = database_url
        with connect(database_url, application_name="benchmark") as connection:
            connection.execute(BARE_TABLE)

    def engine(self) -> Prepared:
        """The indexer: linked or final blocks, checked answers, typed events, cursor and rows in one transaction."""
        forget_everything(self._url)
        return self._index

    def bare(self) -> Prepared:
        """eth_getLogs, the three fields of each log, COPY; the next answer is fetched while one is written."""
        with connect(self._url, application_name="benchmark") as connection:
            connection.execute("TRUNCATE bare_transfers")
        return self._copy

    def _index(self) -> None:
        contracts = {self._log.token: "TestToken"}
        with closing(RpcClient([self._log.url], CHAIN_ID)) as rpc, closing(ChainStore(self._url, CHAIN_ID)) as store:
            source = ChainSource(rpc, Filter((self._log.token,)))
            interpreter = Interpreter(CHAIN_ID, LogDecoder(contracts), None)
            follower = Follower(source, store, interpreter, first_block=0, deployment_hash=bytes(32))
            while not follower.step().caught_up:
                pass
        self._check("events")

    def _copy(self) -> None:
        columns = "block_number, log_index, tx_hash, sender, recipient, amount"
        with connect(self._url, application_name="benchmark") as connection:
            for rows in self._rows():
                with connection.cursor().copy(f"COPY bare_transfers ({columns}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                connection.commit()
        self._check("bare_transfers")

    def _rows(self) -> Iterator[list[tuple[Any, ...]]]:
        starts = range(0, self._log.last_block + 1, BLOCKS_AT_ONCE)
        with httpx.Client(timeout=60, trust_env=False) as client, ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self._fetch, client, starts[0])
            for start in starts[1:]:
                ready, ahead = ahead, pool.submit(self._fetch, client, start)
                yield ready.result()
            yield ahead.result()

    def _fetch(self, client: httpx.Client, first: int) -> list[tuple[Any, ...]]:
        query = {"address": "0x" + self._log.token.hex(), "fromBlock": hex(first)}
        query["toBlock"] = hex(min(first + BLOCKS_AT_ONCE - 1, self._log.last_block))
        body = to_json({"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [query]})
        answer = client.post(self._log.url, content=body, headers={"content-type": "application/json"})
        return [bare_row(log) for log in from_json(answer.content, cache_strings="keys")["result"]]

    def _check(self, table: str) -> None:
        with connect(self._url, application_name="benchmark") as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        if row is None or row[0] != self._log.events:
            raise AssertionError(f"{table} holds {row} of {self._log.events} events")


def bare_row(log: dict[str, Any]) -> tuple[Any, ...]:
    """What a hand-written loop keeps of a transfer."""
    _, sender, recipient = log["topics"]
    return (
        int(log["blockNumber"], 16), int(log["logIndex"], 16), bytes.fromhex(log["transactionHash"][2:]),
        bytes.fromhex(sender[26:]), bytes.fromhex(recipient[26:]), int(log["data"], 16),
    )  # fmt: skip
