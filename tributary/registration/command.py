"""`tributary register`: content root, terms, preview, commitment, delay, reveal."""

from __future__ import annotations

import datetime as dt
import json
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ledger.chain.blocks import block_at
from ledger.chain.chain_id import served_chain_id
from ledger.chain.contracts.attribution_registry import AttributionRegistry
from ledger.chain.deployment import load_deployment
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.chain.structs import Kind
from ledger.errors import ContractRevertedError, SettingsError, UsageError
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.signature import address_of
from tributary.registration.content import read_content
from tributary.registration.contributor_csv import read_address, read_contributors
from tributary.registration.draft import Draft
from tributary.registration.kept import Keeper
from tributary.registration.lists import find_list
from tributary.registration.preview import explained, make_preview
from tributary.registration.registering import Proposed, Registered, Registering, registered_already
from tributary.registration.settings import RegisterSettings
from tributary.registration.showing import show_preview
from tributary.registration.terms_file import parse_part, parse_parts, read_terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coincurve import PrivateKey

    from ledger.chain.deployment import Deployment
    from ledger.chain.tx_receipt import TxReceipt
    from tributary.registration.preview import Preview

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)

EXAMPLE_FEE_UNITS = 10_000
_KINDS = {"model": Kind.MODEL, "adapter": Kind.ADAPTER, "dataset": Kind.DATASET}


@dataclass(frozen=True, slots=True)
class Manner:
    """How to go about it."""

    propose: bool
    dry_run: bool
    yes: bool
    as_json: bool
    fee_units: int


@app.command()
def register(  # noqa: PLR0913, PLR0917  # one parameter an option
    path: Annotated[Path, typer.Argument(help="File or folder that is the asset.", show_default=False)],
    kind: Annotated[str, typer.Option(help="model, adapter or dataset.", show_default=False)],
    licence: Annotated[
        str | None, typer.Option("--licence", "--license", help="SPDX expression, such as CC-BY-4.0.")
    ] = None,
    payees: Annotated[
        str | None,
        typer.Option(
            help="ADDRESS=PART,…: parts per million or percentages that add up to all; `contributors=PART` stands for "
            "the list. Without it, all is the list's, or else yours."
        ),
    ] = None,
    contributors: Annotated[
        Path | None, typer.Option(help="CSV file of address,weight: a datanet's contributors, paid by weight.")
    ] = None,
    royalty: Annotated[str | None, typer.Option(help="Part of each fee that is royalty, ppm or percentage.")] = None,
    parents: Annotated[str | None, typer.Option(help="ASSET=PART,…: assets that this one descends from.")] = None,
    uri: Annotated[str | None, typer.Option(help="Where the content, or its description, is.")] = None,
    terms: Annotated[
        Path | None, typer.Option("--terms", help="TOML or JSON file of terms; options win over it.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="File with the owner's key, hex or encrypted; else REGISTER_KEY.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Owner's address, enough for --dry-run.")] = None,
    example_fee: Annotated[
        int, typer.Option(min=1, help="Fee, in base units, that the preview divides.")
    ] = EXAMPLE_FEE_UNITS,
    propose: Annotated[
        bool, typer.Option("--propose", help="The asset is yours already: propose these terms, in force in 48 hours.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the preview and send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before sending.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Register a file or folder as an asset: you own its content hash, and its terms divide what it earns.

    First a preview: content hash, effective shares with all parents, what an example fee earns whom, what the
    transactions cost. Then two transactions, a minute apart, so that nobody who sees the first can be before you.
    Stopped in between, the same command goes on where it was: what it must remember is in the state folder.
    """
    told = {
        "licence": licence,
        "royalty_ppm": None if royalty is None else parse_part(royalty, "--royalty"),
        "uri": uri,
        "contributors": contributors,
        "payees": None if payees is None else [
            {"address": name, "ppm": ppm} for name, ppm in parse_parts(payees, "--payees")
        ],
        "parents": None if parents is None else [
            {"asset_id": _asset_id(name), "ppm": ppm} for name, ppm in parse_parts(parents, "--parents")
        ],
    }  # fmt: skip
    settings = RegisterSettings.load()
    key = settings.key(key_file)
    draft = _draft(path, kind, terms, told, _owner(key, account, dry_run=dry_run))
    if propose and (licence or uri):
        raise UsageError("A licence and a URI are stated once, with the registration; leave them out with --propose.")
    manner = Manner(propose=propose, dry_run=dry_run, yes=yes, as_json=as_json, fee_units=example_fee)
    chain_id = served_chain_id(settings.l2_rpc_url, "L2")
    deployment = load_deployment(settings.deployments_dir, chain_id)
    with closing(RpcClient(settings.l2_rpc_url, chain_id, name="L2")) as rpc:
        _go(rpc, deployment, draft, key, manner)


def _draft(path: Path, kind: str, terms: Path | None, told: dict[str, Any], owner: bytes) -> Draft:
    if kind not in _KINDS:
        raise UsageError(f"--kind is model, adapter or dataset, not {kind!r:.40}.")
    file = read_terms(terms, told)
    crowd = () if file.contributors is None else read_contributors(file.contributors)
    return Draft(_KINDS[kind], read_content(path), file, owner, crowd)


def _go(rpc: RpcClient, deployment: Deployment, draft: Draft, key: PrivateKey | None, manner: Manner) -> None:
    registry, out = AttributionRegistry(rpc, deployment.l2.registry), Console(stderr=manner.as_json, soft_wrap=True)
    held, first_block = registered_already(registry, draft), deployment.l2.deployed_at_block
    if manner.propose:
        if not held:
            raise UsageError("This content is not registered, so there are no terms to change; leave out --propose.")
        draft = replace(draft, asset_id=held)
    elif held:
        _done(Registered(held, None, ()), None, out, manner, draft)
        return
    list_id = find_list(registry, first_block, draft.owner, draft) if draft.crowd else None
    latest = block_at(rpc, "latest")
    preview = make_preview(registry, draft, list_id, deployment.protocol_ppm, manner.fee_units, latest)
    show_preview(out, preview)
    if manner.dry_run:
        out.print("Nothing was sent.")
        if manner.as_json:
            typer.echo(json.dumps({"preview": preview.to_json()}))
        return
    _confirm(manner)
    if key is None:
        raise SettingsError("REGISTER_KEY is not set (key of the asset's owner); or give --key-file.")
    keeper = Keeper(
        deployment.l2.chain_id, registry.address, draft.owner, draft.kind.name.lower(), draft.content.content_hash
    )
    work = Registering(registry, first_block, Sender(rpc, key), draft, keeper, report=out.print)
    try:
        if manner.propose:
            _done_proposing(work.propose(), preview, out, manner)
        else:
            _done(work.run(), preview, out, manner, draft)
    except ContractRevertedError as error:
        raise UsageError(explained(error)) from error


def _done(outcome: Registered, preview: Preview | None, out: Console, manner: Manner, draft: Draft) -> None:
    """Says what was registered, or that it was before."""
    new = bool(outcome.transactions)
    out.print(f"Asset {outcome.asset_id} is {'registered' if new else 'registered already, and yours'}.")
    if manner.as_json:
        answer = {
            "asset_id": outcome.asset_id,
            "content_hash": to_hex(draft.content.content_hash),
            "new": new,
            "list_id": outcome.list_id,
            "transactions": _transactions(outcome.transactions),
            "preview": None if preview is None else preview.to_json(),
        }
        typer.echo(json.dumps(answer))


def _done_proposing(outcome: Proposed, preview: Preview, out: Console, manner: Manner) -> None:
    since = dt.datetime.fromtimestamp(outcome.effective_at, dt.UTC)
    out.print(
        f"Version {outcome.version} of asset {outcome.asset_id}'s terms is in force from {since:%Y-%m-%d %H:%M:%S} UTC."
    )
    if manner.as_json:
        answer = {
            "asset_id": outcome.asset_id,
            "version": outcome.version,
            "effective_at": outcome.effective_at,
            "list_id": outcome.list_id,
            "transactions": _transactions(outcome.transactions),
            "preview": preview.to_json(),
        }
        typer.echo(json.dumps(answer))


def _transactions(sent: Iterable[tuple[str, TxReceipt]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "tx_hash": to_hex(tx.tx_hash), "gas_used": tx.gas_used, "cost_wei": str(tx.cost_wei)}
        for name, tx in sent
    ]


def _confirm(manner: Manner) -> None:
    if manner.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("Nothing was sent: there is no terminal to ask at, so say --yes or --dry-run.")
    if not typer.confirm("Send these transactions?", err=manner.as_json):
        raise UsageError("Nothing was sent.")


def _owner(key: PrivateKey | None, account: str | None, *, dry_run: bool) -> bytes:
    if key is not None:
        owner = address_of(key)
        if account is not None and read_address(account, "--account") != owner:
            raise SettingsError("--account is not the address of the key.")
        return owner
    if account is None or not dry_run:
        raise SettingsError("REGISTER_KEY is not set (key of the asset's owner); or give --key-file.")
    return read_address(account, "--account")


def _asset_id(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"--parents: {text!r:.40} is not the number of an asset.")
    return int(text)
