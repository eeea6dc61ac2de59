"""One receipt per request id, also when a client asks again.

With an Idempotency-Key the request id follows from payer and key, so a retry meets the first request's receipt. Without
one every attempt is a request of its own.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from ledger.protocol.request_id import ID_PREFIX, keyed_request_id
from ledger.protocol.stripping import DONE, comment, mark_json
from serving.database import Database
from serving.errors import IdempotencyError, InvalidRequestError
from serving.journal import store
from serving.journal.records import Answer, Issued

MAX_KEY_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Replay:
    """The stored answer to a request that was made before, and its receipt."""

    answer: Answer
    issued: Issued

    @property
    def body(self) -> bytes:
        """The answer as it was delivered, but for where a stream was cut."""
        member, produced = self.issued.member(), self.answer.body
        if not self.answer.streamed:
            return mark_json(produced, member)
        if produced.endswith(DONE):
            return produced[: -len(DONE)] + comment(member) + DONE
        return produced + comment(member)


def request_id(payer: bytes, idempotency_key: str | None) -> str:
    """A fresh id, or the one that payer and key always give.

    Raises:
        InvalidRequestError: the key is empty or too long.
    """
    if idempotency_key is None:
        return ID_PREFIX + secrets.token_hex(16)
    if not 0 < len(idempotency_key) <= MAX_KEY_CHARACTERS:
        raise InvalidRequestError(f"Idempotency-Key must have 1 to {MAX_KEY_CHARACTERS} characters.")
    return keyed_request_id(payer, idempotency_key)


async def find_replay(database: Database, known_id: str, body_sha256: bytes) -> Replay | None:
    """What was answered under this id; None if nothing was, nor is about to be.

    Raises:
        IdempotencyError: the id belongs to another body, its request is under way, or its answer is not kept any more.
    """
    async with database.connection() as connection:
        issued = (await store.find_issued(connection, [known_id])).get(known_id)
        if issued is None:
            if await store.find_open(connection, [known_id]):
                raise IdempotencyError(
                    "A request with this Idempotency-Key is being answered; ask again shortly.", "request_in_progress"
                )
            return None
        if issued.body_sha256 != body_sha256:
            raise IdempotencyError("This Idempotency-Key was used for another request body.", "idempotency_key_reused")
        answer = await store.find_answer(connection, known_id)
    if answer is None:
        raise IdempotencyError(
            f"This request was answered, but the answer is not kept; its receipt is at /v1/receipts/{known_id}.",
            "answer_not_stored",
        )
    return Replay(answer, issued)
