"""The indexer's HTTP server, in a thread beside the loops."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from indexer.operation.app import build_app
from ledger.http_server import address_of, bind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.operation.watch import Watch
    from indexer.settings import IndexerSettings

STOP_SECONDS = 5.0


@contextmanager
def operation_server(watch: Watch, settings: IndexerSettings) -> Iterator[str | None]:
    """Serves while the block runs; its address, or None if no port is set.

    Raises:
        PortTakenError: somebody else listens there.
    """
    if settings.port is None:
        yield None
        return
    listener = bind(settings.host, settings.port)
    listener.listen()  # whoever reads the address may connect at once
    server = uvicorn.Server(uvicorn.Config(build_app(watch, settings), log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="operation", daemon=True)
    thread.start()
    try:
        yield address_of(listener)
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
        listener.close()
