"""From a request body to an open request: model pinned, answer bounded, exposure held."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ledger.chain.structs import AttributionMode
from ledger.errors import DatabaseUnavailableError
from ledger.protocol.request_id import ID_PREFIX
from ledger.protocol.stripping import SALT_BYTES, salted_hash
from ledger.protocol.units import MAX_U24
from serving.catalogue.catalogue import Catalogue
from serving.catalogue.served import PinnedModel
from serving.clock import Clock
from serving.database import Database
from serving.errors import IdempotencyError, InvalidRequestError, PayerLimitError, PaymentRequiredError
from serving.inference.call import Call
from serving.inference.early import EarlyAdmission
from serving.inference.engine import Admission, AnswerEngine
from serving.inference.frames import Frames
from serving.inference.idempotency import Replay, find_replay, request_id
from serving.inference.meter import Meter
from serving.inference.open_request import OpenRequest
from serving.journal.records import NewIntent
from serving.journal.writer import Journal
from serving.payers.consents import ConsentDesk
from serving.payers.funds import SECOND_LOOK_SECONDS, FundsKeeper
from serving.payers.keys import ApiKeyHolder

_MOST_SOLVENT = 100_000


@dataclass(frozen=True)
class Desk:
    """What admitting a request takes."""

    catalogue: Catalogue
    engine: AnswerEngine
    funds: FundsKeeper
    journal: Journal
    database: Database
    clock: Clock
    consents: ConsentDesk
    makes_sets: bool
    """Whether attribution sets are made here."""


class Admissions:
    """Opens requests, each payer's within its share of the gateway."""

    def __init__(self, desk: Desk, max_payer_requests: int) -> None:
        self._desk = desk
        self._max_payer_requests = max_payer_requests
        self._open_of: Counter[bytes] = Counter()
        self._solvent: set[bytes] = set()
        """Payers whose last request was opened: the engine may begin while the next one's intent is being written."""

    @property
    def open_requests(self) -> int:
        """Requests that have a place now."""
        return self._open_of.total()

    @contextmanager
    def place(self, payer: bytes) -> Iterator[None]:
        """A place among the payer's open requests.

        Raises:
            PayerLimitError: the payer has as many open as it may.
        """
        if self._open_of[payer] >= self._max_payer_requests:
            raise PayerLimitError(f"Rate limit reached: {self._max_payer_requests} requests of yours are open.", 1.0)
        self._open_of[payer] += 1
        try:
            yield
        finally:
            self._open_of[payer] -= 1
            if not self._open_of[payer]:
                del self._open_of[payer]

    async def admit(
        self, holder: ApiKeyHolder, call: Call, body: bytes, idempotency_key: str | None
    ) -> OpenRequest | Replay:
        """The request with its intent durable, or what it was answered before.

        Raises:
            UnknownModelError, InvalidRequestError, ContextLengthError, …: it can't be answered as it stands.
            PaymentRequiredError: the payer can't pay for the most that it may cost.
            IdempotencyError: its key is taken.
            OverloadedError, DatabaseUnavailableError, RpcUnavailableError: not now.
        """
        new_id = request_id(holder.payer, idempotency_key)
        body_sha256 = hashlib.sha256(body).digest()
        if idempotency_key is not None:
            replay = await find_replay(self._desk.database, new_id, body_sha256)
            if replay is not None:
                return replay
        model = self._desk.catalogue.pin(call.model)
        admission = await self._desk.engine.admit(call, model, holder.payer)
        if max(admission.max_input_units, admission.max_output_units) > MAX_U24:
            raise InvalidRequestError(f"A receipt counts up to {MAX_U24} tokens each way; ask for less at once.")
        salt = secrets.token_bytes(SALT_BYTES)
        intent = NewIntent(
            request_id=new_id,
            payer=holder.payer,
            key_id=holder.key_id,
            asset_id=model.asset_id,
            model=call.model,
            exposure_units=model.fee_units(admission.max_input_units, admission.max_output_units),
            input_price_units=model.price.input_units,
            output_price_units=model.price.output_units,
            input_units=admission.input_units,
            request_hash=salted_hash(salt, body),
            response_hash=salted_hash(salt, b""),
            salt=salt,
            body_sha256=body_sha256,
            started_at=self._desk.clock.now(),
        )
        opened = await self._open(intent, call, model, admission, keyed=idempotency_key is not None)
        if isinstance(opened, OpenRequest) and self._may_be_drawn(intent, model):
            opened.body = body
            opened.meter.keep()
        return opened

    def _may_be_drawn(self, intent: NewIntent, model: PinnedModel) -> bool:
        by_operator = model.mode is AttributionMode.OPERATOR and self._desk.makes_sets
        return by_operator and self._desk.consents.covers(intent.payer, intent.started_at)

    async def _open(
        self, intent: NewIntent, call: Call, model: PinnedModel, admission: Admission, *, keyed: bool
    ) -> OpenRequest | Replay:
        await self._desk.funds.look(intent.payer)
        early = EarlyAdmission(admission) if intent.payer in self._solvent else None
        try:
            replay = await self._write(intent, keyed=keyed)
        except BaseException:
            if early is not None:
                await early.withdraw()
            raise
        if replay is not None:
            if early is not None:
                await early.withdraw()
            return replay
        admission = early or admission
        return OpenRequest(
            call=call,
            model=model,
            admission=admission,
            intent=intent,
            meter=Meter(intent.salt, keep=keyed),
            frames=Frames(call.endpoint, intent.request_id.removeprefix(ID_PREFIX), call.model, call.include_usage),
            keyed=keyed,
        )

    async def _write(self, intent: NewIntent, *, keyed: bool) -> Replay | None:
        """None once the intent is durable; else what was answered before under its key."""
        if await self._desk.journal.open(intent):
            if len(self._solvent) >= _MOST_SOLVENT:
                self._solvent.clear()
            self._solvent.add(intent.payer)
            return None
        self._solvent.discard(intent.payer)
        return await self._refused(intent, keyed=keyed)

    async def _refused(self, intent: NewIntent, *, keyed: bool) -> Replay | None:
        """None once a second try opened the request after all: a deposit or a cap may have come since the last look."""
        if keyed:
            replay = await find_replay(self._desk.database, intent.request_id, intent.body_sha256)
            if replay is not None:
                return replay
        await self._desk.funds.look(intent.payer, older_than_seconds=SECOND_LOOK_SECONDS)
        if await self._desk.journal.open(intent):
            return None
        refusal = await self._desk.funds.refusal(intent.payer, intent.exposure_units)
        if isinstance(refusal, PaymentRequiredError):
            raise refusal
        if keyed:
            raise IdempotencyError("Another request with this Idempotency-Key came first.", "request_in_progress")
        raise DatabaseUnavailableError("The payer's account changed while the request was admitted; try again.")
