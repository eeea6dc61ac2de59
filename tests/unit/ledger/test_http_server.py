"""A server that can't listen says why."""

from __future__ import annotations

import pytest

from ledger.errors import PortTakenError, UsageError
from ledger.http_server import address_of, bind

pytestmark = pytest.mark.unit


def test_a_taken_port_is_told_from_an_address_that_is_not_this_machines() -> None:
    with bind("127.0.0.1", 0) as bound:
        bound.listen()
        port = bound.getsockname()[1]
        assert address_of(bound) == f"http://127.0.0.1:{port}"
        with pytest.raises(PortTakenError, match=f"Port {port} on 127.0.0.1 is taken"):
            bind("127.0.0.1", port)
    with pytest.raises(UsageError, match=r"^Nothing can listen on port 0 of 203\.0\.113\.1: Cannot assign") as told:
        bind("203.0.113.1", 0)
    assert not isinstance(told.value, PortTakenError)
