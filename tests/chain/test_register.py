"""`tributary register` on real chains: previewed, killed in between, gone on with, refused where somebody was first."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.structs import Kind, Share
from ledger.protocol.content import ContentFile, content_hash
from ledger.protocol.contributors import list_payee
from ledger.protocol.hexadecimal import checksum_address, from_hex, to_hex
from ledger.protocol.keccak import keccak256
from tests.factories.attesters import ATTESTERS
from tests.factories.operator_flow import OperatorFlow, key_of, operator_flow, terms_for
from tests.factories.outbox import mining
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

ALICE, BOB = b"\xa1" * 20, b"\xb2" * 20
CROWD = {checksum_address(keccak256(b"crowd", n.to_bytes(2))[:20]): 1 + n % 50 for n in range(700)}


@pytest.fixture(scope="module")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployments")


@pytest.fixture(scope="module")
def flow(devnet: Devnet, deployments: Path) -> Iterator[OperatorFlow]:
    with operator_flow(devnet, deployments, ATTESTERS, quorum=2) as flow:
        yield flow


@pytest.fixture
def asset(tmp_path: Path) -> Path:
    """A folder whose content no other test has."""
    folder = tmp_path / "data"
    (folder / "part").mkdir(parents=True)
    (folder / "part" / "rows.txt").write_text(f"rows of {tmp_path}")
    (folder / "README.md").write_text("What this is.")
    (folder / ".hidden").write_text("not part of it")
    return folder


def listed(folder: Path) -> bytes:
    """Its content hash, from the specification."""
    names = ("README.md", "part/rows.txt")
    files = [(name, (folder / name).read_bytes()) for name in names]
    return content_hash(ContentFile(name, len(data), hashlib.sha256(data).digest()) for name, data in files)


class Registrar:
    """An owner at a command line."""

    def __init__(self, flow: OperatorFlow, deployments: Path, name: str, folder: Path) -> None:
        self.flow, self.key = flow, key_of(name)
        self.address = flow.sender(name).address
        self.state = folder / "state"
        self.environment = {
            **os.environ, "L2_RPC_URL": flow.devnet.l2_url, "DEPLOYMENTS_DIR": str(deployments),
            "REGISTER_KEY": to_hex(self.key.secret), "TRIBUTARY_STATE_DIR": str(self.state), "COLUMNS": "200",
        }  # fmt: skip

    def command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "tributary", "register", *words]

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(words), env={**self.environment, **environment}, capture_output=True, text=True, check=False,
            timeout=200, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def refused(self, *words: str, **environment: str) -> str:
        done = self.run(*words, **environment)
        assert done.returncode == 1, done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        return done.stderr.strip()

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            self.command(words), env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def kill_at(self, line: str, *words: str) -> None:
        """Starts it, and kills it as soon as it says that."""
        with self.started(*words) as process:
            assert until(process, line), "it ended before it said so"
            process.send_signal(signal.SIGKILL)

    def finish(self, *words: str) -> dict[str, Any]:
        """Runs it to its end, the delay passing at once; what --json printed."""
        with self.started(*words, "--yes", "--json") as process:
            seen = until(process, "The commitment can be revealed")
            if seen:
                self.flow.devnet.advance(61)
            output = process.stdout.read() if process.stdout else ""
        assert process.returncode == 0, output
        return json.loads(output.splitlines()[-1])

    def kept(self) -> list[Path]:
        return list((self.state / "registrations").glob("*"))


def until(process: subprocess.Popen[str], text: str) -> bool:
    assert process.stdout is not None
    return any(text in line for line in process.stdout)


@pytest.fixture
def registrar(flow: OperatorFlow, deployments: Path, tmp_path: Path) -> Iterator[Registrar]:
    with mining(flow.devnet):
        yield Registrar(flow, deployments, f"owner in {tmp_path.name}", tmp_path)


def test_a_preview_says_everything_and_sends_nothing(registrar: Registrar, asset: Path) -> None:
    done = registrar.run(
        str(asset), "--kind", "model", "--licence", "CC-BY-4.0", "--royalty", "25%", "--dry-run", "--json",
        "--payees", f"{checksum_address(ALICE)}=70%,{checksum_address(BOB)}=300000", "--example-fee", "10001",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    preview = json.loads(done.stdout)["preview"]
    assert preview["content_hash"] == to_hex(listed(asset))
    assert (preview["files"], preview["uri"]) == (2, "#licence=CC-BY-4.0")
    assert [(s["payee"], s["share"]) for s in preview["effective_shares"]] == [
        (checksum_address(ALICE), 7 * 10**11),
        (checksum_address(BOB), 3 * 10**11),
    ]
    earned = {line["who"]: line["units"] for line in preview["example"]["earned"]}
    assert earned == {
        "protocol": "250.025",
        "operator": "7,250.725",
        checksum_address(ALICE): "1,750.175",
        checksum_address(BOB): "750.075",
    }
    assert [step["name"] for step in preview["transactions"]] == ["commit", "register"]
    assert all(step["gas"] > 40_000 for step in preview["transactions"])
    assert "Effective shares" in done.stderr
    sender = registrar.flow.sender(f"owner in {asset.parent.name}")
    assert sender.next_nonce() == 0
    assert not registrar.state.exists()


def test_killed_before_the_reveal_it_goes_on_with_the_salt_that_it_kept(registrar: Registrar, asset: Path) -> None:
    words = (str(asset), "--kind", "dataset", "--licence", "CC0-1.0", "--uri", "https://example.org/data")
    registrar.kill_at("The commitment can be revealed", *words, "--yes")
    (kept,) = registrar.kept()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    salt = json.loads(kept.read_text())["salt"]
    assert registrar.flow.registry.asset_id_of(listed(asset), "latest") == 0

    outcome = registrar.finish(*words)
    registry, asset_id = registrar.flow.registry, outcome["asset_id"]
    assert registry.asset_id_of(listed(asset), "latest") == asset_id
    stored = registry.asset(asset_id, "latest")
    assert (stored.kind, stored.owner, stored.content_hash) == (Kind.DATASET, registrar.address, listed(asset))
    assert registry.terms(asset_id, 1, "latest").split == (Share(registrar.address, 1_000_000),)
    assert [step["name"] for step in outcome["transactions"]] == ["register"], "the first commitment was made again"
    assert len(salt) == 64
    assert registrar.kept() == []

    again = registrar.run(*words, "--yes", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["asset_id"] == asset_id
    assert "registered already, and yours" in again.stderr


def test_what_somebody_else_registered_is_said_to_be_theirs(registrar: Registrar, asset: Path) -> None:
    first = registrar.finish(str(asset), "--kind", "dataset")
    other = key_of("latecomer")
    said = registrar.refused(str(asset), "--kind", "model", "--yes", REGISTER_KEY=to_hex(other.secret))
    owner = checksum_address(registrar.address)
    assert said == (
        f"This content is registered already, as asset {first['asset_id']} of {owner}; the first registrant owns it."
    )


def test_estimates_are_close_to_what_it_takes(registrar: Registrar, asset: Path) -> None:
    parent = registrar.flow.register(str(asset).encode(), terms_for([(ALICE, 600_000), (BOB, 400_000)]))
    outcome = registrar.finish(str(asset), "--kind", "adapter", "--royalty", "20%", "--parents", f"{parent}=333333")
    estimated = {step["name"]: step["gas"] for step in outcome["preview"]["transactions"]}
    used = {step["name"]: step["gas_used"] for step in outcome["transactions"]}
    for name, gas in used.items():
        assert abs(estimated[name] - gas) <= gas // 20, (name, estimated[name], gas)
    shares = registrar.flow.registry.effective_shares(outcome["asset_id"], 1, "latest")
    shown = [(from_hex(s["payee"], 20), s["share"]) for s in outcome["preview"]["effective_shares"]]
    assert shown == [(s.payee, s.share) for s in shares]
    assert len(shares) == 3


def test_a_datanet_from_a_csv_killed_between_its_chunks(registrar: Registrar, asset: Path, tmp_path: Path) -> None:
    table = tmp_path / "contributors.csv"
    table.write_text("address,weight\n" + "".join(f"{who},{weight}\n" for who, weight in CROWD.items()))
    terms = tmp_path / "terms.toml"
    terms.write_text(
        f'licence = "ODC-By-1.0"\ncontributors = "contributors.csv"\n[[payees]]\naddress = "contributors"\nppm = 900000\n'
        f'[[payees]]\naddress = "{checksum_address(BOB)}"\nppm = 100000\n'
    )
    words = (str(asset), "--kind", "dataset", "--terms", str(terms))
    registrar.kill_at("Sent: publish contributors 1 to 512", *words, "--yes")
    registry = registrar.flow.registry
    list_id = registry.contributor_list_count("latest")
    assert (registry.contributor_list(list_id, "latest").published, len(CROWD)) == (512, 700)

    outcome = registrar.finish(*words)
    names = [step["name"] for step in outcome["transactions"]]
    assert names == ["publish contributors 513 to 700", "commit", "register"]
    assert outcome["list_id"] == list_id == registry.contributor_list_count("latest")
    assert registry.contributor_list(list_id, "latest").complete
    estimated = {step["name"]: step["gas"] for step in outcome["preview"]["transactions"]}
    used = {step["name"]: step["gas_used"] for step in outcome["transactions"]}
    assert abs(estimated[names[0]] - used[names[0]]) <= used[names[0]] // 10
    split = registry.terms(outcome["asset_id"], 1, "latest").split
    assert split == (Share(list_payee(list_id), 900_000), Share(BOB, 100_000))


def test_other_contributors_are_proposed_with_notice_and_only_once(
    registrar: Registrar, asset: Path, tmp_path: Path
) -> None:
    table = tmp_path / "contributors.csv"
    table.write_text("\n".join(f"{who},{weight}" for who, weight in list(CROWD.items())[:20]))
    words = (str(asset), "--kind", "dataset", "--contributors", str(table))
    assert "not registered" in registrar.refused(*words, "--propose", "--yes")
    first = registrar.finish(*words)
    table.write_text("\n".join(f"{who},{weight + 1}" for who, weight in list(CROWD.items())[:25]))
    assert "stated once" in registrar.refused(*words, "--propose", "--yes", "--licence", "CC0-1.0")
    done = registrar.run(*words, "--propose", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    second = json.loads(done.stdout)
    names = [step["name"] for step in second["transactions"]]
    assert names == ["open the contributor list", "publish contributors 1 to 25", "propose terms"]
    estimated, used = second["preview"]["transactions"][-1]["gas"], second["transactions"][-1]["gas_used"]
    assert abs(estimated - used) <= used // 10
    registry, asset_id = registrar.flow.registry, first["asset_id"]
    assert (second["asset_id"], second["version"]) == (asset_id, 2)
    assert second["list_id"] == first["list_id"] + 1
    split = [registry.terms(asset_id, version, "latest").split[0].payee for version in (1, 2)]
    assert split == [list_payee(first["list_id"]), list_payee(second["list_id"])]
    now = registrar.flow.devnet.now()
    assert now + 47 * 3600 < second["effective_at"] == registry.terms_effective_at(asset_id, 2, "latest")
    again = json.loads(registrar.run(*words, "--propose", "--yes", "--json").stdout)
    assert (again["version"], again["transactions"]) == (2, [])
    assert registry.asset(asset_id, "latest").version_count == 2


def test_terms_that_the_registry_refuses_are_refused_before_anything_is_paid(registrar: Registrar, asset: Path) -> None:
    dataset = registrar.flow.register(str(asset).encode(), terms_for([(ALICE, 1_000_000)]), Kind.DATASET)
    plain = (str(asset), "--kind", "adapter", "--yes")
    assert registrar.refused(*plain, "--royalty", "20%") == (
        "An adapter has exactly one model among its parents, not 0; name it with --parents."
    )
    assert registrar.refused(*plain, "--parents", "4000=10%") == "There is no asset 4000 in this registry."
    assert "above the 975,000" in registrar.refused(str(asset), "--kind", "model", "--yes", "--royalty", "99%")
    assert "exactly one model" in registrar.refused(*plain, "--parents", f"{dataset}=10%")
    assert registrar.kept() == []
