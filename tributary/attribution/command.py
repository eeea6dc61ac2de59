"""`tributary attribution index|explain|recompute`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from audit.attribution.transcripts import Transcript, load_transcript
from ledger.attribution.library import Library
from ledger.attribution.standard import standard_method
from ledger.attribution.texts import folder_hash
from ledger.config import AttributionSettings, L2Settings
from ledger.errors import NotFoundError, UsageError
from ledger.named_files import read_named
from ledger.protocol.attribution import Texts, attribute, params_hash
from ledger.protocol.hexadecimal import to_hex
from tributary.attribution.explaining import as_json, passages, set_json
from tributary.attribution.indexing import index as add_to_library
from tributary.attribution.recomputing import Given, admitted_ids, known_ids, prior_in, recompute, resolved
from tributary.attribution.registry import opened

app = typer.Typer(
    help="Whose words an answer holds: index the texts of registered datasets, explain an answer, and compute the "
    "attribution set of a receipt again from a kept transcript. docs/spec/attribution.md says how sets are made.",
    no_args_is_help=True,
    add_completion=False,
)
DIFFERENT = 1
Folder = Annotated[Path | None, typer.Option("--library", help="Folder of the library; else ATTRIBUTION_DIR.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Admit = Annotated[str | None, typer.Option(help="assetIds that the terms admit, such as 3,7; else all in the library.")]


@app.command()
def index(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH…", help="Folders of registered datasets; as ID=PATH no node is asked for the number."
        ),
    ],
    library: Folder = None,
    l2_rpc_url: Annotated[str | None, typer.Option(help="L2 node; else L2_RPC_URL.")] = None,
) -> None:
    """Add datasets to the library. What is there already stays as it is.

    Each folder's contentHash is computed and its assetId asked of the registry on L2: a text that is not registered
    is refused.
    """
    folder = _folder(library)
    held, added = add_to_library(paths, folder, lambda: L2Settings.load(l2_rpc_url=l2_rpc_url))
    table = Table("dataset", "contentHash", "files", "bytes", "")
    for entry in held.corpus:
        text = held.texts[entry.asset_id]
        new = "added" if entry.asset_id in added else ""
        table.add_row(
            str(entry.asset_id), to_hex(entry.content_hash), str(len(text.files)), f"{len(text.content):,}", new
        )
    console = Console()
    console.print(table)
    print(f"attributionParamsHash {to_hex(params_hash(held.method.parameters, held.corpus))}")


@app.command()
def explain(
    answer: Annotated[
        Path | None, typer.Argument(help="File with the answer's text; standard input without it.")
    ] = None,
    prompt: Annotated[Path | None, typer.Option(help="File with what was asked: its words are nobody's.")] = None,
    admit: Admit = None,
    adapter: Annotated[Path | None, typer.Option(help="Folder of the adapter, for its prior.")] = None,
    library: Folder = None,
    as_object: AsJson = False,
) -> None:
    """Say which words of an answer stand in which dataset, at which place, and what set that makes."""
    held = Library.open(_folder(library), standard_method())
    texts = Texts((_read(answer),), () if prompt is None else (_read(prompt),))
    prior = resolved(None if adapter is None else prior_in(adapter), known_ids(held))
    found = attribute(texts, held, admitted_ids(admit, known_ids(held).values()), prior, held.method)
    if as_object:
        print(json.dumps(as_json(found, texts, held), ensure_ascii=False, indent=1))
        return
    table = Table("these words", "dataset", "file", "byte", "")
    for passage in passages(found, texts, held):
        note = "" if passage.admitted else "not admitted"
        table.add_row(passage.words, str(passage.asset_id), passage.path, f"{passage.offset:,}", note)
    console = Console()
    console.print(table)
    for entry in found.entries:
        name = f"dataset {entry.asset_id}" if entry.asset_id else "by the terms' weights"
        print(f"{entry.ppm:>9,} ppm  {name}")
    if not found.entries:
        print("No set: all goes by the terms' weights.")


@app.command(name="recompute")
def recompute_command(  # one parameter an option
    transcript: Annotated[Path, typer.Argument(help="A kept transcript (docs/spec/transcript.md), receipt included.")],
    admit: Annotated[
        str | None, typer.Option(help="assetIds that the terms admit, such as 3,7; else asked of the L2.")
    ] = None,
    adapter: Annotated[Path | None, typer.Option(help="Folder of the adapter that answered, for its prior.")] = None,
    library: Folder = None,
    l2_rpc_url: Annotated[str | None, typer.Option(help="L2 node; else L2_RPC_URL.")] = None,
    as_object: AsJson = False,
) -> None:
    """Compute a receipt's attribution set again and compare it with the receipt's attributionHash.

    Ends with exit code 0 if they are the same, and 1 with what differs.
    """
    held = Library.open(_folder(library), standard_method())
    kept = load_transcript(transcript)
    given = _given(kept, held, admit, adapter, l2_rpc_url)
    done = recompute(kept, held, given)
    if as_object:
        answer = {**as_json(done.found, kept.texts, held), "differences": done.differences}
        print(json.dumps(answer, ensure_ascii=False, indent=1))
    else:
        for sentence in done.differences:
            print(f"NOT the same: {sentence}.")
        print(f"set computed again: {json.dumps(set_json(done.found.entries))}")
    if done.differences:
        raise typer.Exit(DIFFERENT)
    if not as_object:
        print(f"It is the receipt's: attributionHash {to_hex(kept.kept.receipt.attribution_hash)}.")


def _given(kept: Transcript, held: Library, admit: str | None, adapter: Path | None, l2_rpc_url: str | None) -> Given:
    """Admitted datasets and prior: from the command line, else from the registry at the receipt's time."""
    prior, receipt = None if adapter is None else prior_in(adapter), kept.kept.receipt
    if admit is not None:
        return Given(admitted_ids(admit, ()), resolved(prior, known_ids(held)))
    with opened(L2Settings.load(l2_rpc_url=l2_rpc_url)) as registry:
        terms = registry.terms(receipt.asset_id, receipt.started_at)
        if not terms.by_operator:
            raise UsageError(f"The terms of asset {receipt.asset_id} are in mode fixed: its receipts have no sets.")
        if adapter is None:
            raise UsageError(f"--adapter must name the folder of asset {receipt.asset_id}: its prior plays a part.")
        if folder_hash(adapter) != terms.content_hash:
            raise NotFoundError(f"The files in {adapter} are not those of asset {receipt.asset_id}.")
        ids = {} if prior is None else {digest: registry.asset_id(digest) for digest in prior.datasets}
    return Given(terms.admitted, resolved(prior, ids))


def _folder(given: Path | None) -> Path:
    return AttributionSettings.load(attribution_dir=given).attribution_dir


def _read(path: Path | None) -> str:
    content = sys.stdin.buffer.read() if path is None else read_named(path)
    return content.decode(errors="replace")
