"""The book remembers what was signed and spent, over restarts and between processes."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import SettingsError, UsageError
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.receipt import Receipt
from payer.book import LANDED, WAITING, Book, Exchange

pytestmark = pytest.mark.unit

PAYER, OPERATOR, ESCROW = b"\x01" * 20, b"\x02" * 20, b"\x03" * 20
U64 = 2**64 - 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "payer" / "book.sqlite"


@pytest.fixture
def book(path: Path) -> Iterator[Book]:
    one = Book(path)
    one.begin(PAYER, OPERATOR, ESCROW, 7)
    yield one
    one.close()


def exchange(request_id: str, most_units: int = 50, sent_at: int = 100) -> Exchange:
    return Exchange(request_id, "http://gateway", OPERATOR, 3, most_units, 16, b"{}", sent_at)


def receipt(seq: int, fee_units: int = 9) -> Receipt:
    return Receipt(OPERATOR, 0, seq, PAYER, 3, bytes(32), bytes(32), 1, 1, fee_units, bytes(32), 100, 5)


def sign(book: Book, cap: int, valid_until: int) -> None:
    book.sign(SpendAuthorization(PAYER, OPERATOR, cap, valid_until), ESCROW, b"\x05" * 65)


def test_what_was_signed_is_known_after_a_restart(book: Book, path: Path) -> None:
    sign(book, U64, 2**40 - 1)
    again = Book(path)
    assert again.signed(PAYER, OPERATOR, ESCROW) == (
        SpendAuthorization(PAYER, OPERATOR, U64, 2**40 - 1), b"\x05" * 65,
    )  # fmt: skip
    again.begin(PAYER, OPERATOR, ESCROW, 99)
    account = again.account(PAYER, OPERATOR, ESCROW)
    assert account is not None
    assert (account.base_units, account.cap_units, account.valid_until) == (7, U64, 2**40 - 1)
    again.close()


@pytest.mark.parametrize(("cap", "valid_until"), [(99, 1_000), (100, 999)])
def test_nothing_lower_is_signed(book: Book, cap: int, valid_until: int) -> None:
    sign(book, 100, 1_000)
    with pytest.raises(UsageError, match="must not fall"):
        sign(book, cap, valid_until)
    signed = book.signed(PAYER, OPERATOR, ESCROW)
    assert signed is not None
    assert signed[0].cumulative_cap_units == 100


def test_a_request_is_open_until_its_receipt_is_in(book: Book) -> None:
    assert book.send(exchange("req_a"))
    assert not book.send(exchange("req_a", most_units=1)), "a retry is the same request"
    assert book.send(exchange("req_b", sent_at=200))
    assert [one.request_id for one in book.open_exchanges("http://gateway", OPERATOR, 150)] == ["req_a"]
    assert book.account(PAYER, OPERATOR, ESCROW).open_units == 100
    book.enter(receipt(0), b"\x06" * 32, "req_a", 500)
    account = book.account(PAYER, OPERATOR, ESCROW)
    assert (account.spent_units, account.open_units) == (9, 50)
    book.forget("req_b")
    assert book.account(PAYER, OPERATOR, ESCROW).open_units == 0


def test_a_receipt_is_spent_once(book: Book) -> None:
    for _ in range(2):
        book.enter(receipt(U64, U64), b"\x06" * 32, "req_a", 500)
    assert book.account(PAYER, OPERATOR, ESCROW).spent_units == U64
    assert book.digest_at(receipt(U64)) == b"\x06" * 32


def test_receipts_wait_until_they_have_landed(book: Book) -> None:
    for seq in (10, 9):
        book.enter(receipt(seq), bytes([seq]) * 32, f"req_{seq}", 500)
    waiting = book.receipts(WAITING)
    assert [one.seq for one in waiting] == [9, 10]
    book.note_landed(waiting[0])
    assert [one.seq for one in book.receipts(LANDED)] == [9]
    assert [one.seq for one in book.receipts(WAITING)] == [10]


def test_the_first_reason_to_stop_stands_until_it_is_set_aside(book: Book, path: Path) -> None:
    book.stop(PAYER, OPERATOR, "one")
    book.stop(PAYER, OPERATOR, "two")
    assert Book(path).stopped(PAYER, OPERATOR) == "one"
    assert book.resume() == ["one"]
    assert book.stopped(PAYER, OPERATOR) is None


def test_what_fails_halfway_leaves_nothing(book: Book) -> None:
    def fail_after_signing() -> None:
        with book.turn():
            sign(book, 100, 1_000)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_signing()
    assert book.signed(PAYER, OPERATOR, ESCROW) is None


def test_threads_and_processes_take_turns(book: Book, path: Path) -> None:
    def raise_often(own: Book) -> None:
        for _ in range(20):
            with own.turn():
                before = own.account(PAYER, OPERATOR, ESCROW)
                sign(own, before.cap_units + 1, 1_000)

    other = Book(path)
    threads = [threading.Thread(target=raise_often, args=(own,)) for own in (book, book, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert book.account(PAYER, OPERATOR, ESCROW).cap_units == 60


def test_a_book_is_of_one_payer_and_one_deployment(book: Book) -> None:
    """Another payer's key could not fetch its receipts, and another deployment gives its lanes' numbers again."""
    book.begin(PAYER, b"\x09" * 20, ESCROW, 0)  # another operator has an account of its own
    book.check_owner(PAYER, ESCROW)
    with pytest.raises(SettingsError, match="is of payer 0x0101"):
        book.check_owner(b"\x08" * 20, ESCROW)
    with pytest.raises(SettingsError, match="is of other contracts"):
        book.check_owner(PAYER, b"\x07" * 20)


def test_only_its_owner_reads_it(book: Book, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("no database, but some text that is long enough to be looked at" * 20)
    with pytest.raises(SettingsError, match="can't be opened"):
        Book(tmp_path / "other")
