"""`tributary settle` and `tributary attest` as processes, in the faults that operations bring; the audit looks after."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from ledger.config import CHECKOUT
from ledger.errors import NotFoundError, UsageError
from ledger.protocol.entitlement import ProtocolShare
from ledger.protocol.hexadecimal import to_hex
from settlement.command import app
from settlement.connections import PushPolicy
from settlement.scope import Scope
from settlement.states import State
from tests.e2e.pipeline_world import Pipeline
from tests.factories.attesters import ATTESTERS
from tests.factories.dying_settler import Life, live
from tests.factories.operator_flow import DAY
from tests.factories.outbox import mining
from tests.factories.rpc_proxy import Proxy, rpc_proxy

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

MOST_LIVES = 40


class GoneError(Exception):
    """The node is gone: whoever asked gets no answer."""


class Cut:
    """Lets a node vanish for good at a call of one method, before the node has it or after."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.heal()

    def heal(self) -> None:
        self._proxy.before = lambda _call: None
        self._proxy.change = lambda _call, answer: answer

    def before(self, method: str) -> None:
        gone = False

        def before(call: dict[str, Any]) -> None:
            nonlocal gone
            gone = gone or call["method"] == method
            if gone:
                raise GoneError

        self._proxy.before = before

    def after(self, method: str) -> None:
        self.heal()

        def change(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
            if call["method"] == method:
                self.before(method)
                self._proxy.before = _always_gone
                raise GoneError
            return answer

        self._proxy.change = change


def _always_gone(_call: dict[str, Any]) -> None:
    raise GoneError


class Office:
    """Two attesters at work, and `tributary settle --once` as a process, over a database of this test's own."""

    def __init__(self, pipeline: Pipeline, url: str, proxy: Proxy, attesters: list[str]) -> None:
        self.pipeline, self.url, self.proxy, self.attesters = pipeline, url, proxy, attesters

    def environment(self, **changes: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "NO_COLOR": "1", "TERM": "dumb",
            "TRIBUTARY_STATE_DIR": str(self.pipeline.folder / "state"),
            "DATABASE_URL": self.url,
            "L2_RPC_URL": self.proxy.url,
            "DEPLOYMENTS_DIR": str(self.pipeline.folder / "deployments"),
            "SETTLEMENT_PRIVATE_KEY": to_hex(self.pipeline.flow.devnet.accounts[1].private_key),
            "SETTLEMENT_ATTESTER_URLS": ",".join(self.attesters),
            "SETTLEMENT_MIN_CLAIM_UNITS": "1",
            "SETTLEMENT_CLAIMS_PER_TRANSACTION": "3",
            "SETTLEMENT_RPC_PATIENCE_SECONDS": "1",
            **changes,
        }  # fmt: skip

    def tributary(self, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tributary", *words]
        return subprocess.run(
            command, env=self.environment(**changes), cwd=self.pipeline.folder, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip

    def settle(self) -> str:
        """A pass that must succeed; what it printed."""
        done = self.tributary("settle", "--once")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fails(self, *words: str, **changes: str) -> str:
        """A call that must fail, in one sentence and not with a traceback; the sentence."""
        done = self.tributary(*words, **changes)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        sentence = done.stderr.strip().splitlines()[-1]
        assert sentence.endswith(("?", "."))
        return sentence

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def state(self) -> str | None:
        """State of the newest distribution after the pipeline's own first one."""
        rows = self.rows("SELECT state FROM distributions WHERE distribution_id > 1 ORDER BY distribution_id")
        assert len(rows) <= 1
        return rows[0][0] if rows else None

    def wait_for(self, state: State) -> None:
        self._wait(lambda: self.state() == state)

    def wait_for_claims(self) -> None:
        """Until every chosen claim is in a block."""
        chosen = "SELECT count(DISTINCT chunk) FROM pushed_claims WHERE distribution_id > 1"
        mined = (
            "SELECT count(*) FROM settlement_transactions"
            " WHERE distribution_id > 1 AND purpose = 'claim_many' AND outcome = 'mined'"
        )
        self._wait(lambda: self.rows(chosen) == self.rows(mined))

    def _wait(self, fulfilled: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not fulfilled():
            assert time.monotonic() < deadline, "it never came to it"
            time.sleep(0.1)

    def pass_activation(self) -> None:
        self.pipeline.flow.devnet.advance(DAY + 1)

    def settle_blocks(self) -> None:
        self.pipeline.flow.devnet.finalize()
        self.pipeline.index(self.url)

    def check_books(self) -> None:
        """Everybody was paid once, and the audit finds no difference."""
        code, report, printed = self.pipeline.audit()
        assert code == 0, printed
        assert report["differences"] == 0
        assert self.state() == State.PAID
        sent = self.rows("SELECT purpose, chunk, outcome FROM settlement_transactions WHERE distribution_id > 1")
        assert sorted(row[:2] for row in sent if row[2] == "mined") == sorted({row[:2] for row in sent})
        assert all(row[2] in ("mined", "replaced") for row in sent)


@pytest.fixture
def office(pipeline: Pipeline, pipeline_url: str, undone: None) -> Iterator[Office]:
    with ExitStack() as stack:
        proxy = stack.enter_context(rpc_proxy(pipeline.flow.devnet.l2_url))
        attesters = [stack.enter_context(pipeline._attester(pipeline_url, key)) for key in ATTESTERS[:2]]
        stack.enter_context(mining(pipeline.flow.devnet))
        yield Office(pipeline, pipeline_url, proxy, attesters)


def test_a_node_that_vanishes_half_way_costs_time_and_nothing_else(office: Office) -> None:
    cut = Cut(office.proxy)
    cut.before("eth_chainId")
    assert "No L2 node answers" in office.fails("settle", "--once")
    assert office.state() is None
    cut.heal()
    cut.before("eth_sendRawTransaction")
    assert "L2" in office.fails("settle", "--once")
    assert office.state() == State.ATTESTED
    cut.after("eth_sendRawTransaction")
    assert "L2" in office.fails("settle", "--once")
    assert office.state() == State.ATTESTED
    cut.heal()
    assert "Root 2: submitted" in office.settle()
    office.pass_activation()
    cut.after("eth_sendRawTransaction")
    office.fails("settle", "--once")
    assert office.state() == State.PAYING
    cut.before("eth_getTransactionReceipt")
    office.fails("settle", "--once")
    cut.heal()
    office.settle()
    office.settle_blocks()
    assert "Root 2: paid" in office.settle()
    office.check_books()


def test_a_node_of_another_chain_is_refused_before_anything_is_done(office: Office) -> None:
    def lie(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        return answer | {"result": hex(902)} if call["method"] == "eth_chainId" else answer

    office.proxy.change = lie
    assert "There is no deployment for chain 902" in office.fails("settle", "--once")
    honest = office.pipeline.flow.devnet.l2_url
    asked: list[str] = []

    def turn(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        asked.append(call["method"])
        return lie(call, answer) if len(asked) > 1 else answer

    office.proxy.change = turn
    assert "chain 902" in office.fails("settle", "--once")
    assert set(asked) == {"eth_chainId"}
    office.proxy.change = lie
    key = to_hex(ATTESTERS[0].secret)
    assert "chain 902" in office.fails("attest", "watch", "--once", ATTESTER_PRIVATE_KEY=key)
    assert office.state() is None
    assert "Root 2: submitted" in office.tributary("settle", "--once", L2_RPC_URL=honest).stdout


def test_attest_on_a_taken_port_says_so_and_loses_nothing(office: Office, tmp_path: Path) -> None:
    office.settle()
    before = office.rows("SELECT * FROM signed_attestations ORDER BY attester, digest")
    assert before
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        key = to_hex(ATTESTERS[2].secret)
        sentence = office.fails("attest", "serve", "--port", str(port), ATTESTER_PRIVATE_KEY=key)
    assert str(port) in sentence
    assert office.rows("SELECT * FROM signed_attestations ORDER BY attester, digest") == before
    office.pass_activation()
    office.settle()
    assert office.state() == State.PAYING


def lives(office: Office, context: Any) -> Callable[[], bool]:
    """One life of a settlement process; whether it was killed."""
    flow = office.pipeline.flow
    deployment = flow.deployment
    protocol = ProtocolShare(deployment.protocol_payee, deployment.protocol_ppm)
    life = Life(
        database_url=office.url,
        l2_url=flow.devnet.l2_url,
        scope=Scope(deployment.l2.chain_id, deployment.l2.distributor, deployment.l2.token, protocol),
        attester_urls=tuple(office.attesters),
        secret=flow.devnet.accounts[1].private_key,
        policy=PushPolicy(least_units=1, claims_per_transaction=3, transactions_in_flight=2),
    )

    def one() -> bool:
        process = context.Process(target=live, args=(life,))
        process.start()
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode != 0

    return one


def test_killed_at_every_step_it_leaves_books_that_the_audit_agrees_with(office: Office) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.factories.dying_settler"])
    one, died_in = lives(office, context), list[str | None]()
    for _ in range(MOST_LIVES):
        if one():
            died_in.append(office.state())
        elif office.state() == State.SUBMITTED:
            office.pass_activation()
        elif office.state() == State.PAYING:
            office.settle_blocks()
        else:
            break
    assert len(died_in) >= 15
    assert set(died_in) >= {State.COMPUTED, State.ATTESTED, State.SUBMITTED, State.ACTIVE, State.PAYING, State.PAID}
    office.check_books()


def test_on_a_schedule_it_pays_by_itself_and_ends_when_told(office: Office) -> None:
    log = office.pipeline.folder / "settle.log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "tributary", "settle", "--every", "1"]
        process = subprocess.Popen(command, env=office.environment(), cwd=office.pipeline.folder, stderr=output)
        try:
            office.wait_for(State.SUBMITTED)
            office.pass_activation()
            office.wait_for(State.PAYING)
            office.wait_for_claims()
            office.settle_blocks()
            office.wait_for(State.PAID)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, log.read_text()
    office.check_books()


def test_what_would_be_paid_and_what_was_are_printed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in office.environment(COLUMNS="200").items():
        monkeypatch.setenv(name, value)

    def printed(*words: str) -> str:
        result = CliRunner().invoke(app, list(words))
        if result.exception is not None:
            raise result.exception
        return result.stdout

    run = json.loads(printed("--dry-run", "--json"))
    assert office.state() is None
    assert sum(int(line["due"]) for line in run["payees"]) == int(run["due"]) > 0
    line = max(run["payees"], key=lambda line: int(line["claimed"]))
    payee = line["payee"]
    assert payee in printed("--dry-run")
    document = json.loads(printed("statement", payee, "--json"))
    assert document["rootIndex"] == 1
    assert int(document["paid"]) == int(document["cumulative"]) == int(line["claimed"]) > 0
    rows = list(csv.DictReader(io.StringIO(printed("statement", payee, "--csv"))))
    assert "paid" in {row["reason"].split()[0] for row in rows}
    with localcontext(prec=100):
        assert sum((Decimal(row["base_units"]) for row in rows), Decimal(0)) == int(document["due"]) == 0
    assert f"{document['cumulative']} base units earned" in printed("statement", payee)
    with pytest.raises(UsageError, match="is not an address"):
        printed("statement", "0x12")
    with pytest.raises(NotFoundError, match="no standing root 99"):
        printed("statement", payee, "--root", "99")
    with pytest.raises(UsageError, match="not as both"):
        printed("statement", payee, "--csv", "--json")
