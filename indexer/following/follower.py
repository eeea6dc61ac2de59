"""Keeps one chain's rows in step with the chain: backfill, the head, and reorganisations, one step at a time."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import structlog

from indexer.following.ranges import LinkedSize, RangeSize
from ledger.errors import ReorgTooDeepError, RetryableError, RpcRejectedError, RpcUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from indexer.following.source import ChainSource, Run
    from indexer.following.store import ChainStore
    from indexer.rows.decoding import Decoded
    from indexer.rows.interpret import Interpreter
    from ledger.chain.blocks import BlockRef, Heads

LINKED_BLOCKS = 90
"""Blocks of a linked run: with the log queries they fit one JSON-RPC request."""

AHEAD = 2
"""Runs that are fetched while one is being written."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a chain's rows stand after a step."""

    tip: BlockRef
    head: BlockRef
    logs: int

    @property
    def caught_up(self) -> bool:
        return self.tip.number >= self.head.number


class Read(NamedTuple):
    """A run of blocks with its logs as events."""

    run: Run
    events: list[Decoded]


class Follower:
    """Follows one chain. Each `step` leaves the database consistent; a crash between or within steps loses nothing."""

    def __init__(
        self,
        source: ChainSource,
        store: ChainStore,
        interpreter: Interpreter,
        *,
        first_block: int,
        deployment_hash: bytes,
        report: Callable[[Progress], None] = lambda _progress: None,
    ) -> None:
        """Take what is followed and where it is kept.

        Args:
            source: the chain.
            store: the chain's rows.
            interpreter: logs to rows.
            first_block: the first block that can hold a log of ours.
            deployment_hash: which contracts the rows are of.
            report: told after each write, and after each look that found nothing new.
        """
        self._source = source
        self._store = store
        self._interpreter = interpreter
        self._first_block = first_block
        self._deployment_hash = deployment_hash
        self._report = report
        self._size = RangeSize()
        self._linked = LinkedSize(LINKED_BLOCKS)

    def step(self) -> Progress:
        """Bring the rows closer to the chain: to its finalized block in many writes, above it by one linked run.

        Raises:
            RetryableError: the chain or the database is away or moved; the rows are as before, or further.
            ReorgTooDeepError: the chain replaced a block that it had called final.
            LaneFencedError: another indexer writes.
        """
        heads = self._source.heads()
        tip = self._reconcile(self._tip(), heads)
        if tip.number < heads.finalized.number:
            return self._backfill(tip, heads)
        if tip.number < heads.latest.number:
            return self._write(tip, self._read(self._linked_run(tip, heads)), heads)
        self._store.note_heads(tip, heads)
        progress = Progress(tip, heads.latest, 0)
        self._report(progress)
        return progress

    def _tip(self) -> BlockRef:
        tip = self._store.tip(self._deployment_hash)
        if tip is None:
            (start,) = self._source.blocks([max(0, self._first_block - 1)])
            self._store.begin(start, self._deployment_hash)
            return start
        return tip

    def _linked_run(self, tip: BlockRef, heads: Heads) -> Run:
        """The next blocks above what is final, fewer after a failure: some nodes refuse a request of many calls."""
        blocks = min(heads.latest.number - tip.number, self._linked.blocks)
        try:
            run = self._source.linked_run(tip, tip.number + blocks)
        except (RetryableError, RpcRejectedError) as error:
            self._linked.failed(blocks)
            if blocks == 1 or isinstance(error, RetryableError):
                raise
            return self._linked_run(tip, heads)
        self._linked.answered()
        return run

    def _read(self, run: Run) -> Read:
        return Read(run, self._interpreter.decode(run.logs))

    def _fetch(self, first: int, last: int) -> Read:
        """A final run with its events, in a thread ahead of the writer."""
        return self._read(self._source.run(first, last))

    def _write(self, tip: BlockRef, read: Read, heads: Heads) -> Progress:
        run = read.run
        rows = self._interpreter.interpret(read.events, run.timestamps, self._store.filling)
        self._store.advance(tip, run, rows, heads)
        progress = Progress(run.last, heads.latest, len(run.logs))
        self._report(progress)
        return progress

    def _backfill(self, tip: BlockRef, heads: Heads) -> Progress:
        progress = Progress(tip, heads.latest, 0)
        for read in self._runs(tip.number + 1, heads.finalized.number):
            progress = self._write(progress.tip, read, heads)
        return progress

    def _runs(self, first: int, last: int) -> Iterator[Read]:
        """Final blocks first to last in runs, the next ones fetched while the caller writes."""
        ahead: deque[tuple[int, int, Future[Read]]] = deque()
        pool = ThreadPoolExecutor(AHEAD, thread_name_prefix=f"fetch-{self._source.chain_id}")
        try:
            while ahead or first <= last:
                while len(ahead) < AHEAD and first <= last:
                    end = min(last, first + self._size.blocks - 1)
                    ahead.append((first, end, pool.submit(self._fetch, first, end)))
                    first = end + 1
                start, end, future = ahead.popleft()
                try:
                    read = future.result()
                except (RpcRejectedError, RpcUnavailableError) as error:
                    # Too long a range is refused by some nodes and simply not finished in time by others.
                    self._size.refused(end - start + 1)
                    if start == end or isinstance(error, RpcUnavailableError):
                        raise
                    ahead.clear()
                    first = start
                    continue
                self._size.answered(end - start + 1, len(read.events), read.run.size_bytes)
                yield read
        finally:
            # What is being fetched is of no use any more, whoever stopped asking.
            pool.shutdown(wait=False, cancel_futures=True)

    def _reconcile(self, tip: BlockRef, heads: Heads) -> BlockRef:
        """The block to go on from: the tip, or after a reorganisation the last block that chain and rows share.

        Compared by hash, never by height: a node that lags names a block that is stored, and nothing is undone.
        """
        height = min(tip.number, heads.latest.number)
        stored = self._store.blocks_from(height)
        if not stored or stored[0].number < height:
            if height < tip.number:
                return tip  # the node is behind even what is final
            raise ReorgTooDeepError(self._too_deep(tip.number))
        if stored[0].hash == self._hash_at(height, heads):
            return tip
        block = self._last_common(stored)
        _log.warning("reorg_found", chain_id=self._source.chain_id, tip=tip.number, common=block.number)
        self._store.roll_back(tip, block)
        return block

    def _last_common(self, stored: Sequence[BlockRef]) -> BlockRef:
        """The highest of the stored blocks that the chain still has."""
        for at in range(0, len(stored), LINKED_BLOCKS):
            ours = stored[at : at + LINKED_BLOCKS]
            theirs = self._source.blocks([block.number for block in ours])
            for block, canonical in zip(ours, theirs, strict=True):
                if block.hash == canonical.hash:
                    return block
        raise ReorgTooDeepError(self._too_deep(stored[-1].number))

    def _hash_at(self, number: int, heads: Heads) -> bytes:
        if number == heads.latest.number:
            return heads.latest.hash
        return self._source.blocks([number])[0].hash

    def _too_deep(self, number: int) -> str:
        return (
            f"{self._source.name} replaced block {number}, which it had called final. If this is another chain than"
            " the one that was indexed (a devnet started afresh), run `tributary index --rebuild`."
        )
