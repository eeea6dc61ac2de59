"""`tributary verify payout|receipt FILE …`: believe nothing that the file or its sender says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from pydantic_core import from_json

from ledger.errors import ExplainError, MalformedInputError
from ledger.protocol.explain.document import SignedPart
from ledger.protocol.explain.payout import PayoutProof, verify_payout
from ledger.protocol.explain.receipt import ReceiptProof, verify_receipt
from ledger.protocol.hexadecimal import checksum_address, to_hex

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
LARGEST_FILE: Final = 256 * 1024 * 1024

Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files as the API gave them.", show_default=False)]
Rpc = Annotated[str | None, typer.Option(help="An L2 node to compare with what the files rest on.", metavar="URL")]


@app.command()
def payout(files: Files, rpc: Rpc = None) -> None:
    """Check files of /v1/contributors/ADDRESS/explain: tree proof, rounding, sources, terms, batches, blobs."""
    for file in files:
        started = time.perf_counter()
        proof = _named(file, verify_payout)
        _print_payout(file, proof, time.perf_counter() - started)
        _compare(proof, rpc)


@app.command()
def receipt(
    files: Files,
    rpc: Rpc = None,
    kept: Annotated[
        Path | None, typer.Option(help="The receipt as you keep it, with its signature; for a single FILE.")
    ] = None,
) -> None:
    """Check files of /v1/receipts/DIGEST/proof: openings against the batch's blobs, and the receipt's signature."""
    if kept is not None and len(files) > 1:
        raise typer.BadParameter("--kept goes with one file.")
    signed = None if kept is None else read_kept(kept)
    for file in files:
        proof = _named(file, lambda content: verify_receipt(content, signed))
        _print_receipt(file, proof)
        _compare(proof, rpc)


def read_kept(path: Path) -> SignedPart:
    """A receipt in the form in which clients get it: {"receipt": …, "signature": …, "signer": …}.

    Raises:
        MalformedInputError: it is not in that form.
    """
    try:
        document: Any = from_json(_read(path))  # unlike json.loads, bounded in depth
        fields = {name: document[name] for name in ("receipt", "signer", "signature")}
        return SignedPart.model_validate(fields)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise MalformedInputError(f"{path} is not a receipt with its signature and signer.") from error


def _compare(proof: PayoutProof | ReceiptProof, rpc: str | None) -> None:
    """Print what the node confirms, if there is one to ask."""
    if rpc is None:
        typer.echo("  Compare these with a node that you trust, or give --rpc URL.")
        return
    from tributary.verify import on_chain  # noqa: PLC0415  # a fifth of a second that checking offline does without

    payout_lines, receipt_lines = on_chain.check_payout_on_chain, on_chain.check_receipt_on_chain
    for line in payout_lines(proof, rpc) if isinstance(proof, PayoutProof) else receipt_lines(proof, rpc):
        typer.echo(f"  {line}")


def _named(path: Path, verify: Any) -> Any:
    """What `verify` says of a file.

    Raises:
        ExplainError: with the file's name before the field.
    """
    try:
        return verify(_read(path))
    except ExplainError as error:
        raise ExplainError(
            f"{path} does not hold at {error.field}", str(error).partition(": ")[2].rstrip(".")
        ) from error


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise MalformedInputError(f"{path} is larger than any file of this kind.")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)  # a device or a pipe says that its size is 0
    except OSError as error:
        raise MalformedInputError(f"{path} can not be read: {error.strerror}.") from error
    if len(content) > LARGEST_FILE:
        raise MalformedInputError(f"{path} is larger than any file of this kind.")
    return content


def _print_payout(path: Path, proof: PayoutProof, seconds: float) -> None:
    file = proof.file
    line, root, blobs = file.payout, file.distribution, sum(len(batch.blobs) for batch in file.batches)
    typer.echo(f"{path} holds ({seconds:.2f} s).")
    typer.echo(
        f"  {checksum_address(line.payee)} is owed {line.cumulative} units in all, from {len(file.batches)} batches "
        f"({blobs} whole blobs), by {len(file.sources)} sources."
    )
    if proof.sampled_batches:
        typer.echo(
            f"  Of {len(proof.sampled_batches)} batches the totals and a draw of receipts are proven; how the total divides "
            "is the index's word until you read their blobs."
        )
    typer.echo("  It rests on these, which no file can prove:")
    typer.echo(
        f"    root {root.root_index}: {to_hex(root.root)} of distributor {checksum_address(file.chain.distributor)}"
    )
    typer.echo(f"    on chain {file.chain.l2_chain_id}, through L2 block {root.through_l2_block}")
    for attestation in root.attestations:
        typer.echo(f"    signed by {checksum_address(attestation.attester)}")
    for batch in file.batches:
        typer.echo(f"    batch {batch.batch_id}: {to_hex(batch.batch_commitment)}")
        for blob_hash in batch.versioned_hashes:
            typer.echo(f"      blob {to_hex(blob_hash)}")


def _print_receipt(path: Path, proof: ReceiptProof) -> None:
    batch, place = proof.file.batch, proof.file.place
    typer.echo(f"{path} holds.")
    typer.echo(
        f"  Receipt {place.seq} of lane {batch.header.lane} of {checksum_address(batch.header.operator)} stands at position "
        f"{place.position} of batch {batch.batch_id} and charges {place.fee} units to {checksum_address(place.payer)}."
    )
    if proof.signer is None:
        typer.echo("  The file has no signed receipt; give yours with --kept FILE.")
    else:
        typer.echo(f"  The signed receipt is the one posted; its key is {checksum_address(proof.signer)}.")
    typer.echo("  It rests on these, which no file can prove:")
    typer.echo(f"    batch {batch.batch_id}: {to_hex(batch.batch_commitment)}")
    for blob_hash in batch.versioned_hashes:
        typer.echo(f"      blob {to_hex(blob_hash)}")
