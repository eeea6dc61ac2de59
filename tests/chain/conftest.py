"""What the chains' tests share beside the devnet: an Alt-DA server in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.factories.altda_server import AltDaServer, altda_server


@pytest.fixture(scope="session")
def altda_process() -> Iterator[AltDaServer]:
    """One server for the session; what one test put, no other asks for."""
    with altda_server() as server:
        yield server


@pytest.fixture
def server(altda_process: AltDaServer) -> AltDaServer:
    """The server without faults."""
    altda_process.configure()
    return altda_process
