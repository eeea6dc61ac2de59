"""What the L2 contracts hold after one block, through their views."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from audit.chain.node import Node
from ledger.chain.blocks import BlockRef
from ledger.errors import MalformedAnswerError, NotYetFinalError
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.keccak import keccak256


@dataclass(frozen=True, slots=True)
class State:
    """The L2 after `block`."""

    node: Node
    block: BlockRef
    token: bytes
    addresses: Mapping[str, bytes]
    """Our contracts by the names of their ABI files."""

    def view(self, contract: str, signature: str, returns: str) -> Any:
        """The first value of a view without arguments."""
        return self.views(contract, signature, [[]], returns)[0]

    def views(self, contract: str, signature: str, arguments: Sequence[Sequence[object]], returns: str) -> list[Any]:
        """The first value that a view returns for each list of arguments.

        Args:
            contract: name of its ABI file.
            signature: name and canonical argument types.
            arguments: one list a call.
            returns: ABI type of the value.
        """
        return self._read(self.addresses[contract], signature, arguments, returns)

    def balances(self, holders: Sequence[bytes]) -> list[int]:
        """The holders' balances of the token."""
        return self._read(self.token, "balanceOf(address)", [[holder] for holder in holders], "uint256")

    def _read(self, to: bytes, signature: str, arguments: Sequence[Sequence[object]], returns: str) -> list[Any]:
        inside = signature[signature.index("(") + 1 : -1]
        types = inside.split(",") if inside else []
        selector = keccak256(signature.encode())[:4]
        answers = self.node.call(self.block, [(to, selector + encode(types, values)) for values in arguments])
        if not all(answers):  # what no contract stands behind is answered with nothing
            raise NotYetFinalError(
                f"There is no contract at {to_hex(to)} in L2 block {self.block.number}, the last one to be read: wait until"
                " the deployment is final, or name another block with --through."
            )
        try:
            return [decode([returns], answer)[0] for answer in answers]
        except (DecodingError, ValueError) as error:
            raise MalformedAnswerError(f"The {self.node.name} node answered {signature} with no {returns}.") from error
