"""PostgreSQL going away, as a sentence that says so."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy.exc import InterfaceError, OperationalError

from ledger.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def database_errors() -> Iterator[None]:
    """Code that PostgreSQL may go away from under, whether it is asked through SQLAlchemy or by COPY.

    Raises:
        DatabaseUnavailableError: it did; what was not committed did not happen.
    """
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise DatabaseUnavailableError(_sentence(error.orig)) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseUnavailableError(_sentence(error)) from error


def _sentence(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return f"PostgreSQL does not answer: {lines[0].rstrip('.') if lines else 'the connection is lost'}."
