from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.rows.buffer import Origin
from indexer.rows.movements import Mover
from indexer.rows.transfers import TRANSFER_MISSING, TRANSFER_UNEXPLAINED, MovedAt, TransferAt, reconcile
from ledger.chain.events.blob_demands import BlobDemanded, DemandAnswered, DemandReturned
from ledger.chain.events.operators import BondDeposited, BondSlashed, BondWithdrawn
from ledger.chain.events.payment_escrow import (
    CustodyReleased,
    DebtCollected,
    Deposited,
    Refunded,
    Shortfall,
    ThawCancelled,
    Withdrawn,
)
from ledger.chain.events.receipt_ledger import BatchCommitted
from ledger.chain.events.royalty_distributor import Claimed
from ledger.chain.events.token import Transfer
from ledger.db.models.indexer_movements import BUCKETS, HELD, INFLOWS, OUTFLOWS
from ledger.protocol.batch import BatchHeader, Charge
from tests.factories.l2_contracts import DEMANDS, DISTRIBUTOR, ESCROW, L2, OPERATORS, OURS

pytestmark = pytest.mark.unit

ALICE, BOB, OPERATOR, DEAD = b"\xa1" * 20, b"\xb0" * 20, b"\x0b" * 20, b"\xde" * 20
MOVER = Mover(L2)

people = st.sampled_from([ALICE, BOB, OPERATOR])
amounts = st.integers(0, 5)
"""Small, so that different events often move equal amounts."""


def committed(charges):
    header = BatchHeader(OPERATOR, 0, 0, 1, len(charges), 0, sum(a for _, a in charges), 1, 0)
    return BatchCommitted(1, OPERATOR, 0, bytes(32), 0, 0, 0, 0, header, (), tuple(Charge(p, a) for p, a in charges))


def events_with_transfers():
    """An event and the transfers that an honest token makes with it."""
    return st.one_of(
        st.builds(lambda p, f, a: (Deposited(p, OPERATOR, f, a), [(f, ESCROW, a)]), people, people, amounts),
        st.builds(lambda p, a: (Withdrawn(p, OPERATOR, a), [(ESCROW, p, a)]), people, amounts),
        st.builds(lambda p, a: (Shortfall(p, OPERATOR, 1, a), []), people, amounts),
        st.builds(lambda p, a: (DebtCollected(p, OPERATOR, a), []), people, amounts),
        st.builds(lambda p, a, b: (Refunded(1, p, OPERATOR, a, b), []), people, amounts, amounts),
        st.builds(lambda a: (CustodyReleased(1, a), [(ESCROW, DISTRIBUTOR, a)]), amounts),
        st.builds(lambda a, b: (committed([(ALICE, a), (BOB, b)]), []), amounts, amounts),
        st.builds(
            lambda p, r, a: (Claimed(p, r, 1, a, a), [(DISTRIBUTOR, r, a)]),
            people,
            st.sampled_from([ALICE, BOB, ESCROW, DISTRIBUTOR]),
            amounts,
        ),
        st.builds(lambda f, a: (BondDeposited(OPERATOR, f, a), [(f, OPERATORS, a)]), people, amounts),
        st.builds(lambda a: (BondWithdrawn(OPERATOR, a), [(OPERATORS, OPERATOR, a)]), amounts),
        st.builds(
            lambda c, a, b: (BondSlashed(OPERATOR, 1, c, a, b), [(OPERATORS, c, a), (OPERATORS, DEAD, b)]),
            people,
            amounts,
            amounts,
        ),
        st.builds(lambda p, a: (BlobDemanded(1, p, 0, bytes(32), a, 5), [(p, DEMANDS, a)]), people, amounts),
        st.builds(lambda a: (DemandAnswered(1, OPERATOR, 0, bytes(32), a), [(DEMANDS, OPERATOR, a)]), amounts),
        st.builds(lambda p, a: (DemandReturned(1, p, 0, a), [(DEMANDS, p, a)]), people, amounts),
        st.just((ThawCancelled(ALICE, OPERATOR), [])),
    )


strangers = st.lists(
    st.tuples(st.sampled_from([ALICE, *sorted(OURS)]), st.sampled_from([BOB, *sorted(OURS)]), amounts), max_size=3
)


def book_of(steps, extra=()):
    """The book of one transaction: each event before its transfers, then transfers that no event explains."""
    moves, transfers, place = [], [], 0
    for event, moved in steps:
        origin = Origin(901, 1, bytes(32), place)
        moves += [MovedAt(origin, move) for move in MOVER.moves(event) if move.amount_units]
        for n, (sender, recipient, amount) in enumerate(moved):
            transfers.append(TransferAt(Origin(901, 1, bytes(32), place + n + 1), Transfer(sender, recipient, amount)))
        place += 10
    for n, (sender, recipient, amount) in enumerate(extra):
        transfers.append(TransferAt(Origin(901, 1, bytes(32), place + n), Transfer(sender, recipient, amount)))
    touching = [t for t in transfers if t.transfer.sender in OURS or t.transfer.recipient in OURS]
    return reconcile(MOVER, moves, touching, OURS), transfers


def balances(book):
    held = defaultdict(int)
    for _, move in book.moves:
        held[move.source.contract] -= move.amount_units
        held[move.target.contract] += move.amount_units
    return {contract: held[contract] for contract in OURS}


def token_balances(transfers):
    held = defaultdict(int)
    for _, transfer in transfers:
        held[transfer.sender] -= transfer.amount_units
        held[transfer.recipient] += transfer.amount_units
    return {contract: held[contract] for contract in OURS}


@settings(max_examples=120, deadline=None)
@given(st.lists(events_with_transfers(), max_size=6), strangers)
def test_each_contracts_buckets_add_up_to_its_token_balance(steps, extra):
    book, transfers = book_of(steps, extra)
    assert balances(book) == token_balances(transfers)


@settings(max_examples=120, deadline=None)
@given(st.lists(events_with_transfers(), max_size=6), strangers)
def test_accounts_stand_in_the_buckets_of_their_side(steps, extra):
    book, _ = book_of(steps, extra)
    for _, move in book.moves:
        for account in (move.source, move.target):
            assert (account.contract in OURS) == (account.bucket in HELD)
            assert account.bucket in BUCKETS
        assert move.source.bucket not in OUTFLOWS or move.target.bucket == "stray"
        assert move.target.bucket not in INFLOWS


@settings(max_examples=80, deadline=None)
@given(st.lists(events_with_transfers(), max_size=6))
def test_an_honest_token_leaves_no_finding(steps):
    book, _ = book_of(steps)
    assert book.findings == []


@settings(max_examples=80, deadline=None)
@given(st.lists(events_with_transfers(), max_size=6), st.data())
def test_a_transfer_that_is_missing_is_found(steps, data):
    dropped = [(i, j) for i, (_, moved) in enumerate(steps) for j, (_, _, amount) in enumerate(moved) if amount]
    if not dropped:
        return
    i, j = data.draw(st.sampled_from(dropped))
    poorer = [(e, [m for k, m in enumerate(moved) if (n, k) != (i, j)]) for n, (e, moved) in enumerate(steps)]
    book, transfers = book_of(poorer)
    assert [finding.rule for _, finding in book.findings] == [TRANSFER_MISSING]
    if steps[i][1][j][0] in OURS and steps[i][1][j][1] not in OURS:
        assert balances(book) == token_balances(transfers), "what did not leave is a stray balance"


def test_tokens_sent_to_a_contract_are_stray():
    book, _ = book_of([(Deposited(ALICE, OPERATOR, ALICE, 5), [(ALICE, ESCROW, 5)])], [(ALICE, ESCROW, 5)])
    assert [(m.source.bucket, m.target.bucket) for _, m in book.moves] == [
        ("payer_deposits_in", "escrow"),
        ("direct_transfers_in", "stray"),
    ]


def test_tokens_that_leave_without_an_event_are_a_finding():
    book, _ = book_of([], [(ESCROW, BOB, 9)])
    assert [(m.source.bucket, m.target.bucket) for _, m in book.moves] == [("stray", "unexplained_out")]
    assert [f.rule for _, f in book.findings] == [TRANSFER_UNEXPLAINED]


def test_the_operators_own_account_is_its_deposit():
    (move,) = MOVER.moves(Deposited(OPERATOR, OPERATOR, ALICE, 7))
    assert (move.source.bucket, move.target.bucket) == ("operator_deposits_in", "operator_deposits")
    (move,) = MOVER.moves(Withdrawn(OPERATOR, OPERATOR, 7))
    assert (move.source.bucket, move.target.bucket) == ("operator_deposits", "operator_withdrawals")


def test_a_shortfall_is_lent_by_the_operator_and_the_charge_taken_whole():
    moves = MOVER.moves(Shortfall(ALICE, OPERATOR, 1, 3)) + MOVER.moves(committed([(ALICE, 10)]))
    change = defaultdict(int)
    for move in moves:
        change[move.source.bucket] -= move.amount_units
        change[move.target.bucket] += move.amount_units
    assert change == {"operator_deposits": -3, "escrow": -7, "custody": 10}
