"""Serving HTTP on a socket that was bound before the application starts: a taken port is known at once."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import uvicorn

from ledger.errors import PortTakenError, UsageError

if TYPE_CHECKING:
    from starlette.applications import Starlette


def bind(host: str, port: int) -> socket.socket:
    """A bound socket, not listening yet; port 0 takes a free one.

    Raises:
        PortTakenError: another program listens there.
        UsageError: the host is none of this machine's, or the port is not for this user.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(port, host) from error
        raise UsageError(f"Nothing can listen on port {port} of {host}: {error.strerror}.") from error
    return bound


def address_of(bound: socket.socket) -> str:
    """The address that clients use."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: Starlette, bound: socket.socket) -> None:
    """Answer until SIGTERM or SIGINT; requests under way are finished first."""
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=10, server_header=False)
    uvicorn.Server(config).run(sockets=[bound])
