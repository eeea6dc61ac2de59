"""Deployment by settings alone: it stands, it resumes, it refuses, each in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from coincurve import PrivateKey

from ledger.chain.contracts.receipt_ledger import ReceiptLedger
from ledger.chain.deployment import load_deployment
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.chain.transaction import Call, SignedTransaction
from ledger.config import CHECKOUT
from ledger.errors import SettingsError, UsageError
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.signature import address_of
from tests.factories.operator_flow import key_of
from tributary.deployment import creation, run
from tributary.deployment.journal import deployment_path, journal_path
from tributary.deployment.parameters import Parameters
from tributary.deployment.plan import Step
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

ATTESTERS = tuple(address_of(key_of(f"attester {n}")) for n in range(3))


def parameters(devnet: Devnet) -> Parameters:
    return Parameters(
        l1_chain_id=devnet.l1_chain_id,
        l2_chain_id=devnet.l2_chain_id,
        portal=devnet.portal,
        l1_messenger=None,
        token=None,
        protocol_ppm=25_000,
        protocol_payee=address_of(key_of("protocol")),
        attesters=ATTESTERS,
        quorum=2,
        governor=address_of(key_of("governor")),
    )


@contextmanager
def senders(devnet: Devnet, account: int = 1) -> Iterator[tuple[Sender, Sender]]:
    key = PrivateKey(devnet.accounts[account].private_key)
    with (
        closing(RpcClient([devnet.l1_url], devnet.l1_chain_id, name="L1")) as l1,
        closing(RpcClient([devnet.l2_url], devnet.l2_chain_id, name="L2")) as l2,
    ):
        yield Sender(l1, key), Sender(l2, key)


class CutOffError(Exception):
    """Stands for the process dying."""


@contextmanager
def dies_before(contract: str) -> Iterator[None]:
    """The run inside dies when it is about to send this contract's creation."""
    send = creation._send

    def send_or_die(step: Step, sender: Sender) -> SignedTransaction:
        if step.contract == contract:
            raise CutOffError
        return send(step, sender)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(creation, "_send", send_or_die)
        with pytest.raises(CutOffError):
            yield


def test_a_run_that_was_cut_short_goes_on_where_it_stopped(devnet: Devnet, tmp_path: Path) -> None:
    with senders(devnet) as (l1, l2):
        with dies_before("PaymentEscrow"):
            run.deploy(parameters(devnet), l1, l2, tmp_path, when_sent=devnet.mine)
        devnet.mine()
        assert journal_path(tmp_path, 901).is_file()
        assert not deployment_path(tmp_path, 901).exists()
        before: list[tuple[str, bool]] = []
        run.deploy(
            parameters(devnet), l1, l2, tmp_path,
            report=lambda step, stood: before.append((step.contract, stood)), when_sent=devnet.mine,
        )  # fmt: skip
        assert [name for name, stood in before if stood] == ["TestToken", "AttributionRegistry", "Operators"]
        assert not journal_path(tmp_path, 901).exists()
        found = load_deployment(tmp_path, 901)
        assert ReceiptLedger(l2.rpc, found.l2.ledger).protocol_ppm("latest") == 25_000


def test_a_chain_that_has_a_deployment_is_refused(devnet: Devnet, tmp_path: Path) -> None:
    with senders(devnet) as (l1, l2):
        run.deploy(parameters(devnet), l1, l2, tmp_path, when_sent=devnet.mine)
        with pytest.raises(UsageError, match="already has a deployment"):
            run.deploy(parameters(devnet), l1, l2, tmp_path)


def test_a_file_left_over_from_an_ended_devnet_is_overwritten(devnet: Devnet, tmp_path: Path) -> None:
    with senders(devnet) as (l1, l2):
        first = run.deploy(parameters(devnet), l1, l2, tmp_path, when_sent=devnet.mine)
        path = deployment_path(tmp_path, 901)
        stale = json.loads(path.read_text())
        stale["l2"]["ledger"] = stale["l1"]["blobInbox"] = "0x" + "99" * 20
        path.write_text(json.dumps(stale))
        second = run.deploy(parameters(devnet), l1, l2, tmp_path, when_sent=devnet.mine)
        assert second.l2.ledger != first.l2.ledger


def test_another_use_of_the_key_in_between_is_told(devnet: Devnet, tmp_path: Path) -> None:
    with senders(devnet) as (l1, l2):
        with dies_before("Operators"):
            run.deploy(parameters(devnet), l1, l2, tmp_path)
        devnet.mine()
        l2.broadcast(l2.sign(Call(l2.address, b"")))
        devnet.mine()
        with pytest.raises(UsageError, match="the key was used in between"):
            run.deploy(parameters(devnet), l1, l2, tmp_path, when_sent=devnet.mine)


def test_an_unfinished_run_is_not_finished_with_other_settings(devnet: Devnet, tmp_path: Path) -> None:
    with senders(devnet) as (l1, l2):
        with dies_before("Operators"):
            run.deploy(parameters(devnet), l1, l2, tmp_path)
        devnet.mine()
        with pytest.raises(UsageError, match="other settings, code or key"):
            run.deploy(replace(parameters(devnet), quorum=3), l1, l2, tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"quorum": 4}, "A quorum of 4 can't be had from 3 attesters"),
        ({"quorum": 0}, "A quorum of 0 can't be had"),
        ({"attesters": (ATTESTERS[0],) * 2}, "An attester is named twice"),
        ({"attesters": (bytes(20),)}, "zero address can't be an attester"),
        ({"protocol_ppm": 1_000_001}, "0 to 1000000 ppm"),
        ({"protocol_payee": bytes(20)}, "payee must not be the zero address"),
        ({"governor": bytes(20)}, "governor must not be the zero address"),
        ({"portal": None}, "must name the L2's portal, or, with DEPLOY_PATH=messenger"),
        ({"l1_chain_id": 901}, "the same chain id"),
        ({"portal": b"\x77" * 20}, "There is no contract at 0x7777777777777777777777777777777777777777 on L1"),
        ({"token": b"\x77" * 20}, "There is no contract at 0x7777777777777777777777777777777777777777 on L2"),
    ],
)
def test_a_wrong_parameter_is_told_before_anything_is_sent(
    devnet: Devnet, tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    with senders(devnet) as (l1, l2):
        nonces = l1.next_nonce(), l2.next_nonce()
        with pytest.raises(SettingsError, match=sentence):
            run.deploy(replace(parameters(devnet), **change), l1, l2, tmp_path)  # type: ignore[arg-type]
        assert (l1.next_nonce(), l2.next_nonce()) == nonces
    assert not list(tmp_path.iterdir())


def test_a_contract_that_is_no_token_is_refused(devnet: Devnet, tmp_path: Path) -> None:
    messenger = bytes.fromhex("4200000000000000000000000000000000000007")
    with senders(devnet) as (l1, l2), pytest.raises(SettingsError, match="does not tell its decimals"):
        run.deploy(replace(parameters(devnet), token=messenger), l1, l2, tmp_path)


def command(devnet: Devnet, folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """`tributary deploy` in a process of its own, with this devnet's settings."""
    settings = {
        "L1_RPC_URL": devnet.l1_url,
        "L2_RPC_URL": devnet.l2_url,
        "DEPLOYMENTS_DIR": str(folder),
        "DEPLOY_L1_CHAIN_ID": "900",
        "DEPLOY_L2_CHAIN_ID": "901",
        "DEPLOY_KEY": to_hex(devnet.accounts[2].private_key),
        "DEPLOY_PATH": "messenger",
        "L1_PORTAL_ADDRESS": to_hex(devnet.portal),
        "L1_MESSENGER_ADDRESS": to_hex(devnet.l1_messenger),
        "DEPLOY_TOKEN": "test",
        "DEPLOY_PROTOCOL_PPM": "25000",
        "DEPLOY_PROTOCOL_PAYEE": to_hex(address_of(key_of("protocol"))),
        "DEPLOY_ATTESTERS": ",".join(to_hex(attester) for attester in ATTESTERS),
        "DEPLOY_QUORUM": "2",
        "DEPLOY_GOVERNOR": to_hex(address_of(key_of("governor"))),
        **changes,
    }
    environment = {**os.environ, **{name: value for name, value in settings.items() if value}}
    return subprocess.run(
        [sys.executable, "-m", "tributary", "deploy"],
        check=False, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_the_command_deploys_through_the_messenger_and_refuses_a_second_time(devnet: Devnet, tmp_path: Path) -> None:
    first = command(devnet, tmp_path)
    assert first.returncode == 0, first.stderr
    assert json.loads(deployment_path(tmp_path, 901).read_text())["l1"]["depositPath"] == "messenger"
    second = command(devnet, tmp_path)
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "already has a deployment" in second.stderr


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"DEPLOY_L2_CHAIN_ID": "10"}, "901"),
        ({"DEPLOY_KEY": "0x5ec4e7"}, "DEPLOY_KEY is wrong"),
        ({"DEPLOY_TOKEN": ""}, "DEPLOY_TOKEN is not set"),
        ({"DEPLOY_ATTESTERS": "0x12"}, "DEPLOY_ATTESTERS is wrong"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_sentence(
    devnet: Devnet, tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    result = command(devnet, tmp_path, **changes)
    assert result.returncode not in (0, 70)
    assert result.stderr.count("\n") == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert "5ec4e7" not in result.stderr
