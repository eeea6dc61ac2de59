"""The attesters of most of these worlds."""

from __future__ import annotations

from ledger.protocol.signature import address_of
from tests.factories.operator_flow import key_of

ATTESTERS = sorted((key_of(f"attester {n}") for n in range(3)), key=address_of)
"""As the distributor wants them: ascending by address."""
