"""A batch's receipts out of the blobs or the openings that a file carries, each byte proven first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.errors import BlobFormatError, ExplainError
from ledger.protocol.batch import Charge
from ledger.protocol.blob import kzg, layout
from ledger.protocol.blob.decode import BatchColumns, decode
from ledger.protocol.blob.elements import PublicElement, read_public_element
from ledger.protocol.blob.faults import attribution_sets, find_faults
from ledger.protocol.blob.verification import blob_is, opening_holds
from ledger.protocol.explain.refusal import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ledger.protocol.attribution import AttributionSet
    from ledger.protocol.explain.document import BatchPart, OpeningPart


class ProvenReceipt(NamedTuple):
    """A receipt as the blobs hold it."""

    position: int
    digest31: bytes
    seq: int
    payer_index: int
    asset_id: int
    fee_units: int
    input_units: int
    output_units: int
    started_at: int
    entries: AttributionSet


def receipts_of_blobs(path: str, batch: BatchPart) -> Iterator[ProvenReceipt]:
    """Every receipt of the batch, from whole blobs that match their versioned hashes and have no fault of format.

    Raises:
        ExplainError: a blob is missing, not the one named, or not what the header says.
    """
    columns = _columns(path, batch)
    sets = attribution_sets(columns)
    fields = zip(
        columns.seq_offset.tolist(),
        columns.payer_index.tolist(),
        columns.asset_id.tolist(),
        columns.set_position.tolist(),
        columns.fee_units.tolist(),
        columns.input_units.tolist(),
        columns.output_units.tolist(),
        columns.time_offset.tolist(),
        strict=True,
    )
    header = columns.header
    for i, (seq_offset, payer_index, asset_id, set_position, fee, inputs, outputs, time_offset) in enumerate(fields):
        yield ProvenReceipt(
            position=i,
            digest31=columns.digests[i].tobytes(),
            seq=header.first_seq + seq_offset,
            payer_index=payer_index,
            asset_id=asset_id,
            fee_units=fee,
            input_units=inputs,
            output_units=outputs,
            started_at=header.base_time + time_offset,
            entries=sets.get(set_position, ()),
        )


def _columns(path: str, batch: BatchPart) -> BatchColumns:
    require(len(batch.blobs) == batch.header.blob_count, f"{path}.blobs", "one is missing")
    for place, (part, named) in enumerate(zip(batch.blobs, batch.versioned_hashes, strict=True)):
        here = f"{path}.blobs[{place}]"
        require(kzg.versioned_hash(part.kzg_commitment) == named, f"{here}.kzgCommitment", "it is of another blob")
        require(len(part.blob) == layout.BLOB_BYTES, f"{here}.blob", f"a blob has {layout.BLOB_BYTES} bytes")
        require(blob_is(part.blob, part.kzg_commitment, part.proof), f"{here}.blob", "its proof does not hold")
    header = batch.header.header()
    try:
        columns = decode([part.blob for part in batch.blobs], header.attribution_method, header.attribution_params_hash)
    except BlobFormatError as error:
        raise ExplainError(f"{path}.blobs", str(error)) from error
    faults = find_faults(columns, header, [Charge(line.payer, line.amount) for line in batch.charges])
    require(not faults, f"{path}.blobs", faults[0].detail if faults else "")
    return columns


class ProvenElements:
    """Field elements of a batch that openings prove, by their position in the run."""

    def __init__(self, path: str, openings: Sequence[OpeningPart], versioned_hashes: Sequence[bytes]) -> None:
        """Check every opening.

        Raises:
            ExplainError: one does not hold, names no blob of the batch, or stands twice.
        """
        self._path = path
        self._values: dict[int, bytes] = {}
        for place, part in enumerate(openings):
            here = f"{path}.openings[{place}]"
            require(part.blob_index < len(versioned_hashes), f"{here}.blobIndex", "the batch has no such blob")
            require(part.element < layout.FES_PER_BLOB, f"{here}.element", "a blob has no such element")
            opening = kzg.Opening(
                part.element, kzg.domain_point(part.element), part.value, part.kzg_commitment, part.proof
            )
            proven = opening_holds(opening, versioned_hashes[part.blob_index])
            require(proven, f"{here}.proof", "the opening does not hold")
            position = part.blob_index * layout.FES_PER_BLOB + part.element
            require(position not in self._values, here, "it stands twice")
            self._values[position] = part.value

    def digest31(self, i: int) -> bytes:
        """First 31 bytes of receipt i's digest."""
        return self._at(layout.a_position(i))[1:]

    def public(self, i: int) -> PublicElement:
        """Receipt i's public fields."""
        try:
            return read_public_element(self._at(layout.b_position(i)))
        except BlobFormatError as error:
            raise ExplainError(f"{self._path}.openings", str(error)) from error

    def receipt(self, i: int, batch: BatchPart) -> ProvenReceipt:
        """Receipt i; its fee is the step of the running sum, so B_(i-1) is opened too. Its set is not."""
        fields = self.public(i)
        before = self.public(i - 1).cumulative_fee_units if i else 0
        return ProvenReceipt(
            position=i,
            digest31=self.digest31(i),
            seq=batch.header.first_seq + fields.seq_offset,
            payer_index=fields.payer_index,
            asset_id=fields.asset_id,
            fee_units=fields.cumulative_fee_units - before,
            input_units=fields.input_units,
            output_units=fields.output_units,
            started_at=batch.header.base_time + fields.time_offset,
            entries=(),
        )

    def _at(self, position: int) -> bytes:
        if position not in self._values:
            raise ExplainError(f"{self._path}.openings", f"field element {position} is not opened")
        return self._values[position]
