"""RoyaltyDistributor (L2): roots of cumulative amounts, and their payment."""

from collections.abc import Sequence
from typing import ClassVar, cast

from ledger.chain.blocks import At
from ledger.chain.contracts.binding import Contract
from ledger.chain.structs import Claim, Root
from ledger.chain.transaction import Call
from ledger.protocol.distribution import Distribution


class RoyaltyDistributor(Contract):
    """One method per function of IRoyaltyDistributor that anyone but the ledger calls."""

    abi_name: ClassVar[str] = "RoyaltyDistributor"

    def submit_root(self, distribution: Distribution, signatures: Sequence[bytes]) -> Call:
        """Submit the next root with its quorum; signatures ascending by signer."""
        return self._write("submitRoot", distribution, signatures)

    def disable_root(self, root_index: int) -> Call:
        """Disable a root that is not active yet; attesters only."""
        return self._write("disableRoot", root_index)

    def claim(self, root_index: int, payee: bytes, cumulative_units: int, proof: Sequence[bytes]) -> Call:
        """Pay a payee all that an active root owes it."""
        return self._write("claim", root_index, payee, cumulative_units, proof)

    def claim_many(self, root_index: int, claims: Sequence[Claim]) -> Call:
        """Pay many; what can't be paid is skipped with its reason."""
        return self._write("claimMany", root_index, claims)

    def set_recipient(self, recipient: bytes) -> Call:
        """Set where the sender's claims are paid."""
        return self._write("setRecipient", recipient)

    def replace_attester(self, outgoing: bytes, incoming: bytes) -> Call:
        """Replace an attester, with notice; the governor only."""
        return self._write("replaceAttester", outgoing, incoming)

    def root(self, root_index: int, at: At) -> Root:
        """A submitted root; reverts with DistributorRootUnknown if there is none."""
        return cast("Root", self._read("root", at, root_index))

    def next_root_index(self, at: At) -> int:
        """Index of the next root; the first is 1."""
        return cast("int", self._read("nextRootIndex", at))

    def claimed(self, payee: bytes, at: At) -> int:
        """Units that the payee was paid so far."""
        return cast("int", self._read("claimed", at, payee))

    def recipient_of(self, payee: bytes, at: At) -> bytes:
        """Where the payee's claims are paid."""
        return cast("bytes", self._read("recipientOf", at, payee))

    def total_claimed(self, at: At) -> int:
        """Units paid out so far."""
        return cast("int", self._read("totalClaimed", at))

    def total_funded(self, at: At) -> int:
        """Units that finalised batches paid in."""
        return cast("int", self._read("totalFunded", at))

    def is_attester(self, account: bytes, at: At) -> bool:
        """Whether an account is an attester now."""
        return cast("bool", self._read("isAttester", at, account))

    def quorum(self, at: At) -> int:
        """Signatures that a root needs."""
        return cast("int", self._read("quorum", at))

    def distribution_digest(self, distribution: Distribution, at: At) -> bytes:
        """EIP-712 digest as the contract computes it."""
        return cast("bytes", self._read("distributionDigest", at, distribution))
