"""What comes after an answer: its receipt is checked and kept, or everything stops; what did not come is asked after."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from ledger.errors import MalformedInputError, RetryableError
from ledger.protocol.envelope import Envelope, parse_envelope, read_answer
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.units import POST_DEADLINE_SECONDS
from payer.checking import Answered, Known, Parties, Sent, signer_of, timeless_faults, timely_faults
from payer.gateway import GatewayDesk, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from payer.book import Book, Exchange
    from payer.keeping import Evidence
    from payer.onchain import PayerChain

_MOST_OPEN: Final = 16
"""Exchanges whose receipts may be overdue before nothing more is asked."""
_ASK_SECONDS: Final = 5.0
_MOST_LISTINGS: Final = 8
"""Of attribution parameters, by hash: a gateway changes them when its library grows."""
_OPENED_NOTHING: Final = frozenset({400, 401, 402, 403, 404, 413, 429})
"""Answers that a gateway gives before it opens a request."""
_NOT_STORED: Final = b'"answer_not_stored"'
"""Says the gateway of a request that it closed and whose answer it does not have."""
_FREE: Final = frozenset({"engine_error", "undelivered"})
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Came:
    """What came back for a request; `whole` says that the connection was not cut before its end."""

    status: int
    answer: bytes
    streamed: bool
    whole: bool


@dataclass
class Settling:
    """One payer's receipts from one gateway. Thread-safe."""

    payer: bytes
    book: Book
    evidence: Evidence
    gateway: GatewayDesk
    chain: PayerChain
    on_wrong: Callable[[str], None]
    _asked_at: float = field(default=float("-inf"), init=False)
    _listings: dict[bytes, str] = field(default_factory=dict, init=False)
    _entering: threading.Lock = field(default_factory=threading.Lock, init=False)

    def settle(self, exchange: Exchange, came: Came, safe_block: int, *, is_first: bool = True) -> bool:
        """Take in what came back; whether the gateway is done with the request, so that it can be made anew.

        Never raises for what the gateway did: a receipt that does not hold stops the account, and an exchange whose
        receipt did not come stays open. So does one that was refused after an attempt before (not `is_first`): that one
        may be answered all the same.
        """
        try:
            produced, envelope = read_answer(came.answer, streamed=came.streamed)
        except MalformedInputError as error:
            if came.whole:
                self._wrong(exchange, came.answer, None, [str(error).rstrip(".")])
            return came.whole
        if envelope is None:
            opened_nothing = came.whole and came.status in _OPENED_NOTHING
            if is_first and opened_nothing:
                self.book.forget(exchange.request_id)
            return opened_nothing or _NOT_STORED in came.answer
        answered = Answered(produced if came.whole else None, came.status >= 400, came.streamed)
        try:
            holds = self._take_in(exchange, envelope, answered, came.answer, safe_block)
            if holds and came.whole:
                parameters = self._attribution_parameters(envelope.params_hash)
                self.evidence.keep_exchange(envelope.receipt, exchange.request, came.answer, parameters)
        except RetryableError as error:
            _log.warning("receipt_not_checked_yet", request_id=exchange.request_id, error=str(error))
        return came.whole

    def collect(self, operator: bytes, before: int, awaited: Collection[str] = ()) -> int:
        """How many exchanges sent before that second have no receipt yet, after asking the gateway for them.

        Args:
            operator: whose receipts.
            before: Unix seconds.
            awaited: ids of requests whose answers are on their way, and their receipts with them; these are passed over.

        Raises:
            RetryableError: too many are missing, or the gateway or the chain are away.
        """
        if time.monotonic() - self._asked_at < _ASK_SECONDS:
            return 0
        sent = self.book.open_exchanges(self.gateway.url, operator, before)
        waiting = [exchange for exchange in sent if exchange.request_id not in awaited]
        left = sum(not self._fetch(exchange) for exchange in waiting)
        self._asked_at = time.monotonic()
        if left > _MOST_OPEN:
            self._asked_at = float("-inf")
            raise RetryableError(
                f"{left} answers have no receipt yet; nothing more is asked until the gateway has them."
            )
        return left

    def _fetch(self, exchange: Exchange) -> bool:
        """Whether it is known what became of an exchange."""
        key = self.book.api_key(exchange.gateway, self.payer, exchange.operator)
        if key is None:
            return False
        try:
            document = self.gateway.receipt(exchange.request_id, key)
        except RefusedError as error:
            if error.status == 404:
                self.book.forget(exchange.request_id)
            return error.status == 404
        if document is None:
            return False
        try:
            envelope = parse_envelope(document)
        except MalformedInputError as error:
            self._wrong(exchange, b"", None, [str(error).rstrip(".")])
            return True
        self._take_in(exchange, envelope, Answered(None, document.get("outcome") in _FREE), b"", None)
        return True

    def _take_in(
        self, exchange: Exchange, envelope: Envelope, answered: Answered, answer: bytes, safe_block: int | None
    ) -> bool:
        """Whether the receipt holds; it is on the book and on disk then, else everything stops."""
        receipt = envelope.receipt
        digest = receipt.digest(self.chain.deployment.receipt_domain)
        with self._entering:
            known_digest = self.book.digest_at(receipt)
            wrong = self._faults(exchange, envelope, answered, safe_block, known_digest)
            if wrong:
                self._wrong(exchange, answer, envelope, wrong)
                return False
            if known_digest is None:
                self.evidence.keep(envelope)
            due_at = receipt.started_at + receipt.duration_ms // 1000 + POST_DEADLINE_SECONDS
            self.book.enter(receipt, digest, exchange.request_id, due_at)
        return True

    def _faults(
        self,
        exchange: Exchange,
        envelope: Envelope,
        answered: Answered,
        safe_block: int | None,
        known_digest: bytes | None,
    ) -> list[str]:
        receipt, domain, operator = envelope.receipt, self.chain.deployment.receipt_domain, exchange.operator
        signer = signer_of(envelope, domain)
        if signer is None or not self.chain.is_lane_key(operator, receipt.lane, signer):
            return ["its signer is no key of the operator's lane"]
        if known_digest not in (None, receipt.digest(domain)):
            return ["its seq was given to another answer before"]
        sent = Sent(exchange.request, exchange.asset_id, exchange.most_output_units, exchange.sent_at, self.chain.now())
        price = self.chain.price(operator, receipt.asset_id, receipt.started_at)
        found = timeless_faults(envelope, Parties(operator, self.payer), sent, answered, price)
        if known_digest is None:  # else it is the answer to a retry, and its time was checked then
            first_free = self.chain.first_free_seq(operator, receipt.lane, exchange.sent_at, safe_block)
            found += timely_faults(envelope, sent, Known(first_free))
        return found

    def _wrong(self, exchange: Exchange, answer: bytes, envelope: Envelope | None, wrong: list[str]) -> None:
        """Keep the evidence, and sign nothing more for this operator."""
        path = self._keep_wrong(exchange, answer, envelope)
        sentence = (
            f"The receipt of request {exchange.request_id} by operator {checksum_address(exchange.operator)} does not hold "
            f"({'; '.join(wrong)}), so nothing more is signed; it is kept in {path}, and `tributary pay resume` goes on."
        )
        self.book.stop(self.payer, exchange.operator, sentence)
        _log.error("receipt_wrong", request_id=exchange.request_id, faults=wrong, kept=str(path))
        self.on_wrong(sentence)

    def _keep_wrong(self, exchange: Exchange, answer: bytes, envelope: Envelope | None) -> Path:
        if envelope is not None and not answer:
            return self.evidence.keep_wrong_receipt(exchange.request_id, envelope)
        return self.evidence.keep_wrong_exchange(exchange.request_id, exchange.request, answer)

    def _attribution_parameters(self, params_hash: bytes | None) -> str | None:
        """The listing that an answer was looked through by, if it was."""
        if params_hash is None or params_hash in self._listings:
            return self._listings.get(params_hash or b"")
        listing = self.gateway.parameters(params_hash)
        if listing is not None:
            while len(self._listings) >= _MOST_LISTINGS:
                self._listings.pop(next(iter(self._listings)))
            self._listings[params_hash] = listing
        return listing
