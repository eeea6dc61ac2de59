"""What is to be registered: content, kind, terms and, for a datanet, its contributors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from eth_abi.abi import encode

from ledger.protocol.contributors import contributors_root, list_payee
from ledger.protocol.keccak import keccak256

if TYPE_CHECKING:
    from ledger.chain.structs import Kind, Terms
    from ledger.protocol.contributors import Contributor
    from tributary.registration.content import Content
    from tributary.registration.terms_file import TermsFile

UNPUBLISHED: Final = 0
"""Stands for the id of a list that is not on chain yet; no list has it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An asset before it is one, or the next version of its terms."""

    kind: Kind
    content: Content
    file: TermsFile
    owner: bytes
    crowd: tuple[Contributor, ...] = ()
    """Contributors who are paid as one payee; empty where there is no list."""
    asset_id: int = 0
    """The asset whose next terms these are; 0 where it is to become one."""

    def terms(self, list_id: int = UNPUBLISHED) -> Terms:
        """The terms, naming that contributor list where there is one."""
        return self.file.terms(self.owner, list_payee(list_id) if self.crowd else None)

    def commitment(self, salt: bytes) -> bytes:
        """What is announced before the content is."""
        types = ["address", "uint8", "bytes32", "bytes32"]
        return keccak256(encode(types, [self.owner, int(self.kind), self.content.content_hash, salt]))

    @property
    def root(self) -> bytes:
        """Root of the contributor list."""
        return contributors_root(self.crowd)

    @property
    def total_weight(self) -> int:
        """Sum of the contributors' weights."""
        return sum(weight for _, weight in self.crowd)
