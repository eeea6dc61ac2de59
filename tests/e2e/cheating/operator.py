# a program that prints
"""A cheating operator, as a process: signs receipts for its clients, and posts them as a false batch.

    python -m tests.e2e.cheating.operator WORLD.json ROW
    python -m tests.e2e.cheating.operator

The second form reads lines of "WORLD.json<tab>ROW" and starts a process for each, a fork of itself: the KZG setup, which
takes longer to load than a batch to post, is then loaded once. After each it prints {"exit_code": …}.

For each way to cheat that the row has, it posts real blobs on the L1, commits the batch on the L2, leaves with its
clients the receipts that it signed for them, and prints one JSON line about the batch.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from coincurve import PrivateKey

from ledger.chain.blob_tx import build_sidecar, sidecar_version
from ledger.chain.blocks import block_at
from ledger.chain.contracts.blob_inbox import BlobInbox
from ledger.chain.contracts.receipt_ledger import ReceiptLedger
from ledger.chain.deployment import Deployment, load_deployment
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.protocol.attribution import SetEntry
from ledger.protocol.batch import post_hash
from ledger.protocol.blob.encode import EncodedBatch
from ledger.protocol.blob.kzg import kzg_commitment, trusted_setup, versioned_hash
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import sign
from ledger.receipt_files import keep_receipt
from tests.e2e.cheating.faults import CHEATS, HONEST, Goods, Signed, with_set

NEVER_POSTED = "a receipt never posted"
WITHHELD = "blobs withheld"
CONSUMED = "a receipt for a seq that a batch has taken"


@dataclass(frozen=True)
class World:
    """What the process is told: where things are, who it is, and what it serves."""

    l1_url: str
    l2_url: str
    deployments: str
    clients: str
    """Folder in which its clients keep their receipts."""
    key: str
    lane_key: str
    lane: int
    payers: tuple[str, ...]
    price_units: int
    goods: dict[str, Any]

    def write(self, path: Path) -> None:
        """As a file for the process."""
        path.write_text(json.dumps(asdict(self)))


class Operator:
    """One operator at work on one lane."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.deployment: Deployment = load_deployment(Path(world.deployments), 901)
        self.l1 = RpcClient([world.l1_url], self.deployment.l1.chain_id, name="L1")
        self.l2 = RpcClient([world.l2_url], self.deployment.l2.chain_id, name="L2")
        key = PrivateKey(from_hex(world.key, 32))
        self.on_l1, self.on_l2 = Sender(self.l1, key), Sender(self.l2, key)
        self.lane_key = PrivateKey(from_hex(world.lane_key, 32))
        self.ledger = ReceiptLedger(self.l2, self.deployment.l2.ledger)
        self.inbox = BlobInbox(self.l1, self.deployment.l1.blob_inbox)
        self.goods = Goods(**{**world.goods, "datasets": tuple(world.goods["datasets"])})

    def close(self) -> None:
        """Close the connections."""
        self.l1.close()
        self.l2.close()

    def served(self) -> list[Signed]:
        """Four answers, two to each payer, the first two with attribution sets of two parts and of one."""
        one, two, three, four = self.goods.datasets
        long = tuple(SetEntry(d, 200_000) for d in (0, one, two, three, four))
        short = (SetEntry(one, 250_000), SetEntry(two, 750_000))
        first = self.ledger.next_seq(self.on_l2.address, self.world.lane, "latest")
        now = block_at(self.l2, "latest").timestamp - 300
        plain = [self._receipt(first + n, from_hex(self.world.payers[n // 2], 20), now + n) for n in range(4)]
        return [with_set(Signed(r, r), chosen) for r, chosen in zip(plain, (long, short, (), ()), strict=True)]

    def post(self, batch: EncodedBatch) -> tuple[bytes, ...]:
        """The versioned hashes of the batch's blobs, once the L2 knows of them."""
        sidecar = build_sidecar(batch.blobs, sidecar_version(self.l1))
        self.on_l1.execute(self.inbox.post_blobs(), sidecar=sidecar)
        while not self.ledger.attested_at(post_hash(sidecar.versioned_hashes), "latest"):
            time.sleep(0.05)  # the deposit is on its way to the L2
        return sidecar.versioned_hashes

    def commit(self, batch: EncodedBatch) -> int:
        """The batch's id."""
        self.on_l2.execute(self.ledger.commit_batch(batch.header, self.post(batch), batch.charges))
        return self.ledger.batch_count("latest")

    def commit_unattested(self, batch: EncodedBatch, data_commitment: bytes = b"elsewhere") -> int:
        """The batch's id; its blobs stay where they are."""
        hashes = [versioned_hash(kzg_commitment(blob)) for blob in batch.blobs]
        call = self.ledger.commit_unattested(batch.header, hashes, batch.charges, data_commitment)
        self.on_l2.execute(call)
        return self.ledger.batch_count("latest")

    def honest_batch(self) -> EncodedBatch:
        """What it served, as it should be posted."""
        (honest,) = CHEATS[HONEST].values()
        return honest.batch(self.served(), self.goods, self.deployment.receipt_domain)[0]

    def leave_with_clients(self, receipts: list[Receipt]) -> None:
        """What each client got with its answer."""
        for receipt in receipts:
            signature = sign(receipt.digest(self.deployment.receipt_domain), self.lane_key)
            envelope = {"receipt": receipt.to_json(), "signature": to_hex(signature)}
            keep_receipt(Path(self.world.clients), envelope)

    def _receipt(self, seq: int, payer: bytes, started_at: int) -> Receipt:
        units = 1_000 * (1 + seq % 4)
        return Receipt(
            operator=self.on_l2.address,
            lane=self.world.lane,
            seq=seq,
            payer=payer,
            asset_id=self.goods.model,
            request_hash=keccak256(b"request", seq.to_bytes(8)),
            response_hash=keccak256(b"response", seq.to_bytes(8)),
            input_units=0,
            output_units=units,
            fee_units=-(-units * self.world.price_units // 1_000),
            attribution_hash=bytes(32),
            started_at=started_at,
            duration_ms=1_500,
        )


def main() -> None:
    """Do what the command line says, or every line of the standard input."""
    if len(sys.argv) > 1:
        play(*sys.argv[1:])
        return
    trusted_setup()
    for line in sys.stdin:
        path, row = line.rstrip("\n").split("\t")
        child = os.fork()
        if not child:
            _end(path, row)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"exit_code": os.waitstatus_to_exitcode(status)}), flush=True)


def _end(path: str, row: str) -> NoReturn:
    """Play, and end this process."""
    try:
        play(path, row)
    except BaseException:  # noqa: BLE001  nothing of the parent's may run in the child
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def play(path: str, row: str) -> None:
    """Do what the row says."""
    operator = Operator(World(**json.loads(Path(path).read_text())))
    if row == NEVER_POSTED:
        operator.leave_with_clients([operator.served()[0].signed])
        return
    if row == WITHHELD:
        batch_id = operator.commit_unattested(operator.honest_batch())
        print(json.dumps({"batch_id": batch_id, "way": row}), flush=True)
        return
    for name, cheat in CHEATS[row].items():
        batch, kept = cheat.batch(operator.served(), operator.goods, operator.deployment.receipt_domain)
        batch_id = operator.commit(batch)
        operator.leave_with_clients(kept)
        print(json.dumps({"batch_id": batch_id, "way": name}), flush=True)


if __name__ == "__main__":
    main()
