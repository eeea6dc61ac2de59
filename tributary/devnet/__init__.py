"""A devnet: an L1 (chain 900) and one OP Stack L2 (chain 901) on this machine, by supersim on anvil.

In: nothing but the locked npm tools. Out: addresses of both chains, of the L1 contracts that carry messages to the L2,
and funded accounts. Only this package knows supersim; every other part reads addresses from settings.
Invariants: chains live exactly as long as their owner (a `with` block, or until `devnet down`); any number of devnets
stand side by side; both clocks move together. A crash of the owner leaves nothing: see `tributary.guard`.
"""

from tributary.devnet.accounts import DevAccount
from tributary.devnet.network import Devnet
from tributary.devnet.pulse import Pulse

__all__ = ["DevAccount", "Devnet", "Pulse"]
