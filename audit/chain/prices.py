"""Operators' published prices, from the logs of Operators."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from audit.chain.events import Event, of


class Price(NamedTuple):
    """Base units of the token for 1000 input and 1000 output units."""

    input_units: int
    output_units: int


class Prices:
    """Every price that an operator ever published for an asset."""

    def __init__(self, events: Iterable[Event]) -> None:
        """Read the histories out of events in chain order."""
        self._published: dict[tuple[bytes, int], list[tuple[int, Price]]] = defaultdict(list)
        for event in of(events, "Operators", "PricePublished"):
            price = Price(event.args["inputPrice"], event.args["outputPrice"])
            key = (event.args["operator"], event.args["assetId"])
            self._published[key].append((event.args["effectiveAt"], price))

    def at(self, operator: bytes, asset_id: int, second: int) -> Price:
        """The newest published price in force by `second`; nothing, where none was."""
        in_force = [price for since, price in self._published.get((operator, asset_id), ()) if since <= second]
        return in_force[-1] if in_force else Price(0, 0)
