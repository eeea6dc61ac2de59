"""One request from its intent to its receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from ledger.chain.structs import AttributionMode
from ledger.errors import TributaryError
from ledger.protocol.attribution import check_set
from serving.catalogue.served import PinnedModel
from serving.inference.attribution import BY_TERMS, AnsweredText, Attributed, Attributor
from serving.inference.call import Call, Endpoint
from serving.inference.choices import WholeChoices
from serving.inference.early import EarlyAdmission
from serving.inference.engine import Admission
from serving.inference.frames import Frames, usage
from serving.inference.meter import Meter
from serving.journal.records import NOBODY, Answer, Checkpoint, Closing, Exchange, NewIntent

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class OpenRequest:
    """A request whose intent is durable."""

    call: Call
    model: PinnedModel
    admission: Admission
    intent: NewIntent
    meter: Meter
    frames: Frames
    keyed: bool
    """Whether it carries an Idempotency-Key."""
    body: bytes | None = None
    """The request as received, if its payer lets drawn exchanges be opened."""
    members: Mapping[str, Any] | None = None
    """What the engine put beside a whole answer's choices."""
    details: Mapping[str, Any] | None = None
    """What the engine said of usage beyond the receipt's numbers."""
    choices: WholeChoices = field(init=False)
    closed: bool = field(default=False, init=False)
    """Whether its ending is on the way into the journal."""

    def __post_init__(self) -> None:
        self.choices = WholeChoices(self.call.endpoint)

    @property
    def input_units(self) -> int:
        """Prompt tokens: as admitted, or as the engine came to know them, but never more than was held for them."""
        known = self.meter.input_units
        return self.intent.input_units if known is None else min(known, self.admission.max_input_units)

    @property
    def usage(self) -> dict[str, Any]:
        """OpenAI's usage object, with the receipt's numbers."""
        used = usage(self.input_units, self.meter.output_units, self.details)
        if self.call.endpoint is Endpoint.EMBEDDING:
            del used["completion_tokens"]
        return used

    async def release(self) -> None:
        """Nothing of the answer is made any more."""
        if isinstance(self.admission, EarlyAdmission):
            await self.admission.withdraw()

    def bounded(self, output_units: int) -> int:
        """Output units that may be charged: never more than was held for them, whatever an engine reports."""
        return min(output_units, self.admission.max_output_units)

    def checkpoint(self) -> Checkpoint:
        """What has left up to now."""
        meter = self.meter
        return Checkpoint(self.intent.request_id, meter.output_units, meter.response_hash, meter.elapsed_ms)

    def is_payable(self, outcome: str) -> bool:
        """A failed answer is free whatever came of it, and so is one of no tokens; embeddings have none."""
        if self.call.endpoint is Endpoint.EMBEDDING:
            return outcome == "complete"
        return outcome != "engine_error" and self.meter.output_units > 0

    def closing(self, outcome: str, attributed: Attributed = BY_TERMS, *, status: int = 200) -> Closing:
        """The receipt's content for an answer that ended this way."""
        payable = self.is_payable(outcome)
        input_units = self.input_units if payable else 0
        output_units = self.meter.output_units if payable else 0
        intent, meter = self.intent, self.meter
        body = meter.kept
        return Closing(
            request_id=intent.request_id,
            payer=intent.payer,
            asset_id=intent.asset_id,
            model=intent.model,
            request_hash=intent.request_hash,
            response_hash=meter.response_hash,
            input_units=input_units,
            output_units=output_units,
            fee_units=self.model.fee_units(input_units, output_units),
            attribution=attributed.entries if payable else (),
            started_at=intent.started_at,
            duration_ms=meter.elapsed_ms,
            salt=intent.salt,
            body_sha256=intent.body_sha256,
            outcome=outcome,
            finish_reason=self.choices.finish_reasons() or outcome,
            answer=Answer(status, self.call.stream, body) if self.keyed and body is not None else None,
            made_by=attributed.made_by if payable else NOBODY,
            unlicensed=attributed.unlicensed if payable else (),
            exchange=self._exchange(body, attributed.parameters) if payable else None,
        )

    def _exchange(self, produced: bytes | None, parameters: bytes | None) -> Exchange | None:
        if self.body is None or parameters is None or produced is None:
            return None
        return Exchange(self.body, produced, parameters)

    async def attribution(self, attributor: Attributor, outcome: str) -> Attributed:
        """Whose data the answer drew on, where its terms let the operator say so; and whose words it has unlicensed.

        In mode `fixed` there is no set, but a text that is used without a licence is used all the same.
        """
        if not self.is_payable(outcome) or self.call.endpoint is Endpoint.EMBEDDING:
            return BY_TERMS
        try:
            attributed = await attributor.attribute(AnsweredText(self.model, self.call, self.choices.texts()))
            check_set(attributed.entries)
        except TributaryError as error:
            # A set that breaks the protocol would void a whole batch; the terms' weights never do.
            _log.error("attribution_set_refused", request_id=self.intent.request_id, error=str(error))
            return BY_TERMS
        if self.model.mode is not AttributionMode.OPERATOR:
            return Attributed((), unlicensed=attributed.unlicensed)
        return attributed


def undelivered(closing: Closing, response_hash: bytes) -> Closing:
    """The same request, ended without an answer: nothing to pay."""
    return replace(
        closing,
        input_units=0,
        output_units=0,
        fee_units=0,
        attribution=(),
        made_by=NOBODY,
        unlicensed=(),
        exchange=None,
        response_hash=response_hash,
        outcome="undelivered",
        finish_reason="undelivered",
        answer=None,
    )
