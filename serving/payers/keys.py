"""API keys: what a client sends instead of signing each request."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from serving.database import Database
from serving.errors import InvalidApiKeyError
from serving.payers import queries
from serving.payers.authorizations import AuthorizationDesk, SignedAuthorization
from serving.payers.snapshots import Snapshot

KEY_PREFIX: Final = "sk-trib-"
_CACHE_SECONDS: Final = 15.0
"""How long a revoked key may still be taken by another gateway."""
_CACHE_SIZE: Final = 10_000


@dataclass(frozen=True, slots=True)
class ApiKeyHolder:
    """Who a key stands for."""

    key_id: str
    payer: bytes
    label: str


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key; the secret is shown this once."""

    holder: ApiKeyHolder
    secret: str
    snapshot: Snapshot | None


class KeyRing:
    """Issues, recognises and revokes keys; only their SHA-256 is kept."""

    def __init__(self, database: Database, desk: AuthorizationDesk, operator: bytes) -> None:
        self._database = database
        self._desk = desk
        self._operator = operator
        self._known: OrderedDict[bytes, tuple[float, ApiKeyHolder | None]] = OrderedDict()

    async def issue(self, signed: SignedAuthorization, label: str) -> IssuedKey:
        """A key for the payer who signed; an authorization buys one key, and only a new one buys any.

        Raises:
            BadSignatureError, InvalidAuthorizationError, PaymentRequiredError: as `AuthorizationDesk.examine`.
        """
        examined = await self._desk.examine(signed)
        async with self._database.connection() as connection, connection.transaction():
            await self._desk.keep(connection, examined)
            secret, words = _new_key(signed.authorization.payer, self._operator, label)
            await connection.execute(queries.INSERT_KEY, {**words, "authorization_digest": signed.digest})
        return IssuedKey(
            ApiKeyHolder(str(words["key_id"]), signed.authorization.payer, label), secret, examined.snapshot
        )

    async def grant(self, payer: bytes, label: str) -> IssuedKey:
        """A key that the operator gives without an authorization: for contracts that register caps on chain."""
        secret, words = _new_key(payer, self._operator, label)
        async with self._database.connection() as connection:
            await connection.execute(queries.INSERT_KEY, {**words, "authorization_digest": None})
        return IssuedKey(ApiKeyHolder(str(words["key_id"]), payer, label), secret, None)

    async def recognise(self, authorization: str | None) -> ApiKeyHolder:
        """Who sends this `Authorization` header.

        Raises:
            InvalidApiKeyError: no bearer key, or one that is unknown or revoked.
        """
        scheme, _, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise InvalidApiKeyError(
                "You did not provide an API key: send it as `Authorization: Bearer sk-trib-…`; POST /v1/keys gives one."
            )
        key_hash = hashlib.sha256(secret.strip().encode()).digest()
        at, holder = self._known.get(key_hash, (float("-inf"), None))
        if time.monotonic() - at > _CACHE_SECONDS:
            holder = await self._look_up(key_hash)
        if holder is None:
            raise InvalidApiKeyError("Incorrect API key provided: it is unknown here, or revoked.")
        return holder

    async def revoke(self, holder: ApiKeyHolder, key_id: str) -> bool:
        """True if the payer had this key; it counts no more."""
        rows = await self._database.fetch(queries.REVOKE_KEY, {"key_id": key_id, "payer": holder.payer})
        for row in rows:
            self._known.pop(bytes(row[0]), None)
        return bool(rows)

    async def _look_up(self, key_hash: bytes) -> ApiKeyHolder | None:
        rows = await self._database.fetch(queries.KEY, {"key_hash": key_hash})
        holder = None
        if rows and bytes(rows[0][2]) == self._operator:
            holder = ApiKeyHolder(key_id=rows[0][0], payer=bytes(rows[0][1]), label=rows[0][3])
        self._known[key_hash] = (time.monotonic(), holder)
        while len(self._known) > _CACHE_SIZE:
            self._known.popitem(last=False)
        return holder


def _new_key(payer: bytes, operator: bytes, label: str) -> tuple[str, dict[str, object]]:
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    words: dict[str, object] = {
        "key_id": "key_" + secrets.token_hex(12),
        "key_hash": hashlib.sha256(secret.encode()).digest(),
        "payer": payer,
        "operator": operator,
        "label": label,
    }
    return secret, words
