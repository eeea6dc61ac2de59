"""A server behind the gateway as metrics and readiness see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeState:
    """How one node stands. `units`: tokens of work that it has been given and did not finish."""

    name: str
    state: str
    running: int
    units: int
    adapters: int
    first_token_p99_seconds: float | None
    faults: Mapping[str, int]

    @property
    def is_up(self) -> bool:
        """Whether it gets new requests."""
        return self.state == "closed"
