"""How a node can fail, for the pool to judge; the client never sees these."""

from __future__ import annotations

from enum import StrEnum

from ledger.errors import RetryableError


class Fault(StrEnum):
    """What a node did wrong. The first four close it at once, the others when they come in a row, or not at all."""

    UNREACHABLE = "unreachable"
    GARBAGE = "garbage"
    DENIED = "denied"
    SLOW = "slow"
    BROKEN = "broken"
    BUSY = "busy"
    NO_MODEL = "no_model"


AT_ONCE = frozenset({Fault.UNREACHABLE, Fault.GARBAGE, Fault.DENIED, Fault.SLOW})
HARMLESS = frozenset({Fault.BUSY, Fault.NO_MODEL})
"""The node is well; it only can't take this request now."""


class NodeFailedError(RetryableError):
    """A node did not answer as it should; another one may."""

    def __init__(self, fault: Fault, sentence: str, retry_after_seconds: float | None = None) -> None:
        """Keep what it did wrong, and when it wants to be asked again."""
        super().__init__(sentence)
        self.fault = fault
        self.retry_after_seconds = retry_after_seconds
