"""Payers that let attesters see drawn exchanges; what they ask and get is kept until the draw is over."""

from __future__ import annotations

from typing import Any

from ledger.errors import BadSignatureError, MalformedInputError
from ledger.protocol.consent import AuditConsent
from ledger.protocol.domain import Domain
from ledger.protocol.signature import recover
from serving.database import Database
from serving.journal import queries

MOST_CONSENTS = 64
"""Of one payer."""


class ConsentDesk:
    """The consents of one operator's payers, read once and kept in memory."""

    def __init__(self, database: Database, operator: bytes, domain: Domain) -> None:
        self._database = database
        self._operator = operator
        self._domain = domain
        self._by_payer: dict[bytes, list[AuditConsent]] = {}

    async def load(self) -> None:
        """Reads what was given before."""
        rows = await self._database.fetch(queries.CONSENTS, {"operator": self._operator})
        for payer, valid_from, valid_until in rows:
            self._remember(AuditConsent(bytes(payer), self._operator, valid_from, valid_until))

    async def give(self, consent: AuditConsent, signature: bytes) -> None:
        """Takes a payer's consent.

        Raises:
            MalformedInputError: for another operator, by somebody who is not served here, or one of too many.
            BadSignatureError: the payer did not sign it.
        """
        if consent.operator != self._operator:
            raise MalformedInputError("The consent is for another operator.")
        if recover(consent.digest(self._domain), signature) != consent.payer:
            raise BadSignatureError("The consent is not signed by its payer.")
        await self._check_known(consent)
        words: dict[str, Any] = {
            "digest": consent.digest(self._domain),
            "payer": consent.payer,
            "operator": consent.operator,
            "valid_from": consent.valid_from,
            "valid_until": consent.valid_until,
            "signature": signature,
        }
        async with self._database.connection() as connection:
            await connection.execute(queries.GIVE_CONSENT, words)
        self._remember(consent)

    def covers(self, payer: bytes, started_at: int) -> bool:
        """Whether an exchange of the payer that starts at this time may be drawn."""
        return any(consent.covers(started_at) for consent in self._by_payer.get(payer, ()))

    async def _check_known(self, consent: AuditConsent) -> None:
        """Nothing, if the payer is served here and has not consented over and over: strangers must not fill tables."""
        if not await self._database.fetch(queries.HAS_KEY, {"payer": consent.payer, "operator": self._operator}):
            raise MalformedInputError("The payer has no API key of this operator.")
        known = self._by_payer.get(consent.payer, [])
        if consent not in known and len(known) >= MOST_CONSENTS:
            raise MalformedInputError(f"The payer has given {MOST_CONSENTS} consents already.")

    def _remember(self, consent: AuditConsent) -> None:
        known = self._by_payer.setdefault(consent.payer, [])
        if consent not in known:
            known.append(consent)
