"""The preview on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from ledger.chain.structs import Kind
from ledger.protocol.hexadecimal import checksum_address, to_hex
from ledger.protocol.units import SHARE_ONE
from tributary.registration.preview import amount_text, payee_name

if TYPE_CHECKING:
    from rich.console import Console

    from tributary.registration.costs import Costs
    from tributary.registration.preview import Preview

_GWEI = 10**9
_SHARE_DECIMALS = 10
_WEI_DECIMALS = 18


def show_preview(out: Console, preview: Preview) -> None:
    """Everything that will hold once it is registered, and what that costs."""
    draft = preview.draft
    content, file = draft.content, draft.file
    out.print(f"[bold]{draft.kind.name.capitalize()}[/] of {content.files:,} files, {content.size_bytes:,} bytes")
    out.print(f"content hash  {to_hex(content.content_hash)}")
    out.print(f"owner         {checksum_address(draft.owner)}")
    out.print(f"uri           {file.registered_uri or 'none'}", markup=False)
    out.print(f"licence       {file.licence or 'none stated'}", markup=False)
    if draft.crowd:
        out.print(f"contributors  {len(draft.crowd):,}, total weight {draft.total_weight:,}, root {to_hex(draft.root)}")
    if draft.kind != Kind.DATASET:
        out.print(f"royalty       {file.royalty_ppm:,} ppm of each fee; attribution {file.attribution}")
    out.print(_shares(preview))
    out.print(_example(preview))
    out.print(_transactions(preview.costs))


def _shares(preview: Preview) -> Table:
    table = Table("payee", "share of its royalty", title="Effective shares, parents followed to the end")
    for payee, share in preview.shares:
        table.add_row(payee_name(payee, len(preview.draft.crowd)), f"{percent_text(share)} %")
    return table


def _example(preview: Preview) -> Table:
    royalty = preview.draft.kind == Kind.DATASET
    of = "royalty that falls to this dataset" if royalty else "fee"
    table = Table("who", "base units", title=f"Of {preview.fee_units:,} base units of {of}")
    for who, amount in preview.earned():
        table.add_row(who, amount_text(amount))
    return table


def _transactions(costs: Costs) -> Table:
    price = f"{costs.gas_price_wei // _GWEI}.{costs.gas_price_wei % _GWEI:09d}".rstrip("0").rstrip(".")
    table = Table("transaction", "gas, estimated", "cost", title=f"On L2, at {price} gwei a unit of gas")
    for step in costs.steps:
        known = step.gas is not None
        cost = (step.gas or 0) * costs.gas_price_wei + step.l1_fee_wei
        table.add_row(step.name, f"{step.gas:,}" if known else "not known", ether_text(cost) if known else "")
    table.add_row("together", "", ether_text(costs.total_wei))
    return table


def percent_text(share: int) -> str:
    """A share of 10^12 as a percentage, exactly."""
    whole, rest = divmod(share * 100, SHARE_ONE)
    digits = str(rest).rjust(_SHARE_DECIMALS + 2, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def ether_text(wei: int) -> str:
    """An amount of wei in ether, exactly."""
    whole, rest = divmod(wei, 10**_WEI_DECIMALS)
    digits = str(rest).rjust(_WEI_DECIMALS, "0").rstrip("0")
    return f"{whole}.{digits} ETH" if digits else f"{whole} ETH"
