"""Answers about assets."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field

from api.finality import Finality
from api.schemas.figures import AddressText, ExactFigure, HashText, Model, ReadAt, Seconds, UnitsText

Kind = Literal["model", "adapter", "dataset"]


class AssetLine(Model):
    """An asset in a list."""

    asset_id: int = Field(examples=[3])
    kind: Kind
    content_hash: HashText = Field(description="What the asset is: hash of its files, immutable")
    owner: AddressText
    registrant: AddressText
    uri: str
    licence: str | None = Field(description="SPDX expression, where the registration's uri states one")
    registered_at: Seconds
    terms_version: int = Field(description="Version of its terms in force now")
    royalty_ppm: int = Field(description="Share of each fee that is royalty, in parts per million")
    data_ppm: int = Field(description="Share of the royalty that goes by the receipt's attribution set")
    attribution_mode: Literal["fixed", "operator"]
    finality: Finality
    block: int


class Owner(Model):
    owner: AddressText
    since: Seconds
    finality: Finality
    block: int


class Share(Model):
    payee: AddressText
    ppm: int
    list_id: int | None = Field(description="The contributor list that the payee stands for; null for one payee")


class ParentShare(Model):
    asset_id: int
    ppm: int


class EffectiveShare(Model):
    """A payee's part of all royalty of this version, parents followed to the end."""

    payee: AddressText
    share: int = Field(description="In units of 1e-12; all together are exactly 10^12", examples=[250_000_000_000])
    list_id: int | None = Field(description="The contributor list that the payee stands for; null for one payee")


class ContributorList(Model):
    """Contributors who are paid as one payee, by weight; complete and immutable."""

    list_id: int
    payee: AddressText
    root: HashText = Field(description="Merkle root over the rows, as it was committed to")
    contributors: int
    total_weight: str = Field(description="Sum of all weights, a whole number")


class ListedContributor(Model):
    """A contributor to an asset, through one of its lists."""

    list_id: int
    contributor: AddressText
    weight: str = Field(description="A whole number; its part of the list is weight over total weight")
    share: int = Field(description="Its part of the asset's royalty, in units of 1e-12")
    finality: Finality
    block: int


class TermsVersion(Model):
    version: int
    effective_at: Seconds = Field(description="In force from this second until the next version's")
    in_force: bool
    royalty_ppm: int
    data_ppm: int
    min_child_ppm: int = Field(description="Least share that a child must give this asset")
    floor_input_price_units: UnitsText
    floor_output_price_units: UnitsText
    attribution_mode: Literal["fixed", "operator"]
    split: list[Share]
    parents: list[ParentShare]
    datasets: list[int] = Field(description="Datasets that its receipts' attribution sets may name")
    effective_shares: list[EffectiveShare]
    contributor_lists: list[ContributorList] = Field(description="Lists that the effective shares name")
    finality: Finality
    block: int


class Price(Model):
    """What an operator charges per 1,000 units, by its published price."""

    operator: AddressText
    input_price_units: UnitsText
    output_price_units: UnitsText
    effective_at: Seconds
    finality: Finality
    block: int


class Usage(Model):
    """Fees of one day, by the batch's first commit (UTC)."""

    day: dt.date
    settled_fees: ExactFigure = Field(description="In batches that are finalised on L2")
    open_fees: ExactFigure = Field(description="In batches that can still be challenged")


class Asset(AssetLine):
    """An asset with its lineage, its terms and its use."""

    read_at: ReadAt
    owners: list[Owner]
    terms: list[TermsVersion]
    children: list[int] = Field(description="Assets that pay this one as a parent")
    admitted_by: list[int] = Field(description="Assets whose receipts may name this dataset")
    prices: list[Price]
    served: list[Usage] = Field(description="Fees of receipts that this asset served")
    drawn_on: list[Usage] = Field(description="Parts of fees that attribution sets give this dataset")
