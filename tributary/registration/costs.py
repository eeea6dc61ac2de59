"""What a registration's transactions will cost on L2: gas, its price now, and what an OP Stack chain adds for L1."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ledger.chain.fees import FeePolicy, market_fees
from ledger.chain.quantities import data, quantity, to_data, to_quantity
from ledger.chain.reverts import revert_of
from ledger.chain.structs import Share
from ledger.errors import ContractRevertedError, MalformedAnswerError, RpcRejectedError
from ledger.protocol.contributors import is_list_payee, row_of
from ledger.protocol.domain import word
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import COMMIT_MIN_AGE_SECONDS
from tributary.registration.registering import CHUNK

if TYPE_CHECKING:
    from ledger.chain.blocks import BlockRef
    from ledger.chain.contracts.attribution_registry import AttributionRegistry
    from ledger.chain.quantities import Json
    from ledger.chain.structs import Terms
    from ledger.chain.transaction import Call
    from tributary.registration.draft import Draft

GAS_PRICE_ORACLE: Final = bytes.fromhex("420000000000000000000000000000000000000f")
"""Predeploy of every OP Stack L2."""
COMMITTED_AT_SLOT: Final = 5
"""Where AttributionRegistry keeps `committedAt`: for simulating a reveal before there is a commitment."""
COMMIT_GAS: Final = 46_000
OPEN_GAS: Final = 92_000
_STAND_IN: Final = b"\xfe" * 20
"""In place of a list that is not published yet; somebody whom no terms name."""
_SIGNATURE_BYTES: Final = 110
"""What a signed transaction has beside its calldata."""
_TRANSACTION_GAS: Final = 21_000
_ROW_GAS, _CHUNK_GAS = 880, 18_000
_NEW_SLOT_GAS = 16_000
"""The first chunk opens a slot for the list's progress; each but the last keeps a node of the tree."""
_ZERO_BYTE_GAS, _BYTE_GAS = 4, 16


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction to be sent. `gas` is an estimate; None if the node could not simulate it."""

    name: str
    gas: int | None
    l1_fee_wei: int


@dataclass(frozen=True, slots=True)
class Costs:
    """The transactions in order, and what a unit of L2 gas costs now."""

    steps: tuple[Step, ...]
    gas_price_wei: int

    @property
    def total_wei(self) -> int:
        """What all of them cost at today's price, as far as it is known."""
        return sum((step.gas or 0) * self.gas_price_wei + step.l1_fee_wei for step in self.steps)


def estimate_costs(registry: AttributionRegistry, draft: Draft, list_id: int | None, latest: BlockRef) -> Costs:
    """Costs of everything that is to be sent for a draft of which nothing is on chain but perhaps its list.

    Raises:
        ContractRevertedError: the registry would refuse the terms.
    """
    fees = market_fees(registry.rpc, FeePolicy(base_fee_multiple=1))
    steps = _list_steps(registry, draft, list_id) if draft.crowd else []
    terms = _terms(registry, draft, list_id)
    if draft.asset_id:
        proposal = registry.propose_terms(draft.asset_id, terms)
        steps.append(_step(registry, "propose terms", proposal, _estimated(registry, draft, proposal)))
    else:
        steps.append(_step(registry, "commit", registry.commit(bytes(32)), COMMIT_GAS))
        uri = draft.file.registered_uri
        register = registry.register(draft.kind, draft.content.content_hash, bytes(32), uri, terms)
        steps.append(_step(registry, "register", register, _reveal_gas(registry, draft, register, latest)))
    return Costs(tuple(steps), fees.max_fee_wei)


def _step(registry: AttributionRegistry, name: str, call: Call, gas: int | None) -> Step:
    return Step(name, gas, _l1_fee_wei(registry, len(call.data) + _SIGNATURE_BYTES))


def _list_steps(registry: AttributionRegistry, draft: Draft, list_id: int | None) -> list[Step]:
    """Opening the list and publishing what is missing of it."""
    steps, published = [], 0
    if list_id is None:
        opening = registry.open_contributors(draft.root, len(draft.crowd), draft.total_weight)
        steps.append(_step(registry, "open contributor list", opening, OPEN_GAS))
    else:
        published = registry.contributor_list(list_id, "latest").published
    for at in range(published, len(draft.crowd), CHUNK):
        rows = draft.crowd[at : at + CHUNK]
        call = registry.publish_contributors(list_id or 1, [row_of(row) for row in rows])
        name = f"publish contributors {at + 1:,} to {at + len(rows):,}"
        slots = (at == 0) + (at + CHUNK < len(draft.crowd))
        steps.append(_step(registry, name, call, publishing_gas(call, len(rows), slots)))
    return steps


def publishing_gas(call: Call, rows: int, new_slots: int) -> int:
    """Gas of publishing so many rows, by what calldata, hashing, the log and storage cost; to a few per cent."""
    zeros = call.data.count(0)
    calldata = zeros * _ZERO_BYTE_GAS + (len(call.data) - zeros) * _BYTE_GAS
    return _TRANSACTION_GAS + calldata + rows * _ROW_GAS + _CHUNK_GAS + new_slots * _NEW_SLOT_GAS


def _terms(registry: AttributionRegistry, draft: Draft, list_id: int | None) -> Terms:
    """The terms as the registry would take them now: with a stand-in for a list that is not complete yet."""
    if list_id is not None and registry.contributor_list(list_id, "latest").complete:
        return draft.terms(list_id)
    terms = draft.terms()
    split = tuple(Share(_STAND_IN if is_list_payee(s.payee) else s.payee, s.ppm) for s in terms.split)
    return replace(terms, split=split) if draft.crowd else terms


def _reveal_gas(registry: AttributionRegistry, draft: Draft, call: Call, latest: BlockRef) -> int | None:
    """Gas of the reveal as if its commitment were old enough; None where the node can't pretend that."""
    slot = keccak256(draft.commitment(bytes(32)), word(COMMITTED_AT_SLOT))
    since = word(latest.timestamp - COMMIT_MIN_AGE_SECONDS)
    pretended = {to_data(registry.address): {"stateDiff": {to_data(slot): to_data(since)}}}
    try:
        return _estimated(registry, draft, call, to_quantity(latest.number), pretended)
    except RpcRejectedError:
        return None  # a node without state overrides
    except ContractRevertedError as error:
        if error.error_name == "RegistryCommitmentUnknown":
            return None  # a node that passes them over
        raise


def _estimated(registry: AttributionRegistry, draft: Draft, call: Call, *at: Json) -> int:
    """Gas of a call by the owner.

    Raises:
        ContractRevertedError: it would revert.
    """
    message = {"from": to_data(draft.owner), "to": to_data(call.to), "data": to_data(call.data)}
    try:
        return quantity(registry.rpc.call("eth_estimateGas", message, *at))
    except RpcRejectedError as error:
        raise revert_of(error) or error from error


def _l1_fee_wei(registry: AttributionRegistry, size_bytes: int) -> int:
    """An upper bound of what the chain adds for posting a transaction of this size on L1; 0 where it adds nothing."""
    question = keccak256(b"getL1FeeUpperBound(uint256)")[:4] + word(size_bytes)
    try:
        answer = data(
            registry.rpc.call("eth_call", {"to": to_data(GAS_PRICE_ORACLE), "data": to_data(question)}, "latest")
        )
    except (RpcRejectedError, ContractRevertedError, MalformedAnswerError):
        return 0
    return int.from_bytes(answer[:32])
