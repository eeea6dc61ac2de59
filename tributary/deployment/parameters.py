"""What is fixed at deployment, for ever: tokens, shares, attesters, and how L1 reaches L2."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from itertools import pairwise

from ledger.errors import SettingsError
from ledger.protocol.hexadecimal import ZERO_ADDRESS
from ledger.protocol.units import PPM

DEFAULT_MIN_RESERVE_UNITS = 100_000_000
DEFAULT_RESERVE_PPM = 1_000_000
DEFAULT_DEMAND_DEPOSIT_UNITS = 50_000_000
L2_MESSENGER = bytes.fromhex("4200000000000000000000000000000000000007")
"""L2CrossDomainMessenger on every OP Stack chain."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything that the constructors take. Addresses are 20 bytes, None where there is none.

    Attributes:
        portal: OptimismPortal on L1, by whose deposits blobs are attested; or else
        l1_messenger: L1CrossDomainMessenger, with `l2_messenger` at the other end. Exactly one of the two is set.
        token: the ERC-20 that everything is paid in; None deploys the test token.
        governor: may replace attesters, with notice.
        pauser: may stop intake for three days; the zero address for nobody.
        min_reserve_units, reserve_ppm: the part of a bond that each open batch holds.
        demand_deposit_units: what whoever demands a blob pays beforehand; it should cover posting one.
    """

    l1_chain_id: int
    l2_chain_id: int
    portal: bytes | None
    l1_messenger: bytes | None
    token: bytes | None
    protocol_ppm: int
    protocol_payee: bytes
    attesters: tuple[bytes, ...]
    quorum: int
    governor: bytes
    pauser: bytes = ZERO_ADDRESS
    min_reserve_units: int = DEFAULT_MIN_RESERVE_UNITS
    reserve_ppm: int = DEFAULT_RESERVE_PPM
    l2_messenger: bytes = L2_MESSENGER
    demand_deposit_units: int = DEFAULT_DEMAND_DEPOSIT_UNITS

    def check(self) -> None:
        """Refuses what the constructors would refuse, in words.

        Raises:
            SettingsError: a parameter is out of range or contradicts another.
        """
        for holds, sentence in self._rules():
            if not holds:
                raise SettingsError(sentence)

    def digest(self) -> str:
        """A name for this set of parameters, hex."""
        return hashlib.sha256(repr(dataclasses.astuple(self)).encode()).hexdigest()

    def _rules(self) -> tuple[tuple[bool, str], ...]:
        ordered = sorted(self.attesters)
        return (
            (self.l1_chain_id != self.l2_chain_id, "L1 and L2 have the same chain id; they must be two chains."),
            (
                (self.portal is None) != (self.l1_messenger is None),
                "L1_PORTAL_ADDRESS must name the L2's portal, or, with DEPLOY_PATH=messenger, L1_MESSENGER_ADDRESS its messenger.",
            ),
            (0 <= self.protocol_ppm <= PPM, f"The protocol's part must be 0 to {PPM} ppm."),
            (self.protocol_payee != ZERO_ADDRESS, "The protocol's payee must not be the zero address."),
            (self.governor != ZERO_ADDRESS, "The governor must not be the zero address."),
            (ZERO_ADDRESS not in ordered, "The zero address can't be an attester."),
            (all(a != b for a, b in pairwise(ordered)), "An attester is named twice."),
            (
                1 <= self.quorum <= len(ordered),
                f"A quorum of {self.quorum} can't be had from {len(ordered)} attesters.",
            ),
            (0 <= self.min_reserve_units < 2**64, "The least reserve must fit 64 bits."),
            (0 < self.demand_deposit_units < 2**64, "The deposit of a demand must be above zero and fit 64 bits."),
            (0 <= self.reserve_ppm < 2**32, "The reserve's ppm must fit 32 bits."),
        )
