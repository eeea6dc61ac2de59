"""One payer at one gateway: what goes before a request, and what comes after its answer."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from ledger.errors import SettingsError
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.request_id import keyed_request_id
from ledger.protocol.signature import address_of, sign
from payer.book import Book, Exchange
from payer.bounding import Ask, Model, ceiling_units, most_units, read_ask
from payer.errors import PayerStoppedError
from payer.gateway import Desk, GatewayDesk, RefusedError
from payer.spending import Account, Limits, next_cap

if TYPE_CHECKING:
    from coincurve import PrivateKey

    from payer.onchain import PayerChain
    from payer.settling import Came, Settling

_MODEL_SECONDS: Final = 300.0
_SETTLING_SECONDS: Final = 30
"""An exchange without a receipt is asked after once it is this old: the gateway closes what was cut in a moment."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Sending:
    """A request that may be sent, with what its answer is held against. It is under way as long as somebody holds it.

    Attributes:
        safe_block: was safe before it was sent.
        is_first: the book had no open request of its id; a later attempt may be refused while the first is answered.
    """

    exchange: Exchange
    ask: Ask
    model: Model
    idempotency_key: str
    api_key: str
    safe_block: int
    is_first: bool

    @property
    def headers(self) -> dict[str, str]:
        """What the gateway needs beside the client's own headers."""
        return {"authorization": f"Bearer {self.api_key}", "idempotency-key": self.idempotency_key}


@dataclass
class Purse:
    """Signs caps ahead of requests. Thread-safe; it blocks on the book, the gateway's desk and the chain."""

    key: PrivateKey
    limits: Limits
    book: Book
    gateway: GatewayDesk
    chain: PayerChain
    settling: Settling
    signed_before_units: int = 0
    """Highest cap that was signed for the operator elsewhere, and may not be on chain yet."""
    _desk: Desk | None = field(default=None, init=False)
    _models: dict[str, tuple[float, Model]] = field(default_factory=dict, init=False)
    _turns: threading.RLock = field(default_factory=threading.RLock, init=False)
    _under_way: WeakSet[Sending] = field(default_factory=WeakSet, init=False)
    _noting: threading.Lock = field(default_factory=threading.Lock, init=False)

    @property
    def payer(self) -> bytes:
        """Address of the key."""
        return address_of(self.key)

    def close(self) -> None:
        self.gateway.close()
        self.chain.close()
        self.book.close()

    def prepare(self, body: bytes, idempotency_key: str | None = None) -> Sending:
        """The request on the book, with a cap at the gateway that reaches for it.

        Raises:
            PayerStoppedError: a receipt did not hold; its owner has to say that it may go on.
            BudgetExhaustedError: the budget does not reach.
            RefusedError: the gateway refuses the cap or does not serve the model.
            RetryableError: gateway or chain are away, or too many receipts are missing.
        """
        operator = self.desk().operator
        self._refuse_if_stopped(operator)
        self.settling.collect(operator, self.chain.now() - _SETTLING_SECONDS, self._asked_now())
        ask = read_ask(body)
        model = self._model(ask.model)
        now, safe = self.chain.now(), self.chain.heads().safe.number
        most = most_units(ask, model, self.chain.price(operator, model.asset_id, now))
        key = secrets.token_hex(16) if idempotency_key is None else idempotency_key
        exchange = Exchange(
            keyed_request_id(self.payer, key), self.gateway.url, operator, model.asset_id, most, ask.most_output_units,
            body, now,
        )  # fmt: skip
        with self._turns:
            self._refuse_if_stopped(operator)
            api_key = self._sign_ahead(most)
            sending = Sending(exchange, ask, model, key, api_key, safe, is_first=self.book.send(exchange))
        with self._noting:
            self._under_way.add(sending)
        return sending

    def raise_for(self, sending: Sending, said_units: int) -> bool:
        """Whether trying again may help, after the gateway refused a request that may cost so much, as it says.

        A cap that was signed and never arrived is handed in again; a higher one is signed if the request may indeed
        cost more than was thought.
        """
        operator = sending.exchange.operator
        price = self.chain.price(operator, sending.model.asset_id, self.chain.now())
        most = min(said_units, ceiling_units(sending.ask, sending.model, price))
        with self._turns:
            self._refuse_if_stopped(operator)
            before = self._account().cap_units
            api_key = self._sign_ahead(max(most, sending.exchange.most_units))
            return self._account().cap_units > before or self._hand_in(operator, api_key) is not None

    def renew_key(self, sending: Sending) -> None:
        """Forget an API key that the gateway does not know any more; the next request buys another."""
        self.book.drop_key(self.gateway.url, self.payer, sending.exchange.operator)

    def settle(self, sending: Sending, came: Came) -> bool:
        """Take in what came back: a receipt that holds is kept, one that does not stops everything.

        Returns:
            Whether the gateway is done with the request: to make it anew is no second payment.
        """
        with self._noting:
            self._under_way.discard(sending)
        return self.settling.settle(sending.exchange, came, sending.safe_block, is_first=sending.is_first)

    def unsent(self, sending: Sending) -> None:
        """The gateway was not reached: the request costs nothing, unless an earlier attempt at it did."""
        if sending.is_first:
            self.book.forget(sending.exchange.request_id)

    def collect(self) -> int:
        """How many exchanges that are over have no receipt, after asking the gateway for all of them.

        Raises:
            RetryableError: as `Settling.collect`.
        """
        return self.settling.collect(self.desk().operator, self.chain.now(), self._asked_now())

    def _asked_now(self) -> set[str]:
        """Ids of the requests whose answers are still awaited here: they are not missing, however long they take."""
        with self._noting:
            return {sending.exchange.request_id for sending in self._under_way}

    def desk(self) -> Desk:
        """Who serves at the gateway's address, as far as the deployment at hand agrees.

        Raises:
            SettingsError: it serves for another deployment or chain, or the book is another payer's.
        """
        if self._desk is None:
            said, l2 = self.gateway.introduce(), self.chain.deployment.l2
            if (said.chain_id, said.escrow, said.ledger) != (l2.chain_id, l2.escrow, l2.ledger):
                raise SettingsError(
                    f"{self.gateway.url} serves for other contracts than those of the deployment at hand (chain "
                    f"{l2.chain_id}); check L2_RPC_URL and DEPLOYMENTS_DIR."
                )
            self.book.check_owner(self.payer, l2.escrow)
            account = self.chain.account(self.payer, said.operator)
            base = max(account.collected_units, account.cap_units, self.signed_before_units)
            self.book.begin(self.payer, said.operator, l2.escrow, base)
            self._desk = said
        return self._desk

    def _refuse_if_stopped(self, operator: bytes) -> None:
        stopped = self.book.stopped(self.payer, operator)
        if stopped is not None:
            raise PayerStoppedError(stopped)

    def _account(self) -> Account:
        account = self.book.account(self.payer, self.desk().operator, self.chain.deployment.l2.escrow)
        if account is None:
            raise SettingsError("The book has no account with this operator; was it removed while this runs?")
        return account

    def _sign_ahead(self, most: int) -> str:
        """The API key, once a cap that reaches is at the gateway. Signed and on disk before it is sent."""
        operator, escrow = self.desk().operator, self.chain.deployment.l2.escrow
        with self.book.turn():
            account = self._account()
            api_key = self.book.api_key(self.gateway.url, self.payer, operator)
            wanted = next_cap(account, self.limits, most, self.chain.now())
            if wanted is None and api_key is None:
                # An authorization buys one key, and it must raise something: a later end raises no money.
                wanted = account.cap_units, account.valid_until + 1
            if wanted is not None:
                authorization = SpendAuthorization(self.payer, operator, *wanted)
                signature = sign(authorization.digest(self.chain.deployment.authorization_domain), self.key)
                self.book.sign(authorization, escrow, signature)
        if wanted is None and api_key is not None:
            return api_key
        return self._hand_in(operator, api_key) or str(api_key)

    def _hand_in(self, operator: bytes, api_key: str | None) -> str | None:
        """The API key, once the last cap is at the gateway; None if it had one that is not lower."""
        signed = self.book.signed(self.payer, operator, self.chain.deployment.l2.escrow)
        if signed is None:
            raise SettingsError("The book has no signed cap; was it changed while this runs?")
        try:
            if api_key is not None:
                self.gateway.raise_cap(*signed)
                return api_key
            api_key = self.gateway.buy_key(*signed)
        except RefusedError as error:
            if error.code == "invalid_authorization" and api_key is not None:
                return None
            raise _explained(error, self.payer) from error
        self.book.keep_key(self.gateway.url, self.payer, operator, api_key)
        return api_key

    def _model(self, name: str) -> Model:
        at, model = self._models.get(name, (float("-inf"), None))
        if model is None or time.monotonic() - at > _MODEL_SECONDS:
            model = self.gateway.model(name)
            self._models[name] = time.monotonic(), model
        return model


def _explained(error: RefusedError, payer: bytes) -> RefusedError:
    sentence = f"The gateway does not take the cap: {error}"
    if error.code == "unfunded":
        sentence = f"{error} The payer is {checksum_address(payer)}."
    elif error.code == "invalid_authorization":
        sentence += " If a higher cap was signed for this operator elsewhere, say so with --signed-before."
    return RefusedError(sentence, error.status, error.code)
