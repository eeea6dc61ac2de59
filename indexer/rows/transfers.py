"""Moves held against the token's transfers in the same transaction.

Every move into or out of a contract needs a transfer of just that amount. A transfer that no move explains is a
direct transfer (tokens that somebody sent, owned by nobody: a stray balance), or, outwards, a breach. A move outwards
whose transfer is missing stayed in the contract (a token that refuses a recipient of a slash): it is stray too. So the
buckets of a contract always add up to its balance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from indexer.rows.movements import Account, Move, Mover
from indexer.verification.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from indexer.rows.buffer import Origin
    from ledger.chain.events.token import Transfer

TRANSFER_MISSING = "transfer_missing"
TRANSFER_UNEXPLAINED = "transfer_unexplained"


class MovedAt(NamedTuple):
    """A move and the event that made it."""

    origin: Origin
    move: Move


class TransferAt(NamedTuple):
    """A transfer of the token and where it stands."""

    origin: Origin
    transfer: Transfer


class Book(NamedTuple):
    """One transaction's moves, each at its event, and what was wrong with them."""

    moves: list[MovedAt]
    findings: list[tuple[Origin, Finding]]


def reconcile(mover: Mover, moves: Sequence[MovedAt], transfers: Sequence[TransferAt], ours: Collection[bytes]) -> Book:
    """The moves of one transaction, completed by what only the token's transfers show.

    Args:
        mover: the deployment's accounts.
        moves: what the transaction's events say, in log order.
        transfers: the token's transfers from or to contracts of ours, in log order.
        ours: the contracts' addresses.
    """
    book = Book(list(moves), [])
    left = list(transfers)
    for moved in moves:
        ends = moved.move.transfer
        if ends is None:
            continue
        match = next((t for t in left if _fits(t.transfer, moved.move, *ends)), None)
        if match is None:
            _missing(mover, moved, book)
            continue
        left.remove(match)
        if ends[1] is None and match.transfer.recipient in ours:
            _arrived(mover, match, book)
    for unexplained in left:
        _unexplained(mover, unexplained, ours, book)
    return book


def _fits(transfer: Transfer, move: Move, source: bytes | None, target: bytes | None) -> bool:
    sender = move.source.holder if source is None else source
    recipient = _outside_recipient(move) if target is None else target
    return (
        transfer.amount_units == move.amount_units
        and transfer.sender == sender
        and recipient in {None, transfer.recipient}
    )


def _outside_recipient(move: Move) -> bytes | None:
    """Whom a move outwards pays; None if the event does not say (what is burned goes where the contract knows)."""
    if move.target.bucket == "burned":
        return None
    return move.target.counterparty or move.target.holder


def _missing(mover: Mover, moved: MovedAt, book: Book) -> None:
    """The token did not move: what was to leave is still there; what was to come is not."""
    move = moved.move
    if move.target.contract is None and move.source.contract is not None:
        stays = mover.stray(move.source.contract, move.target.holder)
        book.moves.append(MovedAt(moved.origin, Move(move.target, stays, move.amount_units, move.batch_id)))
    evidence = {
        "from": move.source.bucket,
        "to": move.target.bucket,
        "holder": "0x" + move.target.holder.hex(),
        "amount_units": str(move.amount_units),
    }
    book.findings.append((moved.origin, Finding(TRANSFER_MISSING, voids=False, challenge=None, evidence=evidence)))


def _arrived(mover: Mover, at: TransferAt, book: Book) -> None:
    """Units that came to a contract of ours without being meant for an account in it."""
    sender, recipient, amount = at.transfer.sender, at.transfer.recipient, at.transfer.amount_units
    source = Account("direct_transfers_in", None, sender, recipient)
    book.moves.append(MovedAt(at.origin, Move(source, mover.stray(recipient, sender), amount)))


def _unexplained(mover: Mover, at: TransferAt, ours: Collection[bytes], book: Book) -> None:
    sender, recipient, amount = at.transfer.sender, at.transfer.recipient, at.transfer.amount_units
    if amount == 0:
        return
    if sender in ours:
        target = Account("unexplained_out", None, recipient, sender)
        book.moves.append(MovedAt(at.origin, Move(mover.stray(sender, recipient), target, amount)))
        evidence = {
            "sender": "0x" + sender.hex(),
            "recipient": "0x" + recipient.hex(),
            "amount_units": str(amount),
        }
        finding = Finding(TRANSFER_UNEXPLAINED, voids=False, challenge=None, evidence=evidence)
        book.findings.append((at.origin, finding))
    if recipient in ours:
        _arrived(mover, at, book)
