"""What a durable commit costs on this disk, and that the server makes them durable."""

import statistics
import time

import psycopg

COMMITS = 200


def settings(database_url: str) -> dict[str, str]:
    """The server's settings that durability hangs on."""
    with psycopg.connect(database_url) as connection:
        names = ("fsync", "full_page_writes", "wal_sync_method")
        return {name: str(connection.execute(f"SHOW {name}").fetchone()[0]) for name in names}  # type: ignore[index]


def commit_ms(database_url: str) -> float:
    """Median milliseconds of one INSERT, committed durably, from a client on this machine."""
    with psycopg.connect(database_url, autocommit=True, options="-c synchronous_commit=on") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS commit_probe (n int)")
        took = []
        for n in range(COMMITS):
            began = time.perf_counter()
            connection.execute("INSERT INTO commit_probe VALUES (%s)", [n])
            took.append(time.perf_counter() - began)
        connection.execute("DROP TABLE commit_probe")
    return 1000 * statistics.median(took)
