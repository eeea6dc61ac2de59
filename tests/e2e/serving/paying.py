"""A payer in front of a real gateway, and the official client that pays through its purse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
from coincurve import PrivateKey

from ledger.protocol.hexadecimal import to_hex
from ledger.receipt_files import read_receipts
from payer.assembly import open_purse
from payer.purse import Purse
from payer.settings import PaySettings
from payer.transport import PayingTransport
from tests.factories.serving_world import ServingWorld

CHAT = [{"role": "user", "content": "Once more unto the breach, dear friends"}]
ASK = {"model": "quill", "messages": CHAT, "max_tokens": 6}
DEPOSIT, BUDGET = 10**9, 10**8


@dataclass
class Payer:
    """A payer with a deposit, and where its folder is."""

    world: ServingWorld
    key: PrivateKey
    folder: Path
    gateway: str

    def settings(self, **changes: object) -> PaySettings:
        fields = {
            "l2_rpc_url": self.world.flow.devnet.l2_url,
            "deployments_dir": self.world.flow_folder,
            "folder": self.folder,
            "key": to_hex(self.key.secret),
            "gateway": self.gateway,
            "budget_units": BUDGET,
            "follow_chain_clock": True,
        }
        return PaySettings.load(**(fields | changes))

    @contextmanager
    def purse(self, **changes: object) -> Iterator[Purse]:
        said: list[str] = []
        with open_purse(self.settings(**changes), said.append) as purse:
            yield purse

    def receipts(self) -> list[int]:
        """Fees of the kept receipts, in order of seq."""
        return [kept.receipt.fee_units for kept in read_receipts(self.folder / "receipts")]


@contextmanager
def client(purse: Purse) -> Iterator[openai.OpenAI]:
    """The official client, unmodified but for its transport."""
    with openai.OpenAI(
        base_url=f"{purse.gateway.url}/v1",
        api_key="-",
        max_retries=0,
        http_client=httpx.Client(transport=PayingTransport(purse)),
    ) as one:
        yield one


def account_of(purse: Purse):
    return purse.book.account(purse.payer, purse.desk().operator, purse.chain.deployment.l2.escrow)
