"""Consents as payers give them to an attester, and as it hands them on to the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sqlalchemy.dialects.postgresql import insert

from ledger.db.models.settlement import AttesterConsent
from ledger.errors import MalformedInputError
from ledger.protocol.signature import recover

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

    from ledger.protocol.consent import AuditConsent
    from ledger.protocol.domain import Domain


class Deliver(Protocol):
    """Hands a consent to the operator's gateway; the time by which that keeps what the consent covers."""

    def __call__(self, consent: AuditConsent, signature: bytes) -> int:
        """Unix seconds. Raises UpstreamUnavailableError if the gateway does not take it."""


def take_consent(
    sessions: sessionmaker[Session], domain: Domain, consent: AuditConsent, signature: bytes, deliver: Deliver
) -> None:
    """Keeps a payer's consent, from when its operator has it: nobody must open what it had no reason to keep.

    Raises:
        MalformedInputError: its payer did not sign it.
        UpstreamUnavailableError: the operator's gateway does not take it.
        BadSignatureError: that is no signature.
    """
    digest = consent.digest(domain)
    if recover(digest, signature) != consent.payer:
        raise MalformedInputError("the consent is not signed by its payer")
    since = deliver(consent, signature)
    if since >= consent.valid_until:
        raise MalformedInputError("the consent ends before its operator could heed it")
    row = insert(AttesterConsent).values(
        digest=digest,
        payer=consent.payer,
        operator=consent.operator,
        valid_from=max(consent.valid_from, since),
        valid_until=consent.valid_until,
        signature=signature,
    )
    with sessions.begin() as session:
        session.execute(row.on_conflict_do_nothing())
