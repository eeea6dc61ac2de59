"""What every contract with a brake on intake emits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IntakePaused:
    """New money and new batches are stopped until then."""

    pauser: bytes
    until: int


@dataclass(frozen=True, slots=True)
class IntakeUnpaused:
    """The stop was ended."""

    pauser: bytes
