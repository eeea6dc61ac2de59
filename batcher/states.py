"""Where a job stands, and which states are its ends."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """See the picture in `batcher`."""

    SELECTED = "selected"
    ENCODED = "encoded"
    POSTED = "posted"
    STORED = "stored"
    """The blobs are behind the Alt-DA server, and were read back from there."""
    ATTESTED = "attested"
    COMMITTED = "committed"
    FINALIZED = "finalized"
    VOIDED = "voided"
    """A challenge proved a fault of this filling; the receipts do not pay until the next one is committed."""
    SUPERSEDED = "superseded"
    """Another process committed other receipts under the same sequence numbers."""
    FAULTED = "faulted"
    """The job can't go on; `fault` says why."""


UNCOMMITTED = (State.SELECTED, State.ENCODED, State.POSTED, State.STORED, State.ATTESTED)
"""States in which the L2 ledger does not have the batch yet."""


class Layer(StrEnum):
    """Where a job's blobs go."""

    ETHEREUM = "ethereum"
    ALTDA = "altda"


class Purpose(StrEnum):
    """What a transaction of the batcher brings about."""

    AUTHORIZE = "authorize"
    POST = "post"
    RELAY = "relay"
    COMMIT = "commit"
    FINALIZE = "finalize"
    REFUND = "refund"
    POST_DEMANDED = "post_demanded"
    """A post of the blobs of an unattested batch that somebody demanded."""
    ANSWER = "answer"
