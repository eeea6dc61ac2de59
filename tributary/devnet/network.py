"""The devnet as one object: start it, read where it is, move its clocks, stop it."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tributary.devnet.accounts import DevAccount, dev_accounts
from tributary.devnet.clock import BlockClock
from tributary.devnet.node import Node
from tributary.devnet.supersim import L1_CHAIN_ID, L2_CHAIN_ID, Addresses, Ports, start_supersim, wait_until_ready

if TYPE_CHECKING:
    from tributary.guarded import GuardedProcess

L1_BLOCK_SECONDS, L2_BLOCK_SECONDS = 12, 2

FINALITY_BLOCKS = 64
"""How far `finalized` trails `latest` on anvil (`safe` trails by half of it)."""


class Devnet:
    """A running L1 and L2; both end with `stop()`, with the `with` block, or when this process dies.

    Attributes:
        l1_url, l2_url: JSON-RPC addresses. beacon_url: where L1 blobs are served.
        portal, l1_messenger: 20-byte addresses of the OptimismPortal and L1CrossDomainMessenger of the L2.
        l1, l2: JSON-RPC nodes with anvil's methods; whoever mines, reverts or reorganises does it through these two.
        l1_clock, l2_clock: what puts a block on each at its block time.
    """

    l1_chain_id = L1_CHAIN_ID
    l2_chain_id = L2_CHAIN_ID

    def __init__(self, addresses: Addresses, process: GuardedProcess | None = None) -> None:
        self.l1_url = self.beacon_url = addresses.l1_url
        self.l2_url = addresses.l2_url
        self.portal = addresses.portal
        self.l1_messenger = addresses.l1_messenger
        self.l1 = Node(addresses.l1_url)
        self.l2 = Node(addresses.l2_url)
        self.l1_clock = BlockClock(self.l1, L1_BLOCK_SECONDS)
        self.l2_clock = BlockClock(self.l2, L2_BLOCK_SECONDS)
        self.process = process
        self._cleanup = ExitStack()

    @classmethod
    def start(cls, folder: Path | None = None, ports: Ports | None = None, *, owned: bool = True) -> Self:
        """Start a fresh devnet, usually within a second.

        Args:
            folder: where its logs go; a temporary folder, deleted at the end, if None.
            ports: ports to listen on; free ones if None.
            owned: False leaves it running when this process ends (`devnet up`); anvil itself keeps its clocks then.

        Raises:
            PortTakenError, ToolMissingError, ProcessFailedError: each says what to do.
        """
        with ExitStack() as cleanup:
            keep_logs = folder is not None
            folder = folder or Path(tempfile.mkdtemp(prefix="tributary-devnet-"))
            if not keep_logs:
                cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
            process = start_supersim(folder, ports or Ports(), owned=owned, keep_logs=keep_logs)
            cleanup.callback(process.stop)
            devnet = cls(wait_until_ready(process), process)
            if owned:
                for clock in (devnet.l1_clock, devnet.l2_clock):
                    cleanup.callback(clock.stop)
                    clock.start()
            devnet._cleanup = cleanup.pop_all()
        return devnet

    @property
    def accounts(self) -> tuple[DevAccount, ...]:
        """Ten accounts with 10,000 ETH each on both chains."""
        return dev_accounts()

    def now(self) -> int:
        """Unix seconds of the later of both chains' latest blocks."""
        return max(self.l1.timestamp(), self.l2.timestamp())

    def advance(self, seconds: int) -> int:
        """Move both clocks `seconds` past the later chain's latest block; returns the new time.

        Both chains get one block with exactly that timestamp, and their clocks run on from there.
        """
        time = self.now() + seconds
        self.l1.mine_at(time)
        self.l2.mine_at(time)
        return time

    def mine(self, blocks: int = 1) -> None:
        """Put that many blocks on both chains."""
        self.l1.mine(blocks)
        self.l2.mine(blocks)

    def finalize(self) -> None:
        """Make every block that exists now final on both chains."""
        self.mine(FINALITY_BLOCKS)

    def environment(self) -> dict[str, str]:
        """The settings that point the stages at this devnet."""
        return {
            "L1_RPC_URL": self.l1_url,
            "L2_RPC_URL": self.l2_url,
            "BEACON_URL": self.beacon_url,
            "L1_PORTAL_ADDRESS": f"0x{self.portal.hex()}",
            "L1_MESSENGER_ADDRESS": f"0x{self.l1_messenger.hex()}",
        }

    def stop(self) -> None:
        """End both chains and delete what they left; harmless when they have ended."""
        self._cleanup.close()
        self.l1.close()
        self.l2.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
