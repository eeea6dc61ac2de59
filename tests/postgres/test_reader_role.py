"""What the API's role may read, as PostgreSQL enforces it: the ledger, and nobody's secrets."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from api.reader import ROLE, open_reader
from api.settings import ApiSettings

pytestmark = pytest.mark.postgres

SECRET = {
    "api_keys": "*",
    "intents": "*",
    "stored_answers": "*",
    "kept_exchanges": "*",
    "spend_authorizations": "*",
    "issued_receipts": "salt",
    "signed_attestations": "*",
    "batch_transactions": "*",
}


@pytest.mark.parametrize("table", SECRET)
def test_the_api_can_not_read_what_is_nobodys_business(database_url: str, table: str) -> None:
    engine = open_reader(ApiSettings.load(database_url=SecretStr(database_url)))
    with engine.connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
        connection.execute(text(f"SELECT {SECRET[table]} FROM {table}"))
    engine.dispose()


def test_the_api_reads_the_ledger_in_its_role_and_can_not_write(database_url: str) -> None:
    engine = open_reader(ApiSettings.load(database_url=SecretStr(database_url)))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == ROLE
        assert connection.execute(text("SELECT count(*) FROM receipts")).scalar_one() == 0
        assert connection.execute(text("SELECT count(digest) FROM issued_receipts")).scalar_one() == 0
    with engine.connect() as connection:
        connection.execute(text("SET TRANSACTION READ WRITE"))  # as an injected statement could
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text("DELETE FROM claims"))
    engine.dispose()
