"""The API compared with the whole reading: batches as they are read, everything else at the end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.batch.reading import Sound
from audit.chain.assets import Asset
from audit.chain.batches import Batch
from audit.chain.state import State
from audit.difference import Place
from audit.money.conservation import Conservation
from audit.money.entitlement import Entitlements
from audit.statements.api import Api, finalized_block
from audit.statements.api_batches import compare_batch, compare_list
from audit.statements.api_money import compare_assets, compare_claimable, compare_conservation, compare_contributors
from ledger.errors import RetryableError


@dataclass(frozen=True, slots=True)
class Comparison:
    """One API against one reading. The API goes on indexing meanwhile, which must not look like a difference."""

    api: Api
    state: State
    assets: Mapping[int, Asset]

    def begin(self) -> None:
        """Compare the API's final block with the chain's of that number."""
        shown = finalized_block(self.api)
        place = Place("api", "status in the API")
        true = self.state.node.block(shown.number).hash
        self.api.compare(place, f"hash of the finalised L2 block {shown.number}", true, shown.hash)

    def batch(self, batch: Batch, sound: Sound | None) -> None:
        """Compare a batch that was just read."""
        compare_batch(self.api, batch, sound, self.assets, self.state.block.number)

    def finish(
        self,
        batches: Iterable[Batch],
        entitlements: Entitlements,
        payable: Mapping[int, Mapping[bytes, int]],
        paid: Mapping[bytes, int],
        conservation: Conservation,
    ) -> None:
        """Compare lists, terms, earnings and the identity.

        Raises:
            RetryableError: something happened on the chain since the audited block, and the API shows it already.
        """
        through = self.state.block.number
        compare_list(self.api, batches, through)
        compare_assets(self.api, self.assets, entitlements.lists, through)
        compare_contributors(self.api, entitlements.owed, paid)
        compare_claimable(self.api, payable, paid, {p: amount for p, amount in entitlements.owed.items() if amount})
        compare_conservation(self.api, conservation)
        self._check_quiet()

    def _check_quiet(self) -> None:
        """Nothing, if no event lies between the audited block and the one that the API's figures are read at now."""
        first, last = self.state.block.number + 1, finalized_block(self.api).number
        addresses = [*self.state.addresses.values(), self.state.token]
        if first <= last and next(self.state.node.logs(first, last, addresses), None) is not None:
            raise RetryableError(
                f"The chain moved on from L2 block {first - 1} to {last} while the API was read; start the audit again."
            )
