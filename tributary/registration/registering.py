"""From a draft to an asset: list, commitment, delay, reveal. Each step looks at the chain first, so it can be cut short.

What can't be read from the chain is the salt, which is on disk before the commitment is sent.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger.chain.blocks import block_at
from ledger.errors import ContractRevertedError, TransactionPendingError, UsageError
from ledger.protocol.contributors import row_of
from ledger.protocol.hexadecimal import checksum_address, to_hex
from ledger.protocol.units import COMMIT_MAX_AGE_SECONDS, COMMIT_MIN_AGE_SECONDS
from tributary.registration.lists import find_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.chain.contracts.attribution_registry import AttributionRegistry
    from ledger.chain.sender import Sender
    from ledger.chain.transaction import Call
    from ledger.chain.tx_receipt import TxReceipt
    from tributary.registration.draft import Draft
    from tributary.registration.kept import Keeper, Kept

CHUNK: Final = 512
"""Rows of a contributor list in one transaction: below a million gas, and a power of two, which costs least."""
_PENDING_PATIENCE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Registered:
    """The asset, and what it took."""

    asset_id: int
    list_id: int | None
    transactions: tuple[tuple[str, TxReceipt], ...]
    """(what for, receipt) of those that this run sent."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A version of an asset's terms, and what it took."""

    asset_id: int
    version: int
    effective_at: int
    """Second from which it is in force."""
    list_id: int | None
    transactions: tuple[tuple[str, TxReceipt], ...]


class Registering:
    """One registration. Another run with the same draft goes on where this one stopped."""

    def __init__(
        self,
        registry: AttributionRegistry,
        first_block: int,
        sender: Sender,
        draft: Draft,
        keeper: Keeper,
        report: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take what is to be done; nothing is sent.

        Args:
            registry: the registry on L2.
            first_block: where its logs begin.
            sender: the owner's account.
            draft: what to register.
            keeper: where the salt is kept.
            report: told what is happening, a line each.
            sleep: waits so many seconds.
        """
        self._registry, self._first_block, self._sender = registry, first_block, sender
        self._draft, self._keeper = draft, keeper
        self._report, self._sleep = report, sleep
        self._sent: list[tuple[str, TxReceipt]] = []

    def run(self) -> Registered:
        """The asset, registered now or by an earlier run.

        Raises:
            UsageError: the content is somebody else's, or the registry refuses the terms.
        """
        self._await_own_transactions()
        held = registered_already(self._registry, self._draft)
        if held:
            self._report(f"This content is yours already, as asset {held}.")
            self._keeper.forget()
            return Registered(held, None, ())
        kept = self._keeper.begin()
        kept = self._publish(kept)
        self._reveal_when_due(self._commit(kept))
        self._register(kept)
        asset_id = self._registry.asset_id_of(self._draft.content.content_hash, "latest")
        self._keeper.forget()
        return Registered(asset_id, kept.list_id if self._draft.crowd else None, tuple(self._sent))

    def propose(self) -> Proposed:
        """The next version of the asset's terms, proposed now or by an earlier run.

        Raises:
            ContractRevertedError: the registry refuses the terms.
        """
        self._await_own_transactions()
        registry, asset_id = self._registry, self._draft.asset_id
        kept = self._publish(self._keeper.begin())
        terms = self._draft.terms(kept.list_id or 0)
        version = registry.asset(asset_id, "latest").version_count
        if registry.terms(asset_id, version, "latest") == terms:
            self._report(f"Version {version} of its terms says the same already.")
        else:
            self._execute("propose terms", registry.propose_terms(asset_id, terms))
            version += 1
        self._keeper.forget()
        since = registry.terms_effective_at(asset_id, version, "latest")
        return Proposed(asset_id, version, since, kept.list_id if self._draft.crowd else None, tuple(self._sent))

    def _await_own_transactions(self) -> None:
        """Returns once nothing that an earlier run sent is on its way: what it did is then on the chain."""
        for _ in range(int(_PENDING_PATIENCE_SECONDS / _POLL_SECONDS)):
            if self._sender.next_nonce() == self._sender.mined_nonce():
                return
            self._sleep(_POLL_SECONDS)
        raise TransactionPendingError(
            f"Transactions of {checksum_address(self._sender.address)} have been waiting for "
            f"{_PENDING_PATIENCE_SECONDS:.0f} s; start this again when they are in a block."
        )

    def _publish(self, kept: Kept) -> Kept:
        """The contributor list, opened if there is none with this root, and published to its end."""
        draft, registry = self._draft, self._registry
        if not draft.crowd:
            return kept
        list_id = kept.list_id
        if list_id is None or registry.contributor_list(list_id, "latest").root != draft.root:
            list_id = find_list(registry, self._first_block, self._sender.address, draft)
        if list_id is None:
            opening = registry.open_contributors(draft.root, len(draft.crowd), draft.total_weight)
            self._execute("open the contributor list", opening)
            list_id = find_list(registry, self._first_block, self._sender.address, draft)
            if list_id is None:
                raise UsageError("The contributor list was opened, but the node does not show it; start this again.")
        kept = self._keeper.note_list(kept, list_id)
        for at in range(registry.contributor_list(list_id, "latest").published, len(draft.crowd), CHUNK):
            rows = [row_of(contributor) for contributor in draft.crowd[at : at + CHUNK]]
            self._execute(
                f"publish contributors {at + 1:,} to {at + len(rows):,}", registry.publish_contributors(list_id, rows)
            )
        return kept

    def _commit(self, kept: Kept) -> int:
        """Second from which the reveal is possible."""
        commitment = self._draft.commitment(kept.salt_bytes)
        since = self._registry.committed_at(commitment, "latest")
        if since and self._now() <= since + COMMIT_MAX_AGE_SECONDS - COMMIT_MIN_AGE_SECONDS:
            self._report(f"The commitment of an earlier run stands; its salt is in {self._keeper.path}.")
            return since + COMMIT_MIN_AGE_SECONDS
        if since:
            self._wait_until(since + COMMIT_MAX_AGE_SECONDS + 1, "The old commitment expires")
        self._execute("commit", self._registry.commit(commitment))
        return self._registry.committed_at(commitment, "latest") + COMMIT_MIN_AGE_SECONDS

    def _reveal_when_due(self, second: int) -> None:
        self._wait_until(second, "The commitment can be revealed")

    def _wait_until(self, second: int, what: str) -> None:
        """Returns at the first block whose time is not before `second`."""
        left = second - self._now()
        if left > 0:
            self._report(f"{what} in {left} s of the chain's clock; stopping now loses nothing.")
        while self._now() < second:
            self._sleep(_POLL_SECONDS)

    def _register(self, kept: Kept) -> None:
        draft = self._draft
        terms = draft.terms(kept.list_id or 0)
        call = self._registry.register(
            draft.kind, draft.content.content_hash, kept.salt_bytes, draft.file.registered_uri, terms
        )
        try:
            self._execute("register", call)
        except ContractRevertedError as error:
            if error.error_name == "RegistryContentTaken":
                registered_already(self._registry, draft)
            raise

    def _execute(self, what: str, call: Call) -> None:
        receipt = self._sender.execute(call)
        self._sent.append((what, receipt))
        self._report(f"Sent: {what}, {receipt.gas_used:,} gas, transaction {to_hex(receipt.tx_hash)}.")

    def _now(self) -> int:
        return block_at(self._registry.rpc, "latest").timestamp


def registered_already(registry: AttributionRegistry, draft: Draft) -> int:
    """The asset of this content that the draft's owner has; 0 if nobody registered it.

    Raises:
        UsageError: somebody else did.
    """
    asset_id = registry.asset_id_of(draft.content.content_hash, "latest")
    if not asset_id:
        return 0
    owner = registry.asset(asset_id, "latest").owner
    if owner != draft.owner:
        raise UsageError(
            f"This content is registered already, as asset {asset_id} of {checksum_address(owner)}; "
            "the first registrant owns it."
        )
    return asset_id
