"""`tributary pay`: the proxy as a program, killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import openai
import pytest
from coincurve import PrivateKey

from ledger.config import CHECKOUT
from ledger.protocol.blob.encode import BatchEntry, encode
from ledger.protocol.hexadecimal import to_hex
from ledger.receipt_files import read_receipts
from payer.assembly import book_of
from payer.settings import PaySettings
from tests.e2e.serving.started import started
from tests.factories.serving_world import RunningGateway, ServingWorld, running

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "The quality of mercy is not strain'd"}]
ASK = {"model": "quill", "messages": CHAT, "max_tokens": 6}
LANE, DEPOSIT, BUDGET = 4, 10**9, 10**8


@pytest.fixture(scope="module")
def gateway(serving_world: ServingWorld, module_database_url: str) -> Iterator[RunningGateway]:
    with running(serving_world.settings(module_database_url, lane=LANE)) as one:
        yield one


def environment(world: ServingWorld, key: PrivateKey, gateway: str, folder: Path) -> dict[str, str]:
    fields = {
        "l2_rpc_url": world.flow.devnet.l2_url,
        "deployments_dir": world.flow_folder,
        "folder": folder,
        "key": to_hex(key.secret),
        "gateway": gateway,
        "budget_units": BUDGET,
        "port": 0,
        "follow_chain_clock": True,
    }
    return os.environ | {PaySettings.variable(name): str(value) for name, value in fields.items()}


def proxy(words: dict[str, str]) -> AbstractContextManager[tuple[str, subprocess.Popen[str]]]:
    return started(["tributary", "pay"], words, "use")


def tell(words: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tributary", "pay", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=words, capture_output=True, text=True, timeout=60, check=False)


def test_the_proxy_pays_is_killed_and_goes_on_and_its_receipts_land(
    serving_world: ServingWorld, gateway: RunningGateway, tmp_path: Path
) -> None:
    folder = tmp_path / "payer"
    words = environment(serving_world, serving_world.deposit("proxied payer", DEPOSIT), gateway.url, folder)
    for _ in range(2):
        with proxy(words) as (url, process):
            with openai.OpenAI(base_url=f"{url}/v1", api_key="whatever", max_retries=0) as client:
                assert "quill" in {model.id for model in client.models.list()}
                assert client.chat.completions.create(**ASK).choices
                assert list(client.chat.completions.create(**ASK, stream=True))
            page = httpx.post(
                f"{url}/v1/chat/completions", json=ASK, headers={"origin": "http://page"}, trust_env=False
            )
            assert page.status_code == 403
            process.send_signal(signal.SIGKILL)
            process.wait(30)
    kept = [one.receipt for one in read_receipts(folder / "receipts")]
    assert len(kept) == 4

    on_their_way = tell(words, "landed")
    assert (on_their_way.returncode, on_their_way.stdout.split(".")[0]) == (
        0, "0 proven to be in batches, 0 whose numbers batches have taken, 4 on their way, 0 overdue, 0 wrong",
    )  # fmt: skip
    flow = serving_world.flow
    flow.authorize(PrivateKey(bytes.fromhex(words["PAY_KEY"][2:])), BUDGET)
    batch = encode([BatchEntry(r, r.digest(flow.deployment.receipt_domain)) for r in kept])
    flow.commit(batch, flow.post(batch)[0])
    flow.devnet.l2.mine(40)
    assert "4 whose numbers batches have taken" in tell(words, "landed").stdout


def test_a_receipt_in_no_batch_after_a_day_is_overdue(
    serving_world: ServingWorld, gateway: RunningGateway, tmp_path: Path
) -> None:
    words = environment(serving_world, serving_world.deposit("late payer", DEPOSIT), gateway.url, tmp_path)
    with proxy(words) as (url, _), openai.OpenAI(base_url=f"{url}/v1", api_key="-", max_retries=0) as client:
        client.chat.completions.create(**ASK)
    serving_world.flow.devnet.advance(86_400 + 60)
    late = tell(words, "landed")
    assert late.returncode == 1
    assert "Overdue: receipt" in late.stdout


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"PAY_HOST": "0.0.0.0"}, "whoever reaches the proxy spends your budget"),
        ({"PAY_KEY": ""}, "PAY_KEY is wrong"),
        ({"PAY_BUDGET_UNITS": "0"}, "PAY_BUDGET_UNITS is wrong"),
        ({"PAY_GATEWAY": "http://127.0.0.1:9"}, "does not answer"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(
    serving_world: ServingWorld, gateway: RunningGateway, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    words = environment(serving_world, PrivateKey(b"\x07" * 32), gateway.url, tmp_path) | changes
    done = tell(words)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_there_is_nothing_to_resume_where_nothing_stopped(
    serving_world: ServingWorld, gateway: RunningGateway, tmp_path: Path
) -> None:
    words = environment(serving_world, PrivateKey(b"\x07" * 32), gateway.url, tmp_path)
    elsewhere = tell(words, "resume")
    assert elsewhere.returncode == 1
    assert f"There is no payer's book in {tmp_path}" in elsewhere.stderr
    book_of(tmp_path).close()
    assert tell(words, "resume").stdout.strip() == "Nothing was stopped."
