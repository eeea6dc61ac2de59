"""Asking an operator to open a receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from pydantic_core import to_json

from ledger.errors import MalformedAnswerError, MalformedInputError, UpstreamUnavailableError
from ledger.http_exchange import Bounds, exchange
from ledger.protocol.hexadecimal import checksum_address, to_hex
from ledger.protocol.opening import Opening, asking_digest, parse_opening
from ledger.protocol.signature import sign
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coincurve import PrivateKey

    from ledger.http_exchange import Answer
    from ledger.protocol.consent import AuditConsent
    from settlement.draw.drawing import Drawn

LARGEST_OPENING_BYTES = 64 * 1024 * 1024
_SECONDS_TO_ANSWER = 20.0
_SECONDS_TO_END = 120.0
"""An answer that trickles on after that is none: one operator must not hold up an attester."""


class OperatorAwayError(UpstreamUnavailableError):
    """An operator's gateway gives no answer, or none that ends: to ask it at once for something else would take as long."""


class Operators:
    """The gateways of the operators, by address."""

    def __init__(self, urls: Mapping[bytes, str], key: PrivateKey, clock: Callable[[], int]) -> None:
        """Take where each operator answers, the attester's key, and the clock that gateways go by."""
        self._urls = urls
        self._key = key
        self._clock = clock

    @property
    def known(self) -> frozenset[bytes]:
        """Operators whose address is known."""
        return frozenset(self._urls)

    def deliver(self, consent: AuditConsent, signature: bytes) -> int:
        """Hands a consent to the operator's gateway; the second from which it surely keeps what it covers.

        Raises:
            UpstreamUnavailableError: it does not take it.
        """
        body = to_json(consent.signed_json(signature))
        try:
            answer = self._ask("POST", consent.operator, "/v1/consents", content=body)
        except MalformedAnswerError as error:
            raise UpstreamUnavailableError(f"the operator's answer can't be read ({error})") from error
        if answer.status != httpx.codes.CREATED:
            said = answer.content[:200].decode(errors="replace")
            raise UpstreamUnavailableError(f"the operator does not take the consent: {said}")
        return self._clock() + CLOCK_TOLERANCE_SECONDS

    def open(self, drawn: Drawn) -> Opening:
        """What the operator answers.

        Raises:
            OperatorAwayError: nothing.
            UpstreamUnavailableError: a refusal, or no address of it is known.
            MalformedInputError: no opening.
        """
        now = self._clock()
        signature = sign(asking_digest(drawn.lane, drawn.seq, now), self._key)
        headers = {"x-signed-at": str(now), "x-attester-signature": to_hex(signature)}
        try:
            answer = self._ask("GET", drawn.operator, f"/v1/openings/{drawn.lane}/{drawn.seq}", headers=headers)
        except MalformedAnswerError as error:
            raise MalformedInputError("the opening is larger than an attester reads") from error
        if answer.status != httpx.codes.OK:
            said = answer.content[:200].decode(errors="replace")
            raise UpstreamUnavailableError(f"the operator answers {answer.status}: {said}")
        return parse_opening(answer.content)

    def _ask(
        self, method: str, operator: bytes, path: str, *, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        url = self._urls.get(operator)
        if url is None:
            raise UpstreamUnavailableError(f"no address of operator {checksum_address(operator)} is known")
        bounds = Bounds(LARGEST_OPENING_BYTES, _SECONDS_TO_END, _SECONDS_TO_ANSWER)
        try:
            return exchange(method, url + path, bounds, content=content, headers=headers)
        except UpstreamUnavailableError as error:
            raise OperatorAwayError(f"the operator does not answer ({error})") from error
