"""Buys an answer now and then, checks its receipt, and keeps it for the watch to see it land."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from ledger.chain.blocks import heads
from ledger.chain.contracts.payment_escrow import PaymentEscrow
from ledger.chain.contracts.token import Token
from ledger.chain.sender import Sender
from ledger.errors import MalformedInputError, SettingsError, UsageError
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.signature import sign
from ledger.protocol.units import DAY_SECONDS
from ledger.receipt_files import keep_receipt, read_receipt
from watcher.probing.checking import faults, read_envelope, signed_by_lane
from watcher.probing.gateway import GatewayClient, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from coincurve import PrivateKey

    from ledger.chain.structs import Account
    from ledger.protocol.envelope import Envelope
    from watcher.chains import Chains
    from watcher.report import Report
    from watcher.settings import WatcherSettings

PROMPTS: Final = (
    "Shall I compare thee to a summer's day?",
    "Write two sentences about the sea.",
    "What makes a promise worth keeping?",
    "Describe a house that nobody has lived in for years.",
)
_KEY_DAYS: Final = 30


class Probe:
    """One payer of one gateway."""

    def __init__(
        self, chains: Chains, settings: WatcherSettings, key: PrivateKey, folder: Path, report: Report
    ) -> None:
        """Take the payer's key and the folder for its receipts.

        Raises:
            SettingsError: no gateway is named.
        """
        if settings.probe_url is None:
            raise SettingsError("WATCHER_PROBE_URL is not set (address of the gateway that is probed).")
        self._chains = chains
        self._settings = settings
        self._key = key
        self._account = Sender(chains.l2, key, settings.fee_policy)
        self._escrow = PaymentEscrow(chains.l2, chains.deployment.l2.escrow)
        self._gateway = GatewayClient(settings.probe_url)
        self._folder = folder
        self._report = report
        self._api_key: str | None = None
        self._asked = 0

    def run(self) -> None:
        """Buy one answer; what comes of it is told.

        Raises:
            UpstreamUnavailableError: the gateway does not answer, or refuses.
            UsageError: the payer has no deposit with this operator.
        """
        operator = self._gateway.operator()
        if self._api_key is None:
            self._api_key = self._buy_key(operator)
        streamed = self._asked % 2 == 1
        self._asked += 1
        request = {
            "model": self._settings.probe_model or random.choice(self._gateway.models()),  # noqa: S311  guards nothing
            "messages": [{"role": "user", "content": self._prompt()}],
            "max_tokens": self._settings.probe_max_tokens,
            "stream": streamed,
        }
        before = heads(self._chains.l2).safe
        try:
            exchange = self._gateway.ask(self._api_key, request)
        except RefusedError:
            self._api_key = None  # perhaps its limit is used up: the next probe brings a new one
            raise
        try:
            produced, envelope = read_envelope(exchange.answer, streamed=streamed)
        except MalformedInputError as error:
            self._report.tell("probe_wrong", operator=operator, model=request["model"], faults=[str(error)])
            return
        latest = heads(self._chains.l2).latest
        parties = (operator, self._account.address)
        wrong = faults(exchange, produced, envelope, self._chains, parties, (latest, before))
        if signed_by_lane(envelope, self._chains, latest):
            wrong += self._keep(envelope)
        facts = {"operator": operator, "model": request["model"]}
        receipt = envelope.receipt
        place = {"lane": receipt.lane, "seq": receipt.seq, "fee_units": receipt.fee_units}
        if wrong:
            self._report.tell("probe_wrong", **facts, **place, faults=wrong)
        else:
            self._report.tell("probe_answered", **facts, **place)

    def _keep(self, envelope: Envelope) -> list[str]:
        """Keep the receipt; a fault if its seq was given to another answer before."""
        receipt = envelope.receipt
        for path in self._folder.glob(f"{receipt.operator.hex()}-{receipt.lane:05d}-{receipt.seq:020d}*.json"):
            if read_receipt(path).receipt != receipt:
                path.rename(path.with_name(f"{path.stem}-{path.stat().st_mtime_ns}.json"))
                keep_receipt(self._folder, envelope.document)
                return ["its seq was given to another answer before"]
        keep_receipt(self._folder, envelope.document)
        return []

    def _buy_key(self, operator: bytes) -> str:
        account = self._funded(operator)
        valid_until = heads(self._chains.l2).latest.timestamp + _KEY_DAYS * DAY_SECONDS
        cap = account.collected_units + self._settings.probe_allowance_units
        authorization = SpendAuthorization(self._account.address, operator, cap, valid_until)
        signature = sign(authorization.digest(self._chains.deployment.authorization_domain), self._key)
        return self._gateway.buy_key(authorization, signature)

    def _funded(self, operator: bytes) -> Account:
        """The payer's account, with a deposit made if there is none and one may be made."""
        payer, units = self._account.address, self._settings.probe_deposit_units
        account = self._escrow.account(payer, operator, "latest")
        if account.balance_units:
            return account
        if not units:
            raise UsageError(
                f"The payer {checksum_address(payer)} has no deposit with the operator {checksum_address(operator)}; make "
                "one, or set WATCHER_PROBE_DEPOSIT_UNITS."
            )
        token = Token(self._chains.l2, self._chains.deployment.l2.token)
        self._account.execute(token.approve(self._escrow.address, units))
        self._account.execute(self._escrow.deposit(payer, operator, units))
        self._report.tell("probe_funded", operator=operator, deposit_units=units)
        return self._escrow.account(payer, operator, "latest")

    def _prompt(self) -> str:
        path = self._settings.probe_prompts
        prompts = PROMPTS if path is None else [line for line in path.read_text("utf-8").splitlines() if line.strip()]
        if not prompts:
            raise UsageError(f"{path} holds no prompt.")
        return random.choice(prompts)  # noqa: S311  guards nothing
