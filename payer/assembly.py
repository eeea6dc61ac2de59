"""A payer's side from its settings."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ledger.chain.chain_id import served_chain_id
from ledger.chain.deployment import load_deployment
from ledger.chain.rpc import RpcClient
from ledger.errors import UsageError
from ledger.protocol.signature import address_of
from ledger.setting_types import key_in
from payer.book import Book
from payer.gateway import GatewayDesk
from payer.keeping import Evidence
from payer.landing import Landing
from payer.onchain import PayerChain
from payer.purse import Purse
from payer.settling import Settling
from payer.spending import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from payer.settings import FolderSettings, PaySettings

_TIMEOUT_SECONDS, _PATIENCE_SECONDS = 5.0, 10.0
_BOOK = "book.sqlite"


def book_of(folder: Path) -> Book:
    """The book in a payer's folder, begun if there is none."""
    return Book(folder / _BOOK)


def kept_book(folder: Path) -> Book:
    """The book that a folder has already.

    Raises:
        UsageError: it has none; a mistyped folder would else look like one in which all is well.
    """
    if not (folder / _BOOK).is_file():
        raise UsageError(f"There is no payer's book in {folder}; --folder names the one that `tributary pay` ran with.")
    return book_of(folder)


@contextmanager
def open_purse(settings: PaySettings, on_wrong: Callable[[str], None] = lambda _sentence: None) -> Iterator[Purse]:
    """The payer's side of one gateway, until the block ends.

    Args:
        settings: who pays, whom, and how much.
        on_wrong: told in one sentence when a receipt does not hold.

    Raises:
        RpcUnavailableError: no L2 node answers.
        DeploymentMissingError, SettingsError: as they say.
    """
    key, book, chain = key_in(settings.key), book_of(settings.folder), _chain(settings, settings.follow_chain_clock)
    gateway = GatewayDesk(settings.gateway)
    evidence = Evidence(settings.folder)
    settling = Settling(address_of(key), book, evidence, gateway, chain, on_wrong)
    limits = Limits(settings.budget_units, settings.ahead_requests, settings.authorization_days)
    purse = Purse(key, limits, book, gateway, chain, settling, settings.signed_before_units)
    try:
        yield purse
    finally:
        purse.close()


@contextmanager
def open_landing(settings: FolderSettings) -> Iterator[Landing]:
    """Who looks whether receipts have landed, until the block ends; needs no key.

    Raises:
        UsageError: nothing was ever paid from this folder.
    """
    book, chain = kept_book(settings.folder), _chain(settings, follow_clock=True)
    try:
        yield Landing(book, Evidence(settings.folder), chain, settings.api_url)
    finally:
        chain.close()
        book.close()


def _chain(settings: FolderSettings, follow_clock: bool) -> PayerChain:  # a setting's value
    chain_id = served_chain_id(settings.l2_rpc_url, "L2")
    rpc = RpcClient(
        settings.l2_rpc_url,
        chain_id,
        name="L2",
        timeout_seconds=_TIMEOUT_SECONDS,
        patience_seconds=_PATIENCE_SECONDS,
    )
    return PayerChain(rpc, load_deployment(settings.deployments_dir, chain_id), follow_clock=follow_clock)
