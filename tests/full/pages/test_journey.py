"""A contributor's journey through the pages, in a real browser, and what every page must keep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.protocol.explain.payout import verify_payout
from ledger.protocol.hexadecimal import checksum_address, to_hex
from tests.factories.paid_world import ALICE, BOB, PaidWorld
from tests.full.pages.conftest import VIEWS, Open

pytestmark = pytest.mark.full

SCHEMES = ("light", "dark")


def paths(world: PaidWorld) -> dict[str, str]:
    payer = to_hex(world.inner.payers[0])
    return {
        "network": "/",
        "contributor": f"/contributors/{to_hex(ALICE)}",
        "payer": f"/payers/{payer}",
        "assets": "/assets",
        "adapter": f"/assets/{world.adapter}",
        "dataset": f"/assets/{world.dataset}",
        "operator": f"/operators/{to_hex(world.operator)}",
        "final batch": f"/batches/{world.settled_ids[0]}",
        "open batch": f"/batches/{world.open_id}",
        "verify": "/verify",
        "api": "/docs",
        "empty contributor": "/contributors/0x" + "00" * 19 + "01",
        "empty payer": "/payers/0x" + "00" * 19 + "01",
        "no address": "/contributors/0x12",
        "no asset": "/assets/4000000",
        "no operator": "/operators/0x" + "00" * 19 + "01",
    }


def test_a_contributor_finds_reads_verifies_claims_and_is_paid(
    open_page: Open, world: PaidWorld, tmp_path: Path
) -> None:
    page = open_page("/", wallet=world.inner.flow.devnet.l2.url)
    page.fill("#address", to_hex(ALICE))
    page.click("text=Contributor")
    page.wait_for_url("**/contributors/0x*")
    page.wait_for_selector("main[aria-busy=false]")
    assert checksum_address(ALICE) in page.inner_text("main")
    owed = int(next(units for payee, units in world.exact(world.settled_ids).items() if payee == ALICE))
    assert f"{owed / 10**6:.6f}".rstrip("0") in page.inner_text("#claim + p")

    page.click("text=Verify the proof in this page")
    assert "Holds: your leaf" in page.inner_text("output")
    with page.expect_download() as download:
        page.click("a:has-text('Explain file')")
    file = tmp_path / "explain.json"
    download.value.save_as(file)
    assert verify_payout(file.read_bytes()).file.payout.cumulative == owed

    page.click("text=Claim with a wallet")
    page.wait_for_selector("#notice:has-text('on its way')")
    world.inner.index()
    page.wait_for_selector("text=All that distribution 1 owes this address is paid", timeout=20_000)
    assert world.inner.rows("SELECT amount_units FROM claims WHERE payee = %s", ALICE) == [(owed,)]


def test_a_file_is_verified_in_the_page_and_a_changed_one_is_refused(open_page: Open, tmp_path: Path) -> None:
    page = open_page(f"/contributors/{to_hex(BOB)}")
    with page.expect_download() as download:
        page.click("a:has-text('Explain file')")
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    download.value.save_as(good)
    document = json.loads(good.read_text())
    document["payout"]["cumulative"] = str(int(document["payout"]["cumulative"]) + 1)
    bad.write_text(json.dumps(document))
    page = open_page("/verify")
    page.set_input_files("#file", good)
    page.wait_for_selector("text=It holds")
    page.set_input_files("#file", bad)
    page.wait_for_selector("text=payout.cumulative")


def test_a_receipts_openings_are_checked_in_the_page(open_page: Open, world: PaidWorld, tmp_path: Path) -> None:
    entry = world.posted[world.settled_ids[0]].entries[2]
    page = open_page(f"/verify?receipt={to_hex(entry.digest[:31])}")
    page.wait_for_selector("text=It holds")
    proof = page.evaluate(f"fetch('/v1/receipts/{to_hex(entry.digest[:31])}/proof').then((answer) => answer.json())")
    for n in range(len(proof["batch"]["openings"])):
        changed = json.loads(json.dumps(proof))
        value = changed["batch"]["openings"][n]["value"]
        changed["batch"]["openings"][n]["value"] = value[:-1] + ("0" if value[-1] != "0" else "1")
        file = tmp_path / f"changed-{n}.json"
        file.write_text(json.dumps(changed))
        page.set_input_files("#file", file)
        page.wait_for_selector(f"text=batch.openings[{n}]")


def test_a_page_says_when_the_api_is_gone(open_page: Open) -> None:
    page = open_page("/")
    page.route("**/v1/**", lambda route: route.abort())
    page.click("text=Network")
    page.wait_for_selector("[role=alert]")
    assert "does not answer" in page.inner_text("main")
    assert "tries again by itself" in page.inner_text("main")
    page.unroute("**/v1/**")
    page.wait_for_selector("text=Newest batches", timeout=20_000)


def test_what_is_not_there_is_said_and_not_asked_for_again(open_page: Open) -> None:
    page = open_page("/assets/4000000")
    assert "There is no asset 4000000" in page.inner_text("[role=alert]")
    assert "by itself" not in page.inner_text("main")


def test_pages_lead_on_from_a_batch_to_its_operator_its_assets_and_its_payers(
    open_page: Open, world: PaidWorld
) -> None:
    page = open_page("/")
    page.click(f"main a[href='/batches/{world.settled_ids[0]}']")
    page.wait_for_selector("text=Its way")
    assert "Blobs posted on L1" in page.inner_text("main")
    page.click(f"main a[href='/assets/{world.adapter}']")
    page.wait_for_selector("text=Lineage")
    page.click(f"main a[href='/operators/{checksum_address(world.operator)}']")
    page.wait_for_selector("text=Lanes and keys")
    assert "Uptime is the share of the time" in page.inner_text("main")
    page.click("text=What it earned")
    page.wait_for_url("**/contributors/0x*")
    page.wait_for_selector("text=Why this amount")


def test_a_receipts_digest_leads_to_its_proof(open_page: Open, world: PaidWorld) -> None:
    entry = world.posted[world.settled_ids[0]].entries[0]
    page = open_page("/")
    page.fill("#address", to_hex(entry.digest))
    page.keyboard.press("Enter")
    page.wait_for_selector("text=It holds")


def test_a_reader_is_told_that_the_chain_was_reorganised(open_page: Open, world: PaidWorld) -> None:
    node = world.inner.flow.devnet.l2
    node.mine(1)
    world.inner.index()
    page = open_page("/")
    page.wait_for_timeout(1_000)  # it has heard how often that has happened before
    node.call("anvil_reorg", 1, [])
    world.inner.index()
    page.wait_for_selector("#notice:has-text('reorganised')", timeout=20_000)
    page.click("text=Assets")
    page.wait_for_selector("text=Registered")
    assert page.inner_text("#notice") == ""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("view", VIEWS)
def test_every_page_is_readable_by_everybody(
    open_page: Open, world: PaidWorld, axe: str, view: str, scheme: str
) -> None:
    for name, path in paths(world).items():
        page = open_page(path, view, scheme, free=True)
        page.wait_for_timeout(200)  # the chart draws itself after the page stands
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        page.add_script_tag(content=axe)
        found = page.evaluate("axe.run()")["violations"]
        serious = [
            (line["id"], line["nodes"][0]["html"]) for line in found if line["impact"] in {"serious", "critical"}
        ]
        assert serious == [], f"{name} in {scheme} on a {view}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than a {view}"


def test_a_page_can_be_used_with_the_keyboard_alone(open_page: Open) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.focus("#address")
    page.keyboard.type(to_hex(BOB))
    page.keyboard.press("Enter")
    page.wait_for_url("**/contributors/0x*")
