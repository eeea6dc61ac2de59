"""An operator on a devnet: deployed contracts, one asset, payers with deposits, and batches of signed receipts."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coincurve import PrivateKey

from ledger.chain.blob_tx import build_sidecar, sidecar_version
from ledger.chain.blocks import block_at
from ledger.chain.contracts.attribution_registry import AttributionRegistry
from ledger.chain.contracts.blob_inbox import BlobInbox
from ledger.chain.contracts.operators import Operators
from ledger.chain.contracts.payment_escrow import PaymentEscrow
from ledger.chain.contracts.receipt_ledger import ReceiptLedger
from ledger.chain.contracts.royalty_distributor import RoyaltyDistributor
from ledger.chain.contracts.token import Token
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.chain.structs import BatchRecord, BatchStatus, Kind, Share, Terms
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.batch import batch_commitment, post_hash
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.domain import address_word, word
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of, sign
from tributary.deployment.parameters import Parameters
from tributary.deployment.run import deploy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledger.chain.deployment import Deployment
    from ledger.chain.transaction import Call
    from ledger.chain.tx_receipt import TxReceipt
    from tributary.devnet import Devnet

INPUT_PRICE, OUTPUT_PRICE = 1_000, 2_000
DAY = 86_400
PROTOCOL_PPM = 25_000


def key_of(name: str) -> PrivateKey:
    """A key that is the same in every run."""
    return PrivateKey(keccak256(b"contracts test ", name.encode()))


@dataclass
class OperatorFlow:
    """Handles on one deployment; `operator` sends on both chains."""

    devnet: Devnet
    deployment: Deployment
    l1: RpcClient
    l2: RpcClient
    operator: Sender
    operator_l1: Sender
    registry: AttributionRegistry
    operators: Operators
    escrow: PaymentEscrow
    ledger: ReceiptLedger
    distributor: RoyaltyDistributor
    inbox: BlobInbox
    token: Token
    lane_key: PrivateKey

    def send(self, call: Call, sender: Sender | None = None) -> TxReceipt:
        """Executes on L2, from the operator if nobody else is named, in a block of its own."""
        return execute(self.devnet, sender or self.operator, call)

    def sender(self, name: str) -> Sender:
        """A funded account of this name on L2."""
        sender = Sender(self.l2, key_of(name))
        self.devnet.l2.call("anvil_setBalance", "0x" + sender.address.hex(), hex(10**20))
        return sender

    def register(self, content: bytes, terms: Terms, kind: Kind = Kind.MODEL) -> int:
        """Commits, waits, reveals an asset whose contentHash is the content's hash; the new asset's id."""
        return self.register_hash(keccak256(content), terms, kind)

    def register_hash(self, content_hash: bytes, terms: Terms, kind: Kind) -> int:
        """The same for a contentHash."""
        salt = keccak256(b"salt")
        commitment = keccak256(address_word(self.operator.address), word(kind), content_hash, salt)
        self.send(self.registry.commit(commitment))
        self.devnet.advance(61)
        self.send(self.registry.register(kind, content_hash, salt, "ipfs://model", terms))
        return self.registry.asset_id_of(content_hash, "latest")

    def fund(self, holder: bytes, spender: bytes, amount: int, sender: Sender) -> None:
        self.send(self.token.mint(holder, amount))
        self.send(self.token.approve(spender, amount), sender)

    def authorize(self, payer: PrivateKey, cap: int, days: int = 30) -> SpendAuthorization:
        """Signs a cap for the operator and submits it from the operator."""
        authorization = SpendAuthorization(
            address_of(payer), self.operator.address, cap, self.devnet.now() + days * DAY
        )
        signature = sign(authorization.digest(self.deployment.authorization_domain), payer)
        self.send(self.escrow.authorize([authorization], [signature]))
        return authorization

    def receipts(self, asset_id: int, fees: list[tuple[bytes, int]], lane: int = 0) -> list[BatchEntry]:
        """Entries for (payer, output units), seq from the lane's next."""
        start, now = self.ledger.next_seq(self.operator.address, lane, "latest"), self.devnet.now()
        made = []
        for offset, (payer, units) in enumerate(fees):
            receipt = Receipt(
                operator=self.operator.address,
                lane=lane,
                seq=start + offset,
                payer=payer,
                asset_id=asset_id,
                request_hash=keccak256(b"request", word(offset)),
                response_hash=keccak256(b"response", word(offset)),
                input_units=0,
                output_units=units,
                fee_units=-(-units * OUTPUT_PRICE // 1000),
                attribution_hash=bytes(32),
                started_at=now + offset,
                duration_ms=1_000,
            )
            made.append(BatchEntry(receipt, receipt.digest(self.deployment.receipt_domain)))
        return made

    def post(self, batch: EncodedBatch) -> tuple[tuple[bytes, ...], TxReceipt]:
        """Posts the batch's blobs on L1 and waits until L2 knows of them: (versioned hashes, L1 receipt)."""
        hashes, receipt = self.send_blobs(batch, self.inbox.post_blobs())
        self.wait_for_attestation(post_hash(hashes))
        return hashes, receipt

    def send_blobs(self, batch: EncodedBatch, call: Call) -> tuple[tuple[bytes, ...], TxReceipt]:
        """Makes this call on L1 with the batch's blobs aboard."""
        sidecar = build_sidecar(batch.blobs, sidecar_version(self.l1))
        tx = self.operator_l1.sign(call, versioned_hashes=sidecar.versioned_hashes)
        self.operator_l1.broadcast(tx, sidecar)
        self.devnet.l1.mine()
        receipt = self.operator_l1.succeeded(self.operator_l1.wait([tx.hash]), tx.transaction.call)
        return sidecar.versioned_hashes, receipt

    def wait_for_attestation(self, name: bytes) -> None:
        """Returns once the deposit has arrived on L2."""
        for _ in range(200):
            if self.ledger.attested_at(name, "latest"):
                return
            self.devnet.mine()
        raise AssertionError("the attestation never arrived on L2")

    def commit(self, batch: EncodedBatch, hashes: tuple[bytes, ...]) -> tuple[int, BatchRecord, TxReceipt]:
        """Commits the batch on L2: its id, its record, the transaction's receipt."""
        receipt = self.send(self.ledger.commit_batch(batch.header, hashes, batch.charges))
        record = self.record_of(batch, hashes, block_at(self.l2, receipt.block_number).timestamp)
        return self.ledger.batch_count("latest"), record, receipt

    def record_of(self, batch: EncodedBatch, hashes: tuple[bytes, ...], time: int) -> BatchRecord:
        """The ledger's record of a batch just committed; its blobs count as unattested if no post of them was."""
        header, total = batch.header, batch.header.total_fee_units
        return BatchRecord(
            BatchStatus.OPEN,
            header.operator,
            header.lane,
            header.first_seq,
            header.count,
            total,
            self.operators.reserve_for(total, "latest"),
            time,
            time,
            time - DAY,
            self.ledger.attested_at(post_hash(hashes), "latest"),
            batch_commitment(header, hashes, batch.charges),
        )

    def batch(self, asset_id: int, fees: list[tuple[bytes, int]], lane: int = 0) -> EncodedBatch:
        return encode(self.receipts(asset_id, fees, lane))


def execute(devnet: Devnet, sender: Sender, call: Call) -> TxReceipt:
    """Simulates, sends and mines one transaction at once instead of waiting for the block time."""
    tx = sender.sign(call)
    sender.broadcast(tx)
    (devnet.l1 if sender.rpc.chain_id == devnet.l1_chain_id else devnet.l2).mine()
    return sender.succeeded(sender.wait([tx.hash]), call)


def terms_for(payees: list[tuple[bytes, int]], royalty_ppm: int = 200_000) -> Terms:
    """Plain terms: fixed mode, no parents, no floor."""
    return Terms(royalty_ppm, 0, 0, 0, 0, 0, tuple(Share(payee, ppm) for payee, ppm in payees), (), ())


@contextmanager
def operator_flow(
    devnet: Devnet, folder: Path, attesters: list[PrivateKey], quorum: int, *, messenger: bool = False
) -> Iterator[OperatorFlow]:
    """Deploys to `folder` and hands everything out; nothing is registered or deposited yet."""
    with (
        closing(RpcClient([devnet.l1_url], devnet.l1_chain_id, name="L1")) as l1,
        closing(RpcClient([devnet.l2_url], devnet.l2_chain_id, name="L2")) as l2,
    ):
        yield _deployed(devnet, folder, _parameters(devnet, attesters, quorum, messenger=messenger), l1, l2)


def _parameters(devnet: Devnet, attesters: list[PrivateKey], quorum: int, *, messenger: bool) -> Parameters:
    return Parameters(
        l1_chain_id=devnet.l1_chain_id,
        l2_chain_id=devnet.l2_chain_id,
        portal=None if messenger else devnet.portal,
        l1_messenger=devnet.l1_messenger if messenger else None,
        token=None,
        protocol_ppm=PROTOCOL_PPM,
        protocol_payee=address_of(key_of("protocol")),
        attesters=tuple(address_of(key) for key in attesters),
        quorum=quorum,
        governor=address_of(key_of("governor")),
    )


def _deployed(devnet: Devnet, folder: Path, parameters: Parameters, l1: RpcClient, l2: RpcClient) -> OperatorFlow:
    operator_key = PrivateKey(devnet.accounts[0].private_key)
    operator, operator_l1 = Sender(l2, operator_key), Sender(l1, operator_key)
    d = deploy(parameters, operator_l1, operator, folder, when_sent=devnet.mine)
    return OperatorFlow(
        devnet,
        d,
        l1,
        l2,
        operator,
        operator_l1,
        AttributionRegistry(l2, d.l2.registry),
        Operators(l2, d.l2.operators),
        PaymentEscrow(l2, d.l2.escrow),
        ReceiptLedger(l2, d.l2.ledger),
        RoyaltyDistributor(l2, d.l2.distributor),
        BlobInbox(l1, d.l1.blob_inbox),
        Token(l2, d.l2.token),
        key_of("lane"),
    )
