"""Whatever ends the program, its user reads one sentence."""

from __future__ import annotations

import httpx
import psycopg
import pytest
import sqlalchemy.exc

from ledger.errors import PortTakenError, TributaryError, UsageError, WrongChainError
from tributary.failure import FAILED, PROGRAM_FAULT, explain

pytestmark = pytest.mark.unit

REQUEST = httpx.Request("POST", "http://127.0.0.1:1/rpc")
NO_TABLE = psycopg.errors.UndefinedTable('relation "heads" does not exist\nLINE 1: SELECT secret')
REFUSED = psycopg.OperationalError('connection failed: connection to server at "h" failed: refused\n\tIs it running?')


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UsageError("This is why."), "This is why."),
        (ExceptionGroup("tasks", [ExceptionGroup("more", [UsageError("Deep down.")])]), "Deep down."),
        (
            httpx.ConnectError("refused", request=REQUEST),
            "The server at http://127.0.0.1:1/rpc does not answer (refused).",
        ),
        (PermissionError(13, "Permission denied", "/x"), "Permission denied: /x."),
    ],
)
def test_expected_errors_are_the_users_to_mend(error: BaseException, sentence: str) -> None:
    assert explain(error) == (sentence, FAILED)


@pytest.mark.parametrize("error", [REFUSED, sqlalchemy.exc.OperationalError("SELECT secret", {}, REFUSED)])
def test_a_lost_database_is_named_without_the_statement(error: BaseException) -> None:
    sentence, code = explain(error)
    assert sentence.startswith("PostgreSQL does not answer (connection failed")
    assert "secret" not in sentence
    assert "\n" not in sentence
    assert code == FAILED


@pytest.mark.parametrize("error", [NO_TABLE, sqlalchemy.exc.ProgrammingError("SELECT secret", {}, NO_TABLE)])
def test_a_database_of_another_schema_is_to_be_migrated(error: BaseException) -> None:
    sentence, code = explain(error)
    assert sentence == (
        "The database's schema is not this version's (relation \"heads\" does not exist); `tributary migrate` mends that."
    )
    assert code == FAILED


def test_a_fault_of_the_program_is_told_apart() -> None:
    assert explain(KeyError("x")) == (
        "The program failed (KeyError: 'x'); run it with --debug to see where.",
        PROGRAM_FAULT,
    )


def test_every_error_class_says_something_by_itself() -> None:
    silent = [kind.__name__ for kind in _descendants(TributaryError) if not (kind.__doc__ or "").strip()]
    assert silent == []
    assert str(TributaryError()) == "Something went wrong in Tributary."


def test_errors_with_operands_say_them() -> None:
    assert "Port 80 on 127.0.0.1" in str(PortTakenError(80))
    assert (
        str(WrongChainError("http://n", 901, 10)) == "The node at http://n serves chain 10, but chain 901 is expected."
    )


def _descendants(kind: type[TributaryError]) -> list[type[TributaryError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in _descendants(child))]
