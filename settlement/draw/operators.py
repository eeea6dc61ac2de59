"""Asking an operator to open a receipt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx

from ledger.errors import MalformedInputError, UpstreamUnavailableError
from ledger.protocol.hexadecimal import checksum_address, to_hex
from ledger.protocol.opening import Opening, asking_digest, parse_opening
from ledger.protocol.signature import sign
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coincurve import PrivateKey

    from ledger.protocol.consent import AuditConsent
    from settlement.draw.drawing import Drawn

LARGEST_OPENING_BYTES = 64 * 1024 * 1024
_SECONDS_TO_ANSWER = 20.0
_SECONDS_TO_END = 120.0
"""An answer that trickles on after that is none: one operator must not hold up an attester."""


class Operators:
    """The gateways of the operators, by address."""

    def __init__(self, urls: Mapping[bytes, str], key: PrivateKey, clock: Callable[[], int]) -> None:
        """Take where each operator answers, the attester's key, and the clock that gateways go by."""
        self._urls = urls
        self._key = key
        self._clock = clock
        self._client = httpx.Client(
            timeout=_SECONDS_TO_ANSWER, trust_env=False, headers={"accept-encoding": "identity"}
        )

    @property
    def known(self) -> frozenset[bytes]:
        """Operators whose address is known."""
        return frozenset(self._urls)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def deliver(self, consent: AuditConsent, signature: bytes) -> int:
        """Hands a consent to the operator's gateway; the second from which it surely keeps what it covers.

        Raises:
            UpstreamUnavailableError: it does not take it.
        """
        stated = {
            "payer": to_hex(consent.payer),
            "operator": to_hex(consent.operator),
            "validFrom": consent.valid_from,
            "validUntil": consent.valid_until,
        }
        url = self._urls.get(consent.operator)
        try:
            body = {"consent": stated, "signature": to_hex(signature)}
            with self._client.stream("POST", f"{url}/v1/consents", json=body) as answer:
                content = _read(answer)
        except (httpx.HTTPError, MalformedInputError) as error:
            raise UpstreamUnavailableError(f"the operator does not answer ({error!r})") from error
        if answer.status_code != httpx.codes.CREATED:
            said = content[:200].decode(errors="replace")
            raise UpstreamUnavailableError(f"the operator does not take the consent: {said}")
        return self._clock() + CLOCK_TOLERANCE_SECONDS

    def open(self, drawn: Drawn) -> Opening:
        """What the operator answers.

        Raises:
            UpstreamUnavailableError: nothing, or a refusal.
            MalformedInputError: no opening.
        """
        url = self._urls.get(drawn.operator)
        if url is None:
            raise UpstreamUnavailableError(f"no address of operator {checksum_address(drawn.operator)} is known")
        now = self._clock()
        signature = sign(asking_digest(drawn.lane, drawn.seq, now), self._key)
        headers = {"x-signed-at": str(now), "x-attester-signature": to_hex(signature)}
        try:
            with self._client.stream("GET", f"{url}/v1/openings/{drawn.lane}/{drawn.seq}", headers=headers) as answer:
                content = _read(answer)
        except httpx.HTTPError as error:
            raise UpstreamUnavailableError(f"the operator does not answer ({error!r})") from error
        if answer.status_code != httpx.codes.OK:
            said = content[:200].decode(errors="replace")
            raise UpstreamUnavailableError(f"the operator answers {answer.status_code}: {said}")
        return parse_opening(content)


def _read(answer: httpx.Response) -> bytes:
    """The body, as long as it is neither too large nor too slow."""
    content, end = bytearray(), time.monotonic() + _SECONDS_TO_END
    for part in answer.iter_raw():  # never unpacked: a small answer could be a large one
        content += part
        if len(content) > LARGEST_OPENING_BYTES:
            raise MalformedInputError("the opening is larger than an attester reads")
        if time.monotonic() > end:
            raise UpstreamUnavailableError(f"the operator has not answered in {_SECONDS_TO_END:.0f} s")
    return bytes(content)
