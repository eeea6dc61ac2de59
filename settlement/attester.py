"""An attester: computes a distribution from its own index, and signs it only if the proposer's file is the same.

It never takes a number from the proposal but the root index and the block up to which batches count, and checks
both with its own node.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from sqlalchemy.dialects.postgresql import insert

from ledger.db.models.settlement import SignedAttestation
from ledger.errors import NotYetFinalError, WrongRootError
from ledger.protocol.hexadecimal import checksum_address, to_hex
from ledger.protocol.signature import address_of, sign
from settlement import queries
from settlement.database_errors import database_errors
from settlement.distribution_file import parse, parse_frame
from settlement.entitlements import by_rule
from settlement.proposal import propose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from coincurve import PrivateKey
    from sqlalchemy.orm import Session, sessionmaker

    from settlement.distribution_file import DistributionFile
    from settlement.draw.checking import Draw
    from settlement.entitlements import Entitlement
    from settlement.proposal import Proposal
    from settlement.scope import Scope, ThroughBlock

    class ChainView(Protocol):
        """What an attester asks its own L2 node."""

        def finalized_hash(self, number: int) -> bytes | None:
            """Hash of a finalised block; None if the chain has not finalised that number yet."""

        def next_root_index(self) -> int:
            """Index that the next root must have."""


@dataclass(frozen=True, slots=True)
class Signed:
    """An attester's yes."""

    attester: bytes
    digest: bytes
    signature: bytes


class Attester:
    """One key and the index that it believes."""

    def __init__(
        self,
        scope: Scope,
        sessions: sessionmaker[Session],
        chain: ChainView,
        key: PrivateKey,
        draw: Draw | None = None,
    ) -> None:
        """Take the attester's own database, node and key, and its part in the draw if it takes one."""
        self.draw = draw
        self.scope = scope
        self.address = address_of(key)
        self._sessions = sessions
        self._chain = chain
        self._key = key

    def attest(self, content: bytes) -> Signed:
        """The signature over what this attester computed, if the proposed file says the same.

        Raises:
            MalformedInputError: the bytes are no distribution file.
            NotYetFinalError: this attester has not read the chain that far.
            WrongRootError: it computes another distribution, and names the first payee that differs; or a drawn receipt
                is not opened or not right, and it names that.
            DatabaseUnavailableError: its database does not answer.
        """
        with database_errors():
            return self._attest(content)

    def _attest(self, content: bytes) -> Signed:
        place = parse_frame(content)
        self._check_place(place)
        if self.draw is not None:
            self.draw.require(place.through.number)
        own = self.compute(place.root_index, place.through)
        if own.content != content:
            raise first_difference(parse(content), own.file)
        signed = Signed(self.address, own.digest, sign(own.digest, self._key))
        self._log(own, signed)
        return signed

    def compute(self, root_index: int, through: ThroughBlock) -> Proposal:
        """This attester's own distribution through a block.

        Raises:
            NotYetFinalError: its index has not come that far.
        """
        with self._sessions() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            head = session.execute(queries.FINALIZED_HEAD, {"chain_id": self.scope.chain_id}).first()
            if head is None or head.number < through.number:
                indexed = "nothing" if head is None else f"block {head.number}"
                raise NotYetFinalError(f"This attester has indexed {indexed} as final, not yet block {through.number}.")
            entitlements = by_rule(session, through.number, self.scope.protocol)
        return propose(self.scope, root_index, through, entitlements)

    def knows_block(self, through: ThroughBlock) -> bool:
        """Whether this attester's node calls this very block final."""
        return self._chain.finalized_hash(through.number) == through.hash

    def _check_place(self, proposed: DistributionFile) -> None:
        """Nothing, if the file is for our distributor's next root and a block that our node calls final."""
        ours = (self.scope.chain_id, self.scope.distributor, self.scope.token)
        if (proposed.chain_id, proposed.distributor, proposed.token) != ours:
            raise WrongRootError(f"The file is for another distributor or token than {to_hex(self.scope.distributor)}.")
        known = self._chain.finalized_hash(proposed.through.number)
        if known is None:
            raise NotYetFinalError(f"This attester's node has not finalised block {proposed.through.number}.")
        if known != proposed.through.hash:
            raise WrongRootError(
                f"Block {proposed.through.number} has hash {to_hex(known)}, not {to_hex(proposed.through.hash)}."
            )
        following = self._chain.next_root_index()
        if proposed.root_index != following:
            raise WrongRootError(f"The next root has index {following}, not {proposed.root_index}.")

    def _log(self, own: Proposal, signed: Signed) -> None:
        """Keep what is signed before it leaves."""
        message = own.message
        row = insert(SignedAttestation).values(
            attester=signed.attester,
            digest=signed.digest,
            chain_id=self.scope.chain_id,
            distributor=self.scope.distributor,
            root_index=message.root_index,
            root=message.root,
            total_cumulative_units=message.total_cumulative_units,
            through_l2_block=message.through_l2_block,
            through_l2_block_hash=message.through_l2_block_hash,
            data_hash=message.data_hash,
            signature=signed.signature,
        )
        with self._sessions.begin() as session:
            session.execute(row.on_conflict_do_nothing(index_elements=["attester", "digest"]))


def first_difference(proposed: DistributionFile, computed: DistributionFile) -> WrongRootError:
    """Why two files of the same place differ: the first payee, or the first total."""
    line = _first_line(proposed.entitlements.lines, computed.entitlements.lines)
    if line is not None:
        payee, claimed, own = line
        units = [f"{n // 10**30} + {n % 10**30}/10^30" if n else "nothing" for n in (claimed, own)]
        return WrongRootError(
            f"{checksum_address(payee)} is owed {units[1]} base units by our index, the proposal says {units[0]}.",
            payee=payee,
            proposed=claimed,
            computed=own,
        )
    if proposed.entitlements.withheld_batches != computed.entitlements.withheld_batches:
        return WrongRootError("The proposal and our index withhold different batches.")
    if proposed.root != computed.root:
        return WrongRootError(f"The payees give root {to_hex(computed.root)}, not {to_hex(proposed.root)}.")
    return WrongRootError("The proposal's fees are not those of our index.")


def _first_line(proposed: Sequence[Entitlement], computed: Sequence[Entitlement]) -> tuple[bytes, int, int] | None:
    """The lowest payee whose numerators differ, with both; 0 where it is missing."""
    for theirs, ours in zip_longest(proposed, computed):
        if theirs == ours:
            continue
        if ours is None or (theirs is not None and theirs.payee < ours.payee):
            return theirs.payee, theirs.numerator, 0
        if theirs is None or ours.payee < theirs.payee:
            return ours.payee, 0, ours.numerator
        return ours.payee, theirs.numerator, ours.numerator
    return None
