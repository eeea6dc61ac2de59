"""What one process for each model would take, where so many processes can't be run; and what is saved.

Two measured things make the model: memory of ten processes, and tokens a CPU-second by the size of the batch. A model
with a small share of the traffic has one answer under way at a time, and pays for it with a batch of one. Processes
without requests are taken to use no CPU at all.
"""

import math
from dataclasses import dataclass

from benchmarks.tenancy.processes import AT_ONCE, Separate
from benchmarks.tenancy.traffic import popularity


@dataclass(frozen=True, slots=True)
class SeparateModel:
    """One process for each of any number of models.

    Attributes:
        rates: answer tokens a CPU-second by batch.
        own_bytes: what each process has for itself.
        shared_bytes: what all of them share.
    """

    rates: dict[int, float]
    own_bytes: float
    shared_bytes: float

    def bytes_of(self, models: int) -> float:
        """Resident bytes of all processes."""
        return self.shared_bytes + models * self.own_bytes

    def rate_of(self, models: int) -> float:
        """Answer tokens a CPU-second over all processes, each with its share of AT_ONCE answers under way."""
        return 1 / sum(share / self.rate_at(AT_ONCE * share) for share in popularity(models))

    def rate_at(self, batch: float) -> float:
        """Tokens a CPU-second with so many answers under way, between the measured batches by their logarithm."""
        known = sorted(self.rates)
        place = min(max(batch, known[0]), known[-1])
        above = next(one for one in known if one >= place)
        below = max(one for one in known if one <= place)
        if above == below:
            return self.rates[above]
        weight = math.log(place / below) / math.log(above / below)
        return self.rates[below] * (1 - weight) + self.rates[above] * weight


def modelled_on(measured: Separate, models: int, rates: dict[int, float]) -> SeparateModel:
    """The model that gives what so many processes were measured to take."""
    return SeparateModel(rates, measured.uss, measured.pss - models * measured.uss)


def saved(ours: float, theirs: float) -> float:
    """Per cent of what the others take."""
    return 100 * (1 - ours / theirs)


def adapters_for(share: float, fixed: float, each: float, process: float) -> int | None:
    """The least number of adapters at which `share` of the memory is saved; None if no number does it.

    One process takes `fixed` and `each` for an adapter; a process of its own takes `process`.
    """
    gain = (1 - share) * process - each
    return math.ceil(fixed / gain) if gain > 0 else None
