"""FormatChallenges and ReceiptChallenges (L2): one-step fraud proofs against open batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from ledger.chain.blocks import At
from ledger.chain.contracts.binding import Contract
from ledger.chain.deployment import L2Deployment
from ledger.chain.rpc import RpcClient
from ledger.chain.structs import BatchRecord
from ledger.chain.transaction import Call
from ledger.protocol.batch import BatchHeader, Charge
from ledger.protocol.blob.kzg import Opening as KzgOpening
from ledger.protocol.receipt import Receipt


@dataclass(frozen=True, slots=True)
class CommittedBatch:
    """A batch as its newest commit's event tells it."""

    batch_id: int
    record: BatchRecord
    header: BatchHeader
    versioned_hashes: tuple[bytes, ...]
    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a contract takes of a KZG opening: the value, and 48 bytes each of commitment and proof."""

    value: bytes
    commitment_and_proof: bytes

    @classmethod
    def of(cls, opening: KzgOpening) -> "Opening":
        """The opening without its point, which the contract derives."""
        return cls(opening.y, opening.kzg_commitment + opening.proof)


class _Court(Contract):
    """A contract that hears challenges."""

    def write(self, function: str, *arguments: object) -> Call:
        return self._write(function, *arguments)

    def read(self, function: str, at: At, *arguments: object) -> Any:
        return self._read(function, at, *arguments)


class _FormatChallenges(_Court):
    abi_name: ClassVar[str] = "FormatChallenges"


class _ReceiptChallenges(_Court):
    abi_name: ClassVar[str] = "ReceiptChallenges"


class Challenges:
    """One method per function of IFormatChallenges and IReceiptChallenges; what each needs opened stands there."""

    def __init__(self, rpc: RpcClient, contracts: L2Deployment) -> None:
        """Bind both ABIs; nothing is asked of the chain yet."""
        self._courts = (
            _FormatChallenges(rpc, contracts.format_challenges),
            _ReceiptChallenges(rpc, contracts.receipt_challenges),
        )

    def _write(self, function: str, *arguments: object) -> Call:
        return self._court(function).write(function, *arguments)

    def _read(self, function: str, at: At, *arguments: object) -> Any:
        return self._court(function).read(function, at, *arguments)

    def _court(self, function: str) -> "_Court":
        """The contract that has the function; no two have one of the same name."""
        return next(court for court in self._courts if function in court.abi.functions)

    def challenge_header(self, batch: CommittedBatch, position: int, opening: Opening) -> Call:
        """Element 0 or 1 differs from the header."""
        return self._write("challengeHeader", batch, position, opening)

    def challenge_element(self, batch: CommittedBatch, position: int, opening: Opening) -> Call:
        """A used element is 2^248 or more."""
        return self._write("challengeElement", batch, position, opening)

    def challenge_charge(self, batch: CommittedBatch, p: int, opening: Opening) -> Call:
        """P_p is not charge p, or its last index lies outside."""
        return self._write("challengeCharge", batch, p, opening)

    def challenge_receipt(self, batch: CommittedBatch, i: int, b: Opening) -> Call:
        """B_i by itself is out of range, or names no model or adapter."""
        return self._write("challengeReceipt", batch, i, b)

    def challenge_neighbours(self, batch: CommittedBatch, i: int, b: Opening, following: Opening) -> Call:
        """B_i and B_{i+1} are out of order."""
        return self._write("challengeNeighbours", batch, i, b, following)

    def challenge_payer_total(self, batch: CommittedBatch, i: int, b: Opening, following: Opening) -> Call:
        """At a payer's last receipt the running sum does not meet the charges."""
        return self._write("challengePayerTotal", batch, i, b, following)

    def challenge_payer_last(self, batch: CommittedBatch, p: int, payer: Opening, i: int, b: Opening) -> Call:
        """P_p's last index is not the payer's last receipt; `i` is that index or the next."""
        return self._write("challengePayerLast", batch, p, payer, i, b)

    def challenge_duplicate(self, batch: CommittedBatch, i: int, j: int, b_of_i: Opening, b_of_j: Opening) -> Call:
        """Two receipts have one seq."""
        return self._write("challengeDuplicate", batch, i, j, b_of_i, b_of_j)

    def challenge_altered(
        self, batch: CommittedBatch, receipt: Receipt, signature: bytes, i: int, a: Opening, b: Opening
    ) -> Call:
        """Another digest stands at a signed receipt's seq."""
        return self._write("challengeAltered", batch, receipt, signature, i, a, b)

    def challenge_field(
        self, batch: CommittedBatch, receipt: Receipt, signature: bytes, i: int, a: Opening, b: Opening
    ) -> Call:
        """A field of B_i is not the signed receipt's."""
        return self._write("challengeField", batch, receipt, signature, i, a, b)

    def challenge_signed_fee(
        self, batch: CommittedBatch, receipt: Receipt, signature: bytes, i: int, a: Opening, bs: Sequence[Opening]
    ) -> Call:
        """The fee is not the signed one; `bs` are B_i and, unless i is 0, B_{i-1}."""
        return self._write("challengeSignedFee", batch, receipt, signature, i, a, bs)

    def challenge_signed_set(
        self,
        batch: CommittedBatch,
        receipt: Receipt,
        signature: bytes,
        i: int,
        a: Opening,
        b: Opening,
        parts: Sequence[Opening],
    ) -> Call:
        """The set that B_i points at is not the signed one; `parts` are all of its parts."""
        return self._write("challengeSignedSet", batch, receipt, signature, i, a, b, parts)

    def challenge_price(self, batch: CommittedBatch, i: int, bs: Sequence[Opening]) -> Call:
        """The fee is not price x units; `bs` are B_i and, unless i is 0, B_{i-1}."""
        return self._write("challengePrice", batch, i, bs)

    def challenge_floor(self, batch: CommittedBatch, i: int, bs: Sequence[Opening]) -> Call:
        """The fee is below floor price x units; `bs` as of a price."""
        return self._write("challengeFloor", batch, i, bs)

    def challenge_set_part(self, batch: CommittedBatch, k: int, part: Opening) -> Call:
        """S_k by itself breaks the form of a set."""
        return self._write("challengeSetPart", batch, k, part)

    def challenge_set_neighbours(self, batch: CommittedBatch, k: int, part: Opening, following: Opening) -> Call:
        """S_k and S_{k+1} do not go together."""
        return self._write("challengeSetNeighbours", batch, k, part, following)

    def challenge_set_sum(self, batch: CommittedBatch, k: int, parts: Sequence[Opening]) -> Call:
        """The set that begins at S_k does not sum to one million ppm."""
        return self._write("challengeSetSum", batch, k, parts)

    def challenge_set_pointer(self, batch: CommittedBatch, i: int, b: Opening, parts: Sequence[Opening]) -> Call:
        """B_i points outside the sets (no part), or at a part that is not a set's first."""
        return self._write("challengeSetPointer", batch, i, b, parts)

    def challenge_admission(
        self, batch: CommittedBatch, i: int, b: Opening, part: int, entry: int, parts: Sequence[Opening]
    ) -> Call:
        """The terms admit no set (no part), or not the dataset of this entry of this part."""
        return self._write("challengeAdmission", batch, i, b, part, entry, parts)

    def penalize_unposted(self, receipt: Receipt, signature: bytes) -> Call:
        """A signed receipt whose posting is overdue."""
        return self._write("penalizeUnposted", receipt, signature)

    def penalize_consumed(self, receipt: Receipt, signature: bytes, batch_id: int, record: BatchRecord) -> Call:
        """A receipt signed for a seq that a commit had taken before: this open or voided batch's, or (id 0) the lane's."""
        return self._write("penalizeConsumed", receipt, signature, batch_id, record)

    def penalized_at(self, operator: bytes, lane: int, at: At) -> int:
        """When this lane was last penalised, or 0."""
        return cast("int", self._read("penalizedAt", at, operator, lane))
