"""Whether a contributor list is on chain already: complete, by whomever, or begun by this account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.chain.abi import load_abi
from ledger.chain.blocks import block_at
from ledger.chain.logs import LogDecoder, fetch_logs

if TYPE_CHECKING:
    from ledger.chain.contracts.attribution_registry import AttributionRegistry
    from ledger.chain.events.attribution_registry import ContributorsOpened
    from tributary.registration.draft import Draft

_OPENED: Final = "ContributorsOpened"


def find_list(registry: AttributionRegistry, first_block: int, publisher: bytes, draft: Draft) -> int | None:
    """The id of a list with the draft's rows, a complete one before one that `publisher` began; None without either.

    Args:
        registry: whose lists are meant.
        first_block: where the registry's logs begin.
        publisher: who could go on publishing.
        draft: whose contributors the list must have.
    """
    wanted = (draft.root, len(draft.crowd), draft.total_weight)
    begun = None
    for opened in _opened(registry, first_block):
        if (opened.root, opened.count, opened.total_weight) != wanted:
            continue
        if registry.contributor_list(opened.list_id, "latest").complete:
            return opened.list_id
        if opened.publisher == publisher:
            begun = opened.list_id
    return begun


def _opened(registry: AttributionRegistry, first_block: int) -> list[ContributorsOpened]:
    topic = load_abi(registry.abi_name).events[_OPENED].topic
    last = block_at(registry.rpc, "latest").number
    logs = fetch_logs(registry.rpc, first_block, last, [registry.address], [topic])
    decoder = LogDecoder({registry.address: registry.abi_name})
    return [decoder.decode(log).event for log in logs]
