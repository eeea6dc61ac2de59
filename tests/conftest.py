"""What all suites share: real servers, one marker a test, and no network beyond this machine."""

from __future__ import annotations

import ipaddress
import itertools
import os
import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from tributary.database import migrate
from tributary.devnet import Devnet
from tributary.postgres import PostgresServer
from tributary.toolchain import npm_folder

MARKERS = ("unit", "chain", "postgres", "e2e", "full")
MIGRATED = "migrated_template"
UNSAFE_BUT_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"}

_numbers = itertools.count(1)

# Properties say what holds, never how fast: a busy machine is no counterexample.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often tests that draw their faults are run, each time with another seed."""
    parser.addoption("--chaos-runs", type=int, default=1, metavar="N", help="run the chaos test with N seeds")
    parser.addoption("--chaos-seed", type=int, default=1, metavar="SEED", help="… the first of which is this one")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A seed for each run that was asked for."""
    if "chaos_seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("--chaos-seed")
        metafunc.parametrize("chaos_seed", range(first, first + metafunc.config.getoption("--chaos-runs")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test without exactly one marker of what it needs."""
    wrong = [item.nodeid for item in items if len(_markers(item)) != 1]
    if wrong:
        raise pytest.UsageError(f"exactly one marker of {', '.join(MARKERS)} is needed on: {', '.join(wrong)}")
    for item in items:  # reports have no markers, and a folder's name among their keywords
        item.user_properties += [("marker", name) for name in _markers(item)]


def _markers(item: pytest.Item) -> list[str]:
    return [name for name in MARKERS if item.get_closest_marker(name) is not None]


@pytest.fixture(scope="session", autouse=True)
def only_this_machine() -> Iterator[None]:
    """Refuse connections beyond the loopback interface, whoever makes them in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _loopback_only(getattr(socket.socket, name)))
        yield


def _loopback_only(original: Callable[..., object]) -> Callable[..., object]:
    def guarded(self: socket.socket, address: object) -> object:
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            host = str(address[0])
            if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
                raise AssertionError(f"a test wants to connect to {host}; tests talk to this machine only")
        return original(self, address)

    return guarded


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    """An L1 (900) and an L2 (901) for a module's tests; each deploys its own contracts on it.

    Its clocks only move forward and are shared: a test that needs a young chain takes `fresh_devnet`. One for the whole
    session would save seconds and hold 3 GB at its end: anvil keeps a copy of all that was ever stored for each late block.
    """
    with Devnet.start() as network:
        yield network


@pytest.fixture
def fresh_devnet() -> Iterator[Devnet]:
    """Chains of this test's own, from block 0."""
    with Devnet.start() as network:
        yield network


@pytest.fixture
def postgres_folder() -> Iterator[Path]:
    """A folder for the data of a PostgreSQL of this test's own, not made yet."""
    with server_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL 18 for the session, faster than safe; a test that kills servers starts its own."""
    with server_folder() as folder, PostgresServer(folder, UNSAFE_BUT_FAST) as server:
        yield server


@contextmanager
def server_folder() -> Iterator[Path]:
    # Not below tmp_path: run by root, the server is another user, whom the next pytest on this machine locks out there.
    with tempfile.TemporaryDirectory(prefix="tributary-test-") as folder:
        yield Path(folder) / "data"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Address of an empty database of this test's own."""
    yield from _database(postgres_server, "template1")


@pytest.fixture(scope="session")
def migrated_template(postgres_server: PostgresServer) -> str:
    """Name of a database with the newest schema and no rows, to copy from."""
    migrate(postgres_server.create_database(MIGRATED))
    return MIGRATED


@pytest.fixture
def database_url(postgres_server: PostgresServer, migrated_template: str) -> Iterator[str]:
    """Address of a database of this test's own, with the newest schema and no rows."""
    yield from _database(postgres_server, migrated_template)


@pytest.fixture(scope="module")
def module_database_url(postgres_server: PostgresServer, migrated_template: str) -> Iterator[str]:
    """As `database_url`, shared by the tests of one module."""
    yield from _database(postgres_server, migrated_template)


def _database(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    yield server.create_database(name, template)
    server.drop_database(name)


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of this test's own, for all programs that it starts; it has the npm tools."""
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "node_modules").symlink_to(npm_folder())
    monkeypatch.setenv("TRIBUTARY_STATE_DIR", str(folder))
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests of each marker ran, and how many of each were left out."""
    ran, left_out = Counter[str](), Counter[str]()
    for outcome in ("passed", "failed", "error", "xfailed", "xpassed"):
        for report in terminalreporter.stats.get(outcome, []):
            if getattr(report, "when", "call") in ("call", "setup"):
                ran.update(_reported(report))
    for item in terminalreporter.stats.get("deselected", []):
        left_out.update(_markers(item))
    for report in terminalreporter.stats.get("skipped", []):
        left_out.update(_reported(report))
    terminalreporter.write_line(f"ran by marker: {_counted(ran)}; left out: {_counted(left_out)}")


def _reported(report: pytest.TestReport) -> list[str]:
    return [str(value) for name, value in report.user_properties if name == "marker"]


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {counts[name]}" for name in MARKERS if counts[name]) or "none"
