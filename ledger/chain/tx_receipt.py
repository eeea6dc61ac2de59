"""The chain's receipt of a transaction: whether it held, where it stands and what it cost."""

from dataclasses import dataclass

from ledger.chain.logs import RawLog, parse_logs
from ledger.chain.quantities import Json, data, member, quantity


@dataclass(frozen=True, slots=True)
class TxReceipt:
    """A mined transaction. Prices in wei per gas; `l1_fee_wei` is what an OP Stack L2 adds."""

    tx_hash: bytes
    succeeded: bool
    block_number: int
    block_hash: bytes
    sender: bytes
    contract_address: bytes | None
    gas_used: int
    gas_price_wei: int
    blob_gas_used: int
    blob_gas_price_wei: int
    l1_fee_wei: int
    logs: tuple[RawLog, ...]

    @property
    def cost_wei(self) -> int:
        """What the sender paid beside the value it sent."""
        return self.gas_used * self.gas_price_wei + self.blob_gas_used * self.blob_gas_price_wei + self.l1_fee_wei


def parse_tx_receipt(answer: Json) -> TxReceipt:
    """A transaction receipt as a node answers it.

    Raises:
        MalformedAnswerError: a field is missing or of another form.
    """
    created = member(answer, "contractAddress")
    return TxReceipt(
        tx_hash=data(member(answer, "transactionHash"), 32),
        succeeded=quantity(member(answer, "status")) == 1,
        block_number=quantity(member(answer, "blockNumber")),
        block_hash=data(member(answer, "blockHash"), 32),
        sender=data(member(answer, "from"), 20),
        contract_address=None if created is None else data(created, 20),
        gas_used=quantity(member(answer, "gasUsed")),
        gas_price_wei=quantity(member(answer, "effectiveGasPrice")),
        blob_gas_used=quantity(answer.get("blobGasUsed") or "0x0"),
        blob_gas_price_wei=quantity(answer.get("blobGasPrice") or "0x0"),
        l1_fee_wei=quantity(answer.get("l1Fee") or "0x0"),
        logs=tuple(parse_logs(member(answer, "logs"))),
    )
