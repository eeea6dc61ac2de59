"""Which adapters are in memory, and that each of them is the registered one.

Adapters are known by their content hash. One is loaded when it is first asked for, counted while it is in use, and
evicted by least recent use when another needs the room; one in use is never evicted. While a load waits for room, new
requests for adapters in memory wait behind it, so that popular adapters cannot keep the others out; a load that nobody
waits for any more gives up, so that asking and going away holds up nobody.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ledger.errors import AdapterMismatchError, CheckpointError, EngineStoppedError
from ledger.protocol.content import ContentFile, content_hash
from serving.engine.adapter import AdapterWeights, read_adapter
from serving.engine.checkpoint import ModelShape
from serving.engine.files import read_folder
from serving.engine.request import AdapterReference
from serving.engine.settings import MEBIBYTE, EngineSettings

LOADS_AT_ONCE = 2
BESIDE_WEIGHTS_BYTES = 16 * MEBIBYTE

VerifyAdapter = Callable[[AdapterReference, Sequence[ContentFile]], None]


def verify_content_hash(reference: AdapterReference, files: Sequence[ContentFile]) -> None:
    """Accepts the files if they are the content that the reference names.

    Raises:
        AdapterMismatchError: they are not.
    """
    if content_hash(files) != reference.content_hash:
        raise AdapterMismatchError(
            f"The files of adapter {reference.name} are not the registered content; it is not served."
        )


@dataclass(slots=True, eq=False)
class _Entry:
    loading: asyncio.Task[AdapterWeights]
    users: int = 0
    size_bytes: int = 0


class Lease:
    """An adapter's weights, counted as in use until they are released; releasing twice changes nothing.

    As a context it gives the weights, and releases them at its end.
    """

    def __init__(self, weights: AdapterWeights, release: Callable[[], None]) -> None:
        self.weights = weights
        self._release: Callable[[], None] | None = release

    def __enter__(self) -> AdapterWeights:
        return self.weights

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Lets the adapter be evicted, as far as this holder goes."""
        release, self._release = self._release, None
        if release is not None:
            release()


class _UnwantedError(Exception):
    """Whoever asked for this load has gone away."""


class AdapterStore:
    """Adapters in memory, within a budget. All methods belong to one event loop; files are read in threads.

    Attributes:
        resident_bytes: memory that the adapters take.
    """

    def __init__(self, shape: ModelShape, settings: EngineSettings, verify: VerifyAdapter) -> None:
        self._shape = shape
        self._max_rank = settings.max_lora_rank
        self._budget_bytes = settings.adapter_memory_bytes
        self._verify = verify
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._threads = ThreadPoolExecutor(LOADS_AT_ONCE, thread_name_prefix="adapter-load")
        self._loads = asyncio.Semaphore(LOADS_AT_ONCE)
        self._released = asyncio.Event()
        self._waiting_for_room = 0
        self.resident_bytes = 0
        self._room_made = asyncio.Event()
        self._closed = False

    @property
    def resident(self) -> tuple[bytes, ...]:
        """Content hashes of the adapters in memory, the least recently used first."""
        return tuple(key for key, entry in self._entries.items() if entry.size_bytes)

    def users(self, key: bytes) -> int:
        """Requests that hold this adapter now, or wait for it."""
        entry = self._entries.get(key)
        return entry.users if entry else 0

    async def acquire(self, reference: AdapterReference) -> Lease:
        """The adapter's weights, kept in memory until the lease is released.

        Raises:
            AdapterMismatchError: the files are not the registered content.
            CheckpointError: they are unreadable, unfit for the base, or larger than the whole budget.
            EngineStoppedError: the engine stopped meanwhile.
        """
        while self._waiting_for_room and reference.content_hash in self.resident:
            self._room_made.clear()
            await self._room_made.wait()
        if self._closed:
            raise EngineStoppedError
        entry = self._entry(reference)
        entry.users += 1
        try:
            return Lease(await _loaded(entry), lambda: self._release(entry))
        except BaseException:
            self._release(entry)
            raise

    async def close(self) -> None:
        """Ends loads under way and frees everything; who still waits gets EngineStoppedError."""
        self._closed = True
        loads = [entry.loading for entry in self._entries.values() if not entry.loading.done()]
        for load in loads:
            load.cancel()
        await asyncio.gather(*loads, return_exceptions=True)
        self._entries.clear()
        self.resident_bytes = 0
        self._threads.shutdown(wait=True)

    def _release(self, entry: _Entry) -> None:
        entry.users -= 1
        self._released.set()

    def _entry(self, reference: AdapterReference) -> _Entry:
        key = reference.content_hash
        entry = self._entries.get(key)
        if entry is None:
            entry = _Entry(asyncio.create_task(self._load(reference)))
            entry.loading.add_done_callback(_observe)
            self._entries[key] = entry
        self._entries.move_to_end(key)
        return entry

    async def _load(self, reference: AdapterReference) -> AdapterWeights:
        """Reads, verifies and makes room; the entry goes again if any of it fails."""
        key = reference.content_hash
        try:
            async with self._loads:
                loop = asyncio.get_running_loop()
                weights = await loop.run_in_executor(self._threads, self._read, reference)
                entry = self._entries[key]
                await self._make_room(entry, weights.size_bytes)
                entry.size_bytes = weights.size_bytes
                self.resident_bytes += weights.size_bytes
                return weights
        except BaseException:
            self._entries.pop(key, None)
            raise

    def _read(self, reference: AdapterReference) -> AdapterWeights:
        folder = read_folder(reference.path, self._budget_bytes + BESIDE_WEIGHTS_BYTES)
        self._verify(reference, folder.listing())
        weights = read_adapter(folder, self._shape, self._max_rank)
        if weights.size_bytes > self._budget_bytes:
            raise CheckpointError(f"Adapter {reference.name} is larger than the whole adapter memory.")
        return weights

    async def _make_room(self, wanted: _Entry, needed_bytes: int) -> None:
        """Evicts idle adapters, the least recently used first; waits for a release while all are in use."""
        self._waiting_for_room += 1
        try:
            while not self._evict_idle(needed_bytes):
                if not wanted.users:
                    raise _UnwantedError
                self._released.clear()
                await self._released.wait()
        finally:
            self._waiting_for_room -= 1
            self._room_made.set()

    def _evict_idle(self, needed_bytes: int) -> bool:
        for key in self.resident:
            if self.resident_bytes + needed_bytes <= self._budget_bytes:
                return True
            if self._entries[key].users == 0:
                self.resident_bytes -= self._entries.pop(key).size_bytes
        return self.resident_bytes + needed_bytes <= self._budget_bytes


async def _loaded(entry: _Entry) -> AdapterWeights:
    """The weights once they are there; an asker that is cancelled leaves the load to the others."""
    try:
        return await asyncio.shield(entry.loading)
    except asyncio.CancelledError:
        if entry.loading.cancelled():
            raise EngineStoppedError from None
        raise


def _observe(load: asyncio.Task[AdapterWeights]) -> None:
    """Marks a failure as seen, so that a load whose askers have all gone away leaves no warning."""
    if not load.cancelled():
        load.exception()
