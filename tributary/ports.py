"""TCP ports on the loopback interface."""

from __future__ import annotations

import socket

from ledger.errors import PortTakenError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nobody listened on a moment ago; programs that can pick one themselves should get 0 instead."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int, host: str = LOOPBACK) -> None:
    """Return if `port` can be listened on; 0 (any port) always can.

    Raises:
        PortTakenError: another program listens there.
    """
    with socket.socket() as probe:
        # As servers do: a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTakenError(port, host) from error
