"""One receipt's proof: the elements that hold it, opened against the batch's versioned hashes, and its signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.errors import BadSignatureError, ExplainError, InvalidReceiptError, MalformedInputError
from ledger.protocol.domain import Domain
from ledger.protocol.explain.batches import check_commitment, check_place
from ledger.protocol.explain.document import ReceiptFile
from ledger.protocol.explain.reading import ProvenElements
from ledger.protocol.explain.refusal import parse, require
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import recover

if TYPE_CHECKING:
    from ledger.protocol.explain.document import SignedPart


@dataclass(frozen=True, slots=True)
class ReceiptProof:
    """A file that holds: compare its batch with the chain, and `signer` with the keys of the lane."""

    file: ReceiptFile
    receipt: Receipt | None
    """The signed receipt, if the file or the caller has it."""
    signer: bytes | None


def verify_receipt(content: bytes, signed: SignedPart | None = None) -> ReceiptProof:
    """The proof that a receipt file is, if every field of it holds.

    Args:
        content: the file.
        signed: the receipt as its payer keeps it; counts before the one in the file.

    Raises:
        ExplainError: with the field that does not hold.
    """
    file = parse(ReceiptFile, content)
    batch = file.batch
    check_commitment("batch", batch)
    elements = ProvenElements("batch", batch.openings, batch.versioned_hashes)
    require(file.place.position < batch.header.count, "place.position", "the batch is shorter")
    check_place("place", batch, file.place, elements.receipt(file.place.position, batch))
    signed = signed or file.signed
    if signed is None:
        return ReceiptProof(file, None, None)
    receipt = _read(signed)
    _check_receipt(receipt, file)
    return ReceiptProof(file, receipt, _check_signature(receipt, signed, file))


def _read(signed: SignedPart) -> Receipt:
    try:
        return Receipt.from_json(signed.receipt)
    except (MalformedInputError, InvalidReceiptError) as error:
        raise ExplainError("signed.receipt", str(error)) from error


def _check_receipt(receipt: Receipt, file: ReceiptFile) -> None:
    """That the receipt says what was posted of it."""
    header, place = file.batch.header, file.place
    for name, said, posted in (
        ("operator", receipt.operator, header.operator),
        ("lane", receipt.lane, header.lane),
        ("seq", receipt.seq, place.seq),
        ("payer", receipt.payer, place.payer),
        ("assetId", receipt.asset_id, place.asset_id),
        ("feeUnits", receipt.fee_units, place.fee),
        ("inputUnits", receipt.input_units, place.input_units),
        ("outputUnits", receipt.output_units, place.output_units),
        ("startedAt", receipt.started_at, place.started_at),
    ):
        require(said == posted, f"signed.receipt.{name}", "the batch holds another")


def _check_signature(receipt: Receipt, signed: SignedPart, file: ReceiptFile) -> bytes:
    digest = receipt.digest(Domain(file.chain.l2_chain_id, file.chain.ledger))
    require(digest[:31] == file.place.digest31, "signed.receipt", "its digest is not the one that was posted")
    try:
        signer = recover(digest, signed.signature)
    except BadSignatureError as error:
        raise ExplainError("signed.signature", str(error)) from error
    require(signer == signed.signer, "signed.signer", "another key signed the receipt")
    return signer
