"""Numbers that say how final they are, and pages of things."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from api.finality import Finality, Head, Heads
from api.reading import Reading
from ledger.protocol.entitlement import floor_units
from ledger.protocol.hexadecimal import checksum_address, to_hex

AddressText = Annotated[
    str, Field(description="EIP-55 address", examples=["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"])
]
HashText = Annotated[str, Field(description="0x and hexadecimal digits", examples=["0x" + "5a" * 32])]
UnitsText = Annotated[str, Field(description="Base units of the token, as a decimal string", examples=["1250000"])]
Seconds = Annotated[int, Field(description="Unix seconds by the chain's clock", examples=[1_795_000_000])]


class Model(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True)


class Block(Model):
    number: int
    hash: HashText
    timestamp: Seconds

    @classmethod
    def of(cls, head: Head | None) -> Self | None:
        return None if head is None else cls(number=head.number, hash=to_hex(head.hash), timestamp=head.timestamp)


class ChainHeads(Model):
    """How far a chain is indexed, by its own tags; null where the index has no such block yet."""

    chain_id: int
    unsafe: Block | None
    safe: Block | None
    finalized: Block | None

    @classmethod
    def of(cls, chain_id: int, heads: Heads | None) -> Self:
        if heads is None:
            return cls(chain_id=chain_id, unsafe=None, safe=None, finalized=None)
        blocks = {name: Block.of(getattr(heads, name)) for name in ("unsafe", "safe", "finalized")}
        return cls(chain_id=chain_id, **blocks)


class ReadAt(Model):
    """The blocks at which an answer was read: all of it in one snapshot."""

    l1: ChainHeads
    l2: ChainHeads

    @classmethod
    def of(cls, reading: Reading) -> Self:
        facts = reading.facts
        return cls(l1=ChainHeads.of(facts.l1_chain_id, reading.l1), l2=ChainHeads.of(facts.l2_chain_id, reading.l2))


class Amount(Model):
    """An amount that stands as long as its L2 block does; `finality` is that block's."""

    units: UnitsText
    finality: Finality
    block: int | None = Field(description="L2 block that it stands on; null while pending", examples=[1042])


class AtBlock(Model):
    """An amount at a block."""

    units: UnitsText
    block: int = Field(description="L2 block at which it was read", examples=[1042])


class Figure(Model):
    """One amount at three blocks: what it is at the finalised, the safe and the newest L2 block.

    Null where the index has no such block yet.
    """

    finalized: AtBlock | None
    safe: AtBlock | None
    unsafe: AtBlock

    @classmethod
    def of(cls, reading: Reading, value: Callable[[str], int]) -> Self:
        """Args: value: the amount by tier (`finalized`, `safe`, `unsafe`)."""
        return cls(**_at_tiers(reading, lambda tier, block: AtBlock(units=str(value(tier)), block=block)))


class ExactAtBlock(AtBlock):
    """An exact amount at a block: `numerator` over 10^30 base units, of which `units` are whole."""

    numerator: Annotated[str, Field(description="Exact amount in 10^-30 base units", examples=["1250000" + "0" * 30])]


class ExactFigure(Model):
    """One exact amount at three blocks; parts add up in numerators, whole units only once summed."""

    finalized: ExactAtBlock | None
    safe: ExactAtBlock | None
    unsafe: ExactAtBlock

    @classmethod
    def of(cls, reading: Reading, numerator: Callable[[str], int]) -> Self:
        """Args: numerator: over 10^30, by tier."""

        def exact(tier: str, block: int) -> ExactAtBlock:
            value = numerator(tier)
            return ExactAtBlock(units=str(floor_units(value)), numerator=str(value), block=block)

        return cls(**_at_tiers(reading, exact))


Item = TypeVar("Item")


class Page(Model, Generic[Item]):
    """A page; `next_cursor` is null on the last one."""

    read_at: ReadAt
    items: list[Item]
    next_cursor: str | None


def _at_tiers(reading: Reading, make: Callable[[str, int], Any]) -> dict[str, Any]:
    return {tier: None if block < 0 else make(tier, block) for tier, block in reading.tiers.items()}


def amount(reading: Reading, units: int, block_number: int) -> Amount:
    """An amount that an event in this L2 block made."""
    return Amount(units=str(units), finality=reading.l2.of(block_number), block=block_number)


def address(value: bytes) -> str:
    """EIP-55 text of an address out of the database."""
    return checksum_address(bytes(value))


def optional_address(value: bytes | None) -> str | None:
    """As `address`; None stays None."""
    return None if value is None else address(value)


def hex_of(value: bytes) -> str:
    """0x text of bytes out of the database."""
    return to_hex(bytes(value))
