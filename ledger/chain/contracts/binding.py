"""What every contract wrapper does: encode a call, and read an answer at a block."""

from collections.abc import Sequence
from typing import Any, ClassVar

from ledger.chain.abi import Abi, Entry, load_abi
from ledger.chain.abi_reading import read_values
from ledger.chain.blocks import At, block_parameter
from ledger.chain.quantities import Json, data, to_data
from ledger.chain.reverts import revert_of
from ledger.chain.rpc import RpcClient
from ledger.chain.transaction import Call
from ledger.errors import ContractRevertedError, MalformedAnswerError, MalformedLogError, RpcRejectedError
from ledger.protocol.hexadecimal import to_hex


class Contract:
    """A contract at an address; subclasses name its ABI."""

    abi_name: ClassVar[str]

    def __init__(self, rpc: RpcClient, address: bytes) -> None:
        """Bind the ABI to an address on a chain; nothing is asked of it yet."""
        self.rpc = rpc
        self.address = address

    @property
    def abi(self) -> Abi:
        """The committed ABI."""
        return load_abi(self.abi_name)

    def _write(self, function: str, *arguments: object) -> Call:
        """The call that changes state."""
        return Call(self.address, self.abi.functions[function].encode_call(arguments))

    def _read(self, function: str, at: At, *arguments: object) -> Any:
        """A view's value at a block; a tuple if it answers several.

        Raises:
            ContractRevertedError: the view reverts, or no contract stands there.
            BlockNotFoundError: the block was replaced, or its state is gone.
        """
        return self._read_many(function, at, [arguments])[0]

    def _read_many(self, function: str, at: At, argument_lists: Sequence[Sequence[object]]) -> list[Any]:
        """A view's values for several argument lists, asked together."""
        entry = self.abi.functions[function]
        calls = [("eth_call", (self._message(entry, arguments), block_parameter(at))) for arguments in argument_lists]
        try:
            answers = self.rpc.batch(calls)
        except RpcRejectedError as error:
            raise revert_of(error) or error from error
        return [self._values(entry, answer) for answer in answers]

    def _message(self, entry: Entry, arguments: Sequence[object]) -> Json:
        return {"to": to_data(self.address), "data": to_data(entry.encode_call(arguments))}

    def _values(self, entry: Entry, answer: Json) -> Any:
        returned = data(answer)
        if not returned:
            raise ContractRevertedError(f"No {self.abi_name} stands at {to_hex(self.address)} on {self.rpc.name}.")
        try:
            values = read_values([output.reader for output in entry.outputs], returned)
        except MalformedLogError as error:
            raise MalformedAnswerError(f"A node answered {entry.name} with bytes of another form: {error}") from error
        return values[0] if len(values) == 1 else values
