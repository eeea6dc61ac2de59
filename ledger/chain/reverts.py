"""Why a contract refused: its custom error by name, with named operands.

Source: Solidity "Errors and the Revert Statement"; names come from contracts/abi.
"""

from functools import cache
from typing import Final

from ledger.chain.abi import CONTRACTS, Entry, load_abi
from ledger.chain.abi_reading import read_values
from ledger.chain.quantities import Json
from ledger.errors import ContractRevertedError, MalformedLogError, RpcRejectedError
from ledger.protocol.hexadecimal import to_hex

_ERROR_STRING: Final = bytes.fromhex("08c379a0")
_PANIC: Final = bytes.fromhex("4e487b71")
_REVERT_CODE: Final = 3


def revert_of(error: RpcRejectedError) -> ContractRevertedError | None:
    """The revert that a node reports, or None if it refused for another reason."""
    returned = _returned_data(error.data)
    if returned is None and error.code != _REVERT_CODE and "revert" not in str(error).lower():
        return None
    return explain_revert(returned or b"")


def explain_revert(returned: bytes) -> ContractRevertedError:
    """A revert's return data as an error with `error_name` and `operands`."""
    selector, body = returned[:4], returned[4:]
    if selector == _ERROR_STRING:
        return _with_text(body)
    if selector == _PANIC:
        code = int.from_bytes(body[:32])
        return ContractRevertedError(f"The contract panicked with code 0x{code:02x}.", "Panic", {"code": code})
    entry = _errors().get(selector)
    if entry is None:
        shown = to_hex(returned[:36]) if returned else "no reason"
        return ContractRevertedError(f"The contract refused the call ({shown}).")
    try:
        values = read_values([p.reader for p in entry.inputs], body)
    except MalformedLogError:
        return ContractRevertedError(f"The contract refused the call: {entry.name}.", entry.name)
    operands = dict(zip((p.name for p in entry.inputs), values, strict=True))
    shown = ", ".join(f"{name}={_shown(value)}" for name, value in operands.items())
    return ContractRevertedError(f"The contract refused the call: {entry.name}({shown}).", entry.name, operands)


def _with_text(body: bytes) -> ContractRevertedError:
    size = int.from_bytes(body[32:64])
    text = body[64 : 64 + size].decode("utf-8", "replace")
    return ContractRevertedError(f"The contract refused the call: {text}.", "Error", {"message": text})


def _shown(value: object) -> str:
    return to_hex(value) if isinstance(value, bytes) else str(value)


@cache
def _errors() -> dict[bytes, Entry]:
    """Every custom error of the committed ABIs, by selector."""
    return {entry.selector: entry for name in CONTRACTS for entry in load_abi(name).errors.values()}


def _returned_data(value: Json) -> bytes | None:
    """Return data out of the places where nodes put it: the error's data, or an object in it."""
    if isinstance(value, dict):
        return _returned_data(value.get("data") or value.get("output"))
    if not isinstance(value, str) or "0x" not in value:
        return None
    try:
        return bytes.fromhex(value[value.index("0x") + 2 :])
    except ValueError:
        return None
