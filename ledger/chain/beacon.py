"""Blobs from a beacon node: what travelled beside L1 blocks, kept there for about 18 days.

Nothing is verified here: a beacon node can lie, and callers check each blob against its versioned
hash. Real nodes address blocks by slot; anvil, which has no slots, by execution block number.
Source: Ethereum beacon APIs, getGenesis, getSpec, getBlobs.
"""

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

import httpx
from pydantic_core import from_json

from ledger.chain.blocks import BlockRef
from ledger.chain.endpoint import Endpoint, exchange
from ledger.chain.quantities import Json, data, member, to_data
from ledger.errors import (
    BeaconUnavailableError,
    BlobNotAvailableError,
    MalformedAnswerError,
    RetryableError,
    RpcRateLimitedError,
    RpcRejectedError,
    RpcUnavailableError,
)
from ledger.protocol.blob import kzg
from ledger.protocol.blob.layout import BLOB_BYTES

_SSZ: Final = "application/octet-stream"
_ROUNDS: Final = 3
_PAUSE_SECONDS: Final = 0.5


class BeaconClient:
    """Blobs by L1 block and versioned hash, from the first endpoint that has them. Thread-safe."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        timeout_seconds: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the endpoints in order of preference; nothing is asked yet."""
        if not urls:
            raise BeaconUnavailableError("No beacon address is set.")
        self._endpoints = [Endpoint(url) for url in urls]
        self._client = httpx.Client(timeout=timeout_seconds, transport=transport)
        self._sleep = sleep

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def blobs(self, l1_block: BlockRef, versioned_hashes: Sequence[bytes]) -> list[bytes]:
        """What the node says these blobs are, in the order asked; unverified.

        Raises:
            BlobNotAvailableError: no endpoint has one of them (now, or any more).
            BeaconUnavailableError: no endpoint answers.
        """
        return [self.blob(l1_block, versioned_hash) for versioned_hash in versioned_hashes]

    def blob(self, l1_block: BlockRef, versioned_hash: bytes) -> bytes:
        """What the node says this blob is: 131,072 bytes, unverified. Errors as `blobs`."""
        block_id = self._block_id(l1_block)
        # One hash a request: how several are laid into one query differs between clients.
        path = f"/eth/v1/beacon/blobs/{block_id}?versioned_hashes={to_data(versioned_hash)}"
        faults: list[RetryableError] = []
        for endpoint in self._endpoints:
            try:
                found = _blobs_of(self._get(endpoint, path))
                return found[0] if len(found) == 1 else _choose(found, versioned_hash, l1_block)
            except (BlobNotAvailableError, BeaconUnavailableError, MalformedAnswerError) as error:
                faults.append(error)
        missing = [fault for fault in faults if isinstance(fault, BlobNotAvailableError)]
        raise (missing or faults)[0]

    def _block_id(self, l1_block: BlockRef) -> int:
        if self._slots is None:
            return l1_block.number
        genesis, seconds_per_slot = self._slots
        return (l1_block.timestamp - genesis) // seconds_per_slot

    @cached_property
    def _slots(self) -> tuple[int, int] | None:
        """(genesis time, seconds per slot), or None where a node keeps no beacon chain."""
        spec = self._first("/eth/v1/config/spec")
        if spec.status_code == 404:
            return None
        genesis = _field(_json(self._first("/eth/v1/beacon/genesis")), "genesis_time")
        return genesis, _field(_json(spec), "SECONDS_PER_SLOT")

    def _first(self, path: str) -> httpx.Response:
        """The answer of the first endpoint that gives one."""
        faults: list[BeaconUnavailableError] = []
        for endpoint in self._endpoints:
            try:
                return self._get(endpoint, path)
            except BeaconUnavailableError as error:
                faults.append(error)
        raise faults[0]

    def _get(self, endpoint: Endpoint, path: str) -> httpx.Response:
        """One endpoint's answer, asked up to three times."""
        request = self._client.build_request(
            "GET", endpoint.url.rstrip("/") + path, headers={"accept": f"{_SSZ};q=1.0,application/json;q=0.9"}
        )
        for attempt in range(1, _ROUNDS + 1):
            try:
                with endpoint.allowance.slot():
                    answer = exchange(self._client, endpoint.name, request)
            except RpcRejectedError as error:
                raise MalformedAnswerError(str(error)) from error
            except RpcUnavailableError as error:
                if isinstance(error, RpcRateLimitedError):
                    endpoint.allowance.throttled()
                if attempt == _ROUNDS:
                    raise BeaconUnavailableError(f"The beacon endpoint is out of reach: {error}") from error
                asked = getattr(error, "retry_after_seconds", None)
                self._sleep(_PAUSE_SECONDS * attempt if asked is None else asked)
            else:
                endpoint.allowance.answered()
                return answer
        raise AssertionError  # the loop returns or raises


def _json(response: httpx.Response) -> Json:
    try:
        return from_json(response.content)
    except ValueError as error:
        raise MalformedAnswerError("A beacon endpoint answered no JSON.") from error


def _field(answer: Json, name: str) -> int:
    """A decimal number out of an answer's `data` object."""
    value = member(member(answer, "data"), name)
    if isinstance(value, str) and value.isdigit():
        return int(value)
    raise MalformedAnswerError(f"A beacon endpoint answered {value!r:.40} as {name}.")


def _blobs_of(response: httpx.Response) -> list[bytes]:
    """The blobs of a getBlobs answer, as SSZ or JSON.

    Raises:
        BlobNotAvailableError: the node has no such block, or no such blob in it.
    """
    if response.status_code != 200:
        raise BlobNotAvailableError(f"The beacon endpoint has no such blob (HTTP {response.status_code}).")
    if response.headers.get("content-type", "").startswith(_SSZ):
        raw = response.content
        found = [raw[at : at + BLOB_BYTES] for at in range(0, len(raw), BLOB_BYTES)]
    else:
        found = [data(item) for item in member(_json(response), "data")]
    if not found:
        raise BlobNotAvailableError("The beacon endpoint has no such blob in that block.")
    if any(len(blob) != BLOB_BYTES for blob in found):
        raise MalformedAnswerError(f"A beacon endpoint answered a blob that is not {BLOB_BYTES} bytes.")
    return found


def _choose(found: Sequence[bytes], versioned_hash: bytes, l1_block: BlockRef) -> bytes:
    """The blob with this hash, where a node ignores the filter and answers the whole block's."""
    for blob in found:
        if kzg.versioned_hash(kzg.kzg_commitment(blob)) == versioned_hash:
            return blob
    raise BlobNotAvailableError(
        f"The beacon endpoint has no blob {to_data(versioned_hash)} in block {l1_block.number}."
    )
