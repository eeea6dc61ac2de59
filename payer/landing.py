"""Whether kept receipts have come into batches: by the lane's numbers on chain, and by proofs where there is an API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx
from pydantic import ValidationError
from pydantic_core import from_json

from ledger.chain.batch_events import standing_commitment
from ledger.errors import ExplainError, MalformedAnswerError, MalformedInputError, UpstreamUnavailableError
from ledger.protocol.explain.document import SignedPart
from ledger.protocol.explain.receipt import verify_receipt
from ledger.protocol.hexadecimal import to_hex
from payer.book import LANDED, WAITING

if TYPE_CHECKING:
    from ledger.protocol.explain.receipt import ReceiptProof
    from payer.book import Book, BookedReceipt
    from payer.keeping import Evidence
    from payer.onchain import PayerChain

_TIMEOUT_SECONDS: Final = 30.0


@dataclass
class Landed:
    """How the receipts of a book stand.

    Attributes:
        proven: in a batch on chain, by an opening of its blobs.
        numbered: a batch in a safe block has taken their numbers; no proof was asked for, or none could be had yet.
        waiting: in no batch, and in time.
        overdue: in no batch POST_DEADLINE after their ends: the operator has to pay a penalty for them.
        wrong: a clause for each whose place in its batch another receipt has, or which a proof contradicts.
    """

    proven: int = 0
    numbered: int = 0
    waiting: int = 0
    overdue: list[BookedReceipt] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Landing:
    """Looks at the receipts of one book."""

    def __init__(self, book: Book, evidence: Evidence, chain: PayerChain, api_url: str | None) -> None:
        """Take the book, and where proofs are to be had."""
        self._book = book
        self._evidence = evidence
        self._chain = chain
        self._api_url = None if api_url is None else api_url.rstrip("/").removesuffix("/v1")

    def look(self) -> Landed:
        """How every receipt stands now. What was proven once is not asked again: a proof outlives its batch's window.

        Raises:
            RetryableError: the L2 or the API is away.
        """
        found = Landed(proven=len(self._book.receipts(LANDED)))
        now = self._chain.now()
        next_seqs: dict[tuple[bytes, int], int] = {}
        for receipt in self._book.receipts(WAITING):
            lane = (receipt.operator, receipt.lane)
            if lane not in next_seqs:
                next_seqs[lane] = self._chain.next_seq(*lane)
            if receipt.seq < next_seqs[lane]:
                self._prove(receipt, found)
            elif now > receipt.due_at:
                found.overdue.append(receipt)
            else:
                found.waiting += 1
        return found

    def _prove(self, receipt: BookedReceipt, found: Landed) -> None:
        digest = to_hex(receipt.digest)
        name = f"receipt {receipt.seq} of lane {receipt.lane}"
        content = self._ask(f"/v1/receipts/{digest}/proof")
        if content is None:
            if self._has_another(receipt):
                found.wrong.append(f"{name}: the batch that took its number holds another receipt there")
            else:
                found.numbered += 1
            return
        try:
            self._compare(verify_receipt(content, self._signed(receipt)))
        except ExplainError as error:
            found.wrong.append(f"{name}: {str(error).rstrip('.')}")
            return
        self._book.note_landed(receipt)
        found.proven += 1

    def _has_another(self, receipt: BookedReceipt) -> bool:
        """Whether the API shows a posted receipt of another digest at this one's place."""
        place = f"operator={to_hex(receipt.operator)}&lane={receipt.lane}&seq={receipt.seq}"
        content = self._ask(f"/v1/receipts?{place}")
        try:
            shown = {} if content is None else from_json(content)
        except ValueError as error:
            raise MalformedAnswerError(f"The API {self._api_url} answers with something other than JSON.") from error
        posted = isinstance(shown, dict) and shown.get("place") is not None
        return posted and shown.get("digest31") != to_hex(receipt.digest[:31])

    def _signed(self, receipt: BookedReceipt) -> SignedPart:
        path = self._evidence.receipt_path(receipt.operator, receipt.lane, receipt.seq)
        try:
            return SignedPart.model_validate_json(path.read_bytes(), extra="ignore")
        except (OSError, ValidationError) as error:
            raise MalformedInputError(f"{path} is not the receipt that was kept there.") from error

    def _compare(self, proof: ReceiptProof) -> None:
        """Nothing, if the proof's batch is the ledger's, as this payer's own node has it."""
        batch = proof.file.batch
        commitment = standing_commitment(self._chain.rpc, self._chain.deployment.l2.ledger, batch.batch_id)
        if commitment != batch.batch_commitment:
            raise ExplainError("batch.batchCommitment", "the ledger has another, or the batch was voided")

    def _ask(self, path: str) -> bytes | None:
        """What the API answers; None where it has nothing, or where there is no API."""
        if self._api_url is None:
            return None
        try:
            answer = httpx.get(self._api_url + path, timeout=_TIMEOUT_SECONDS, trust_env=False)
        except httpx.HTTPError as error:
            raise UpstreamUnavailableError(f"The API {self._api_url} does not answer: {error}.") from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.is_error:
            raise UpstreamUnavailableError(f"The API {self._api_url} answers with status {answer.status_code}.")
        return answer.content
