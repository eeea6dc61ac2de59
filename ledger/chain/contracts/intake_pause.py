"""The brake on intake that ledger, escrow and operators have."""

from typing import cast

from ledger.chain.blocks import At
from ledger.chain.contracts.binding import Contract
from ledger.chain.transaction import Call


class PausableContract(Contract):
    """A contract with the functions of IIntakePause."""

    def pause_intake(self) -> Call:
        """Stop new money and new batches for a while; the pauser only."""
        return self._write("pauseIntake")

    def unpause_intake(self) -> Call:
        """End a running pause; the pauser only."""
        return self._write("unpauseIntake")

    def pauser(self, at: At) -> bytes:
        """The only address that may pause; zero if nobody may."""
        return cast("bytes", self._read("pauser", at))

    def intake_paused_until(self, at: At) -> int:
        """Second at which the newest pause ends."""
        return cast("int", self._read("intakePausedUntil", at))
