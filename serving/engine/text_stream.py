"""Tokens to text as they come: never half a character, and never a part of a stop string."""

import codecs
from collections.abc import Sequence


class TextStream:
    """The text of one answer, released as soon as nothing that may follow can change it.

    The pieces that `push` and `finish` release, put together, are the decoded text of all tokens up to the first
    stop string, which is not part of it.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(stop)
        self._held = ""
        self.stopped = False

    def push(self, token_bytes: bytes) -> str:
        """Text released by the next token; sets `stopped` if it completes a stop string."""
        return self._release(self._decoder.decode(token_bytes))

    def finish(self) -> str:
        """Whatever is still held when no token follows."""
        if self.stopped:
            return ""
        released = self._release(self._decoder.decode(b"", final=True))
        released, self._held = released + self._held, ""
        return released

    def _release(self, text: str) -> str:
        self._held += text
        places = [place for stop in self._stop if (place := self._held.find(stop)) >= 0]
        if places:
            self.stopped = True
            released, self._held = self._held[: min(places)], ""
            return released
        keep = self._pending()
        released, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return released

    def _pending(self) -> int:
        """Length of the longest end of the held text that begins a stop string."""
        longest = max((len(stop) - 1 for stop in self._stop), default=0)
        for length in range(min(longest, len(self._held)), 0, -1):
            tail = self._held[-length:]
            if any(stop.startswith(tail) for stop in self._stop):
                return length
        return 0
