"""`tributary archive check|fetch`."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from indexer.archive.checking import Checked, check_archive
from indexer.archive.fetching import (
    TIMEOUT_SECONDS,
    AltDaSource,
    ApiSource,
    ArchiveSource,
    BeaconSource,
    Source,
    fetch_blobs,
)
from indexer.archive.named import NamedBlob, named_blobs
from indexer.settings import BlobArchiveSettings
from indexer.verification.commitments import CommitmentPool
from ledger.archive import BlobArchive
from ledger.chain.altda import AltDaClient
from ledger.chain.beacon import BeaconClient
from ledger.chain.endpoint import public_name
from ledger.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SHOWN = 20

app = typer.Typer(
    help="Blobs are gone from beacon nodes after 18 days; what the chains name must be in the archive by then.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def check() -> None:
    """Read every blob that the chains name and hold it against its hash; exit code 1 if one is missing or damaged.

    Which blobs those are is read from the index (DATABASE_URL): run `tributary index --once` first.
    """
    with _parts(BlobArchiveSettings.load()) as (archive, blobs, pool):
        checked = _checked(archive, blobs, pool)
    for word, found in (("missing", checked.missing), ("damaged", checked.damaged)):
        _show(word, found)
    typer.echo(
        f"Blobs that the chains name: {len(blobs)}; {checked.right} are there and right, {len(checked.missing)} missing,"
        f" {len(checked.damaged)} damaged."
    )
    if checked.wanting:
        raise typer.Exit(1)


@app.command()
def fetch(
    sources: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="ADDRESS", help="Another archive: a folder, https://…, or an object store."),
    ] = None,
    api: Annotated[list[str] | None, typer.Option("--api", metavar="URL", help="A Tributary API that has it.")] = None,
) -> None:
    """Get what is missing or damaged: from other archives, APIs, then the beacon nodes of BEACON_URL and ALTDA_URL's servers.

    Nothing is believed: each blob is held against its hash before it is kept. Exit code 1 if one is still missing.
    """
    settings = BlobArchiveSettings.load()
    with _parts(settings) as (archive, blobs, pool), ExitStack() as stack:
        wanting = _checked(archive, blobs, pool).wanting
        asked = _sources(settings, sources or [], api or [], stack)
        if wanting and not asked:
            raise UsageError("There is nowhere to fetch from; name --from or --api, or set BEACON_URL or ALTDA_URL.")
        with _bar("Fetching", len(wanting)) as advance:
            left = fetch_blobs(archive, wanting, asked, pool, advance)
    _show("not had", left)
    typer.echo(f"Fetched {len(wanting) - len(left)} blobs; {len(left)} could not be had.")
    if left:
        raise typer.Exit(1)


@contextmanager
def _parts(settings: BlobArchiveSettings) -> Iterator[tuple[BlobArchive, list[NamedBlob], CommitmentPool]]:
    archive = BlobArchive(settings.archive_dir)
    blobs = list(named_blobs(settings.database_url.get_secret_value()))
    with CommitmentPool(settings.kzg_processes) as pool:
        yield archive, blobs, pool


def _checked(archive: BlobArchive, blobs: Sequence[NamedBlob], pool: CommitmentPool) -> Checked:
    with _bar("Checking", len(blobs)) as advance:
        return check_archive(archive, blobs, pool, advance)


def _sources(
    settings: BlobArchiveSettings, archives: Sequence[str], apis: Sequence[str], stack: ExitStack
) -> list[Source]:
    """The sources in the order in which they are asked."""
    client = stack.enter_context(httpx.Client(timeout=TIMEOUT_SECONDS))
    beacons: list[Source] = []
    for url in settings.beacon_url:
        beacon = BeaconClient([url])
        stack.callback(beacon.close)
        beacons.append(BeaconSource(public_name(url), beacon))
    for url in settings.altda_url:
        server = AltDaClient(url)
        stack.callback(server.close)
        beacons.append(AltDaSource(server))
    others: list[Source] = [ArchiveSource(address, BlobArchive(address)) for address in archives]
    return [*others, *(ApiSource(url, client) for url in apis), *beacons]


def _show(word: str, blobs: Sequence[NamedBlob]) -> None:
    for blob in blobs[:SHOWN]:
        where = "its L1 post is not indexed" if blob.l1_block is None else f"L1 block {blob.l1_block.number}"
        typer.echo(f"{word}: 0x{blob.versioned_hash.hex()} ({where})")
    if len(blobs) > SHOWN:
        typer.echo(f"… and {len(blobs) - SHOWN} more {word}.")


@contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(title, total=total)
        yield lambda count: bars.advance(task, count)
