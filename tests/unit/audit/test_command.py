"""The command's words, its sentences and its exit codes, as far as they need no chain."""

import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from audit.command import app
from audit.difference import KEPT, Differences, Place
from audit.money.conservation import Conservation
from audit.report import print_verdict, write_json
from audit.settings import AuditSettings
from audit.verdict import Tally, Verdict
from ledger.chain.blocks import BlockRef
from ledger.errors import SettingsError

pytestmark = pytest.mark.unit


def verdict(differences: Differences) -> Verdict:
    block = BlockRef(70, b"\x70" * 32, bytes(32), 1_700_000_000)
    conservation = Conservation({"bonds": 5}, {"bonds": 3}, {"burned": 2})
    return Verdict(block, differences, Tally(), {"open": 1}, 0, 0, {b"\x01" * 20: 1}, {}, 1, 0, conservation)


def printed(differences: Differences) -> str:
    console = Console(width=200, no_color=True, record=True, file=None, quiet=True)
    console.quiet = False
    with console.capture() as capture:
        print_verdict(verdict(differences), console)
    return capture.get()


def test_no_difference_is_the_last_line():
    assert printed(Differences()).rstrip().endswith("0 differences")


def test_the_first_of_many_differences_is_named_and_all_are_counted(tmp_path):
    differences = Differences()
    for n in range(KEPT + 5):
        differences.note(Place("receipt", "batch 2", 2, n, 10 + n), "feeUnits", 20, 21)
    last = printed(differences).rstrip().splitlines()[-1]
    assert last == f"{KEPT + 5} differences; the first: batch 2, receipt 0, seq 10: feeUnits must be 20 but is 21."
    write_json(verdict(differences), tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["differences"], len(report["found"])) == (KEPT + 5, KEPT)
    assert report["first"] == report["found"][0]
    assert report["first"]["expected"] == "20"


def test_values_in_brackets_are_printed_as_they_are():
    differences = Differences()
    differences.note(Place("terms", "asset 1"), "datasets", ["b"], "[red]")
    assert printed(differences).rstrip().endswith("asset 1: datasets must be [b] but is [red].")


def run(*words: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    empty = dict.fromkeys(("L1_RPC_URL", "L2_RPC_URL", "BEACON_URL", "ARCHIVE_DIR", "DEPLOYMENTS_DIR", "AUDIT_API_URL"))
    result = CliRunner().invoke(app, words, env={**empty, **(environment or {})})
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_a_missing_setting_is_named_with_exit_2():
    assert run("--l1-rpc-url", "http://127.0.0.1:9")[0] == 2
    assert "L2_RPC_URL is not set" in run("--l1-rpc-url", "http://127.0.0.1:9")[1]


def test_blobs_must_come_from_somewhere():
    nodes = {"L1_RPC_URL": "http://127.0.0.1:9", "L2_RPC_URL": "http://127.0.0.1:9"}
    code, output = run(environment=nodes)
    assert (code, "BEACON_URL or ARCHIVE_DIR must say where the blobs are" in output) == (2, True)
    code, output = run("--archive", "/nowhere/at/all", environment=nodes)
    assert (code, "which is not a folder" in output) == (2, True)


def test_a_node_that_does_not_answer_is_one_sentence_with_exit_2():
    code, output = run(
        "--l1-rpc-url", "http://127.0.0.1:9", "--l2-rpc-url", "http://127.0.0.1:9", "--beacon-url", "http://127.0.0.1:9"
    )
    assert code == 2
    assert output.startswith("The audit could not be finished: No L2 node answers at ")


def test_kept_receipts_must_be_in_a_folder(tmp_path):
    nodes = (
        "--l1-rpc-url",
        "http://127.0.0.1:9",
        "--l2-rpc-url",
        "http://127.0.0.1:9",
        "--beacon-url",
        "http://127.0.0.1:9",
    )
    code, output = run(*nodes, "--receipts", str(tmp_path / "nothing"))
    assert (code, "is not a folder" in output) == (2, True)


def test_several_addresses_are_separated_by_commas():
    settings = AuditSettings.load(l1_rpc_url="http://a/,http://b", l2_rpc_url="http://c", beacon_url="http://d")
    assert settings.l1_rpc_url == ("http://a", "http://b")


def test_a_negative_patience_is_refused(monkeypatch):
    monkeypatch.setenv("AUDIT_PATIENCE_SECONDS", "-1")
    with pytest.raises(SettingsError, match="AUDIT_PATIENCE_SECONDS"):
        AuditSettings.load(l1_rpc_url="http://a", l2_rpc_url="http://c", beacon_url="http://d")
