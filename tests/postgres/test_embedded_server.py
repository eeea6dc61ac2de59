"""The embedded PostgreSQL: shared by its users, gone with the last of them, its data kept."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy

from ledger.config import DatabaseSettings
from ledger.errors import DatabaseUnavailableError, ProcessFailedError, UsageError
from tributary.database import database_from_settings, migrate
from tributary.postgres import PostgresServer

pytestmark = pytest.mark.postgres


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def postmaster(folder: Path) -> psutil.Process:
    return psutil.Process(int((folder / "postmaster.pid").read_text().splitlines()[0]))


def test_databases_have_plain_addresses_that_every_client_takes(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database("odd name")
    assert answers(url)
    engine = sqlalchemy.create_engine(DatabaseSettings(database_url=url).sqlalchemy_url)
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT current_database()")) == "odd name"
    engine.dispose()
    assert postgres_server.ensure_database("odd name") == url
    postgres_server.drop_database("odd name")
    assert not answers(url)


def test_two_users_of_one_folder_share_a_server_and_the_last_one_stops_it(postgres_folder: Path) -> None:
    folder = postgres_folder
    first = PostgresServer(folder, {"fsync": "off"})
    second = PostgresServer(folder)
    url = second.create_database("kept")
    server = postmaster(folder)
    first.stop()
    assert answers(url)
    second.stop()
    assert not lives(server)
    with PostgresServer(folder) as third:
        assert answers(third.url("kept"))


def test_the_server_ends_when_its_owner_is_killed(postgres_folder: Path) -> None:
    source = (
        "import sys, time; from pathlib import Path; from tributary.postgres import PostgresServer;"
        f"PostgresServer(Path({str(postgres_folder)!r})); print('up', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        server = postmaster(postgres_folder)
        owner.send_signal(signal.SIGKILL)
    wait_for(lambda: not lives(server))


def test_a_server_that_crashed_starts_again_with_its_data(postgres_folder: Path) -> None:
    folder = postgres_folder
    with PostgresServer(folder) as crashed:
        crashed.create_database("kept")
        postmaster(folder).kill()
        wait_for(lambda: not answers(crashed.url()))
        with pytest.raises(DatabaseUnavailableError, match="does not answer"):
            crashed.create_database("never")
    with PostgresServer(folder) as again:
        assert answers(again.url("kept"))


def test_a_process_that_took_over_the_postmasters_number_is_not_mistaken_for_it(postgres_folder: Path) -> None:
    folder = postgres_folder
    with PostgresServer(folder, {"fsync": "off"}):
        lines = (folder / "postmaster.pid").read_text().splitlines()
    (folder / "postmaster.pid").write_text("\n".join([str(psutil.Process().pid), *lines[1:]]) + "\n")
    with PostgresServer(folder) as again:
        assert answers(again.url())


def test_a_path_too_long_for_a_socket_still_works(postgres_folder: Path) -> None:
    folder = postgres_folder / ("long" * 30) / "data"
    with PostgresServer(folder, {"fsync": "off"}) as server:
        assert answers(server.url())


def test_a_folder_that_holds_something_else_is_explained(postgres_folder: Path) -> None:
    postgres_folder.mkdir()
    (postgres_folder / "letters").write_text("mine")
    with pytest.raises(ProcessFailedError, match=r"^The embedded PostgreSQL in .*data does not start: .*\.$"):
        PostgresServer(postgres_folder)
    assert (postgres_folder / "letters").read_text() == "mine"


def test_without_an_address_a_run_gets_an_embedded_database_with_the_newest_schema(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with database_from_settings() as url, psycopg.connect(url) as connection:
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert revision is not None
    assert (state_dir / "postgres" / "PG_VERSION").exists()


def test_an_address_overrides_the_embedded_server(
    state_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    with database_from_settings() as url:
        assert url == postgres_url
    assert not (state_dir / "postgres").exists()


def test_migrating_twice_changes_nothing_and_a_lost_server_is_explained(postgres_url: str) -> None:
    migrate(postgres_url)
    migrate(postgres_url)
    with pytest.raises(DatabaseUnavailableError, match=r"^PostgreSQL does not let .*\.$"):
        migrate("postgresql://nobody@127.0.0.1:1/none")


def test_a_revision_that_is_not_there_is_one_sentence(postgres_url: str) -> None:
    with pytest.raises(UsageError, match=r"can't be brought to revision nonsense: Can't locate revision .*\.$"):
        migrate(postgres_url, "nonsense")
