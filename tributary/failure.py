"""Turns an error into the one sentence that a person reads on standard error, and an exit code."""

from __future__ import annotations

import sys

from ledger.errors import TributaryError

FAILED = 1
PROGRAM_FAULT = 70
"""EX_SOFTWARE of sysexits.h: not the user's doing."""
_OTHER_SCHEMA = {"42P01", "42703"}
"""No such table, no such column: a database that was never migrated, or by another version."""


def explain(error: BaseException) -> tuple[str, int]:
    """One sentence and the exit code for an error that ended the program."""
    cause = _first_leaf(error)
    if isinstance(cause, TributaryError):
        return str(cause), FAILED
    if _is_a(cause, "psycopg", "OperationalError") or _is_a(cause, "sqlalchemy.exc", "OperationalError"):
        return f"PostgreSQL does not answer ({_first_line(cause)}); is it running, and is DATABASE_URL right?", FAILED
    if _sqlstate(cause) in _OTHER_SCHEMA:
        return (
            f"The database's schema is not this version's ({_first_line(cause)}); `tributary migrate` mends that.",
            FAILED,
        )
    if _is_a(cause, "httpx", "TransportError"):
        return f"{_address(cause)} does not answer ({_first_line(cause)}).", FAILED
    if isinstance(cause, OSError) and cause.strerror:
        return f"{cause.strerror}{f': {cause.filename}' if cause.filename else ''}.", FAILED
    kind = type(cause).__name__
    return f"The program failed ({kind}: {_first_line(cause)}); run it with --debug to see where.", PROGRAM_FAULT


def _is_a(error: BaseException, module: str, name: str) -> bool:
    # A library that was never imported has raised nothing, and these are slow to import.
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(error, getattr(loaded, name))


def _sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code for the error, of psycopg's own errors and of SQLAlchemy's around them."""
    code = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
    return code if isinstance(code, str) else None


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _first_line(error: BaseException) -> str:
    original = getattr(error, "orig", None) or error
    lines = [line.strip() for line in str(original).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


def _address(error: BaseException) -> str:
    try:
        return f"The server at {error.request.url}"  # type: ignore[attr-defined]  # every httpx error has it
    except RuntimeError:  # raised outside any request
        return "A server"
