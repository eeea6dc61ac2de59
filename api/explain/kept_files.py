"""Files that never change once they are made: a folder, a name for each, the oldest unread ones dropped."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)


class KeptFiles:
    """A folder of files by name. Safe for threads and processes: a file appears whole or not at all."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._making: dict[str, tuple[threading.Lock, int]] = {}
        self._lock = threading.Lock()

    def get_or_make(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The file's bytes; made and kept if it is not there. Two readers at once make it once."""
        with self._turn(name):
            path = self._folder / name
            with suppress(OSError):
                content = path.read_bytes()
                with suppress(OSError):
                    os.utime(path)
                return content
            content = make()
            try:
                self._keep(path, content)
            except OSError as error:  # a full disk keeps nobody from an answer
                _log.warning("answer_not_kept", folder=str(self._folder), error=str(error))
        return content

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        """One reader of a name at a time; a name is forgotten with its last reader, whatever happened."""
        with self._lock:
            lock, readers = self._making.get(name, (threading.Lock(), 0))
            self._making[name] = (lock, readers + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, readers = self._making[name]
                if readers > 1:
                    self._making[name] = (lock, readers - 1)
                else:
                    del self._making[name]

    def _keep(self, path: Path, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=self._folder, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(part).replace(path)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Keep the folder below its bound, by when a file was last read."""
        found = []
        for path in self._folder.iterdir():
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # another process dropped it
            found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size
