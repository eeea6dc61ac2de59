"""Taking in spend authorizations: checked against the chain, kept for the batcher."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from ledger.chain.blocks import BlockRef
from ledger.errors import BadSignatureError, InvalidAuthorizationError
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.signature import recover
from ledger.protocol.units import POST_DEADLINE_SECONDS
from serving.clock import Clock
from serving.database import Connection, Database
from serving.errors import PaymentRequiredError
from serving.onchain.reader import ChainReader
from serving.payers import queries
from serving.payers.snapshots import Snapshot, take_snapshots, write_snapshots
from serving.payers.standing import Standing, standing


@dataclass(frozen=True, slots=True)
class SignedAuthorization:
    """An authorization with the signature that goes on chain, and who made it."""

    authorization: SpendAuthorization
    signature: bytes
    signer: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Examined:
    """An authorization that can be taken: the account with it in a safe block, and what stood before."""

    signed: SignedAuthorization
    snapshot: Snapshot
    safe_block: int
    before: Standing


class AuthorizationDesk:
    """Checks what payers sign and keeps it."""

    def __init__(self, database: Database, reader: ChainReader, clock: Clock) -> None:
        self._database = database
        self._reader = reader
        self._clock = clock
        # Strangers may send authorizations: they wait for each other, not everybody else for them.
        self._turns = asyncio.Semaphore(4)

    def verify(self, authorization: SpendAuthorization, signature: bytes) -> SignedAuthorization:
        """The authorization with its signer; whether that one may sign for the payer is a question to the chain.

        Raises:
            BadSignatureError: no key recovers.
            InvalidAuthorizationError: for another operator, or over within POST_DEADLINE.
        """
        if authorization.operator != self._reader.operator:
            raise InvalidAuthorizationError(
                f"This authorization is for operator {to_hex(authorization.operator)}, and this gateway serves for "
                f"{to_hex(self._reader.operator)}."
            )
        if authorization.valid_until - POST_DEADLINE_SECONDS <= self._clock.now():
            raise InvalidAuthorizationError(
                f"validUntil must lie more than {POST_DEADLINE_SECONDS} seconds ahead: nothing is served in the last "
                f"{POST_DEADLINE_SECONDS} seconds of an authorization."
            )
        digest = authorization.digest(self._reader.deployment.authorization_domain)
        return SignedAuthorization(authorization, signature, recover(digest, signature), digest)

    async def examine(self, signed: SignedAuthorization) -> Examined:
        """The payer's account as it will stand with the authorization, if that can be taken.

        Raises:
            BadSignatureError: the signer is neither the payer nor its session key.
            InvalidAuthorizationError: it improves on nothing that the gateway or the chain already knows. (Once an
                authorization was published, anyone could send it here: only a new one proves that the payer did.)
            PaymentRequiredError: the payer has no deposit with the operator.
        """
        payer, now = signed.authorization.payer, self._clock.now()
        async with self._turns:
            heads = await asyncio.to_thread(self._reader.heads)
            await self._check_signer(signed, heads.latest, now)
            latest = (await take_snapshots(self._database, self._reader, [payer], heads.latest, now))[0]
            safe = (await asyncio.to_thread(self._reader.accounts, [payer], heads.safe))[payer]
        if latest.account.balance_units == 0:
            raise PaymentRequiredError(
                f"{to_hex(payer)} has no deposit with this operator; deposit into the PaymentEscrow first.",
                "unfunded",
                "deposit",
            )
        if not latest.standing.is_improved_by(signed.authorization, now):
            raise _improves_nothing(latest.standing)
        snapshot = Snapshot(payer, safe, standing(safe, [signed.authorization], now))
        return Examined(signed, snapshot, heads.safe.number, latest.standing)

    async def keep(self, connection: Connection, examined: Examined) -> None:
        """Stores the authorization and brings the payer's account up to date, in the caller's transaction.

        Raises:
            InvalidAuthorizationError: the same one was stored in between.
        """
        if not await _insert(connection, examined.signed):
            raise _improves_nothing(examined.before)
        await write_snapshots(connection, self._reader.operator, [examined.snapshot], examined.safe_block)

    async def raise_cap(self, signed: SignedAuthorization) -> Snapshot:
        """Examines and keeps: a payer that is served already raises its cap."""
        examined = await self.examine(signed)
        async with self._database.connection() as connection, connection.transaction():
            await self.keep(connection, examined)
        return examined.snapshot

    async def _check_signer(self, signed: SignedAuthorization, latest: BlockRef, now: int) -> None:
        payer, last = signed.authorization.payer, now + POST_DEADLINE_SECONDS
        if signed.signer == payer:
            return
        if not await asyncio.to_thread(self._reader.is_session_key, payer, signed.signer, last, latest):
            raise BadSignatureError(
                f"The signature is by {to_hex(signed.signer)}, which is neither the payer {to_hex(payer)} nor a session "
                "key that it registered."
            )


def _improves_nothing(stands: Standing) -> InvalidAuthorizationError:
    return InvalidAuthorizationError(
        f"The authorization must raise what already stands (cap {stands.cap_units}, valid until {stands.valid_until}): "
        "sign a higher cumulativeCap, and no earlier validUntil."
    )


async def _insert(connection: Connection, signed: SignedAuthorization) -> bool:
    words = {
        "digest": signed.digest,
        "payer": signed.authorization.payer,
        "operator": signed.authorization.operator,
        "cap_units": Decimal(signed.authorization.cumulative_cap_units),
        "valid_until": signed.authorization.valid_until,
        "signature": signed.signature,
        "signer": signed.signer,
    }
    return await (await connection.execute(queries.INSERT_AUTHORIZATION, words)).fetchone() is not None
