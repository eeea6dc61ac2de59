"""An asset's money rules from a TOML or JSON file and from options, which win over the file."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import from_json

from ledger.chain.structs import AttributionMode, Parent, Share, Terms
from ledger.errors import UsageError
from ledger.named_files import read_named
from ledger.protocol.content import registered_uri
from ledger.protocol.units import MAX_U32, MAX_U64, PPM
from tributary.registration.contributor_csv import read_address

CONTRIBUTORS: Final = "contributors"
"""The payee that stands for the contributor list."""
_MOST_BYTES: Final = 2**20
_LICENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+() -]{0,99}")
_PERCENT: Final = Decimal(PPM // 100)
_NUMBER: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(%?)", re.ASCII)

Ppm = Annotated[int, Field(ge=0, le=PPM, strict=True)]
AssetId = Annotated[int, Field(ge=1, le=MAX_U32, strict=True)]
PriceUnits = Annotated[int, Field(ge=0, le=MAX_U64, strict=True)]


class PayeeLine(BaseModel):
    """A payee and its part of the asset's own royalty."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    address: str
    ppm: Annotated[int, Field(ge=1, le=PPM, strict=True)]


class ParentLine(BaseModel):
    """An asset that this one descends from, and what goes to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    asset_id: AssetId
    ppm: Ppm


class TermsFile(BaseModel):
    """What a terms file may say; every member has a default but the payees."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    royalty_ppm: Ppm = 0
    data_ppm: Ppm = 0
    min_child_ppm: Ppm = 0
    floor_input_price_units: PriceUnits = 0
    floor_output_price_units: PriceUnits = 0
    attribution: Literal["fixed", "operator"] = "fixed"
    licence: str | None = None
    uri: str = Field(default="", max_length=2_000)
    payees: list[PayeeLine] = Field(default_factory=list)
    parents: list[ParentLine] = Field(default_factory=list)
    datasets: list[AssetId] = Field(default_factory=list)
    contributors: Path | None = None

    @field_validator("licence")
    @classmethod
    def _is_an_expression(cls, value: str | None) -> str | None:
        if value is not None and not _LICENCE.fullmatch(value):
            raise ValueError("a licence is an SPDX expression such as CC-BY-4.0")
        return value

    @field_validator("uri")
    @classmethod
    def _has_no_fragment(cls, value: str) -> str:
        if "#" in value or not value.isprintable() or " " in value:
            raise ValueError("a URI has neither spaces nor a fragment (the licence is put there)")
        return value

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        names = [payee.address for payee in self.payees]
        if self.payees and sum(payee.ppm for payee in self.payees) != PPM:
            total = sum(payee.ppm for payee in self.payees)
            raise ValueError(f"the payees' parts add up to {total:,} parts per million, not 1,000,000")
        if (CONTRIBUTORS in names) != (self.contributors is not None and bool(self.payees)):
            raise ValueError("the payee `contributors` and the file of contributors go together")
        if len(set(names)) != len(names):
            raise ValueError("a payee stands twice")
        return self

    def terms(self, owner: bytes, list_payee: bytes | None) -> Terms:
        """The registry's form. Without payees, all is the contributor list's, or else the owner's."""
        lines = self.payees or [PayeeLine(address=CONTRIBUTORS if list_payee else f"0x{owner.hex()}", ppm=PPM)]
        return Terms(
            royalty_ppm=self.royalty_ppm,
            data_ppm=self.data_ppm,
            min_child_ppm=self.min_child_ppm,
            floor_input_price_units=self.floor_input_price_units,
            floor_output_price_units=self.floor_output_price_units,
            mode=AttributionMode.OPERATOR if self.attribution == "operator" else AttributionMode.FIXED,
            split=tuple(Share(_payee(line, list_payee), line.ppm) for line in lines),
            parents=tuple(Parent(line.asset_id, line.ppm) for line in self.parents),
            datasets=tuple(sorted(set(self.datasets))),
        )

    @property
    def registered_uri(self) -> str:
        """What goes on chain: the URI, with the licence as its fragment."""
        return registered_uri(self.uri, self.licence)


def _payee(line: PayeeLine, list_payee: bytes | None) -> bytes:
    if line.address == CONTRIBUTORS and list_payee is not None:
        return list_payee
    return read_address(line.address, "payees")


def read_terms(file: Path | None, given: dict[str, Any]) -> TermsFile:
    """The terms of a file with what options say on top (None says nothing).

    Raises:
        UsageError: the file can't be read, or something in it or in the options won't do.
    """
    told = {name: value for name, value in given.items() if value is not None}
    from_file = {} if file is None else _parsed(file)
    if file is not None and isinstance(from_file.get("contributors"), str):
        from_file["contributors"] = str(file.parent / from_file["contributors"])
    try:
        terms = TermsFile.model_validate(from_file | told)
    except ValidationError as error:
        raise UsageError(f"{'The terms' if file is None else file}: {_first(error)}.") from error
    for line in terms.payees:
        if line.address != CONTRIBUTORS:
            read_address(line.address, "payees")
    return terms


def _parsed(file: Path) -> dict[str, Any]:
    try:
        content = read_named(file, _MOST_BYTES).decode()
        # pydantic's reader is bounded in depth; a TOML file is bounded by the interpreter's recursion alone.
        parsed = from_json(content) if file.suffix == ".json" else tomllib.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not {'JSON' if file.suffix == '.json' else 'TOML'}: {error}.") from error
    if not isinstance(parsed, dict):
        raise UsageError(f"{file} must hold an object of terms.")
    return parsed


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, problem["loc"]))
    told = problem["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{place}: {told}" if place else told


def parse_parts(text: str, what: str) -> list[tuple[str, int]]:
    """`NAME=PART,NAME=PART` as (name, ppm); a part is parts per million or a percentage. A lone name has all.

    Raises:
        UsageError: another form, or a percentage finer than parts per million.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if len(words) == 1 and "=" not in words[0]:
        return [(words[0], PPM)]
    return [_part(word, what) for word in words]


def _part(word: str, what: str) -> tuple[str, int]:
    name, _, part = (piece.strip() for piece in word.partition("="))
    ppm = _ppm(part)
    if not name or ppm is None:
        raise UsageError(f"{what}: {word!r:.80} is not NAME=PART, with parts per million or a percentage.")
    return name, ppm


def parse_part(text: str, what: str) -> int:
    """Parts per million, or a percentage, as ppm.

    Raises:
        UsageError: another form, or a percentage finer than parts per million.
    """
    ppm = _ppm(text.strip())
    if ppm is None:
        raise UsageError(f"{what}: {text!r:.80} is neither parts per million nor a percentage.")
    return ppm


def _ppm(part: str) -> int | None:
    number = _NUMBER.fullmatch(part)
    ppm = Decimal(number[1]) * (_PERCENT if number[2] else 1) if number else Decimal("0.5")
    return int(ppm) if ppm == int(ppm) else None
