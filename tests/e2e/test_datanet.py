"""A datanet from its list on chain to the token in each contributor's hands, read by index, API and audit alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from api.app import build_app
from api.reader import open_reader
from api.settings import ApiSettings
from audit.command import app as audit_command
from ledger.errors import ExplainError
from ledger.protocol.contributors import Contributor, check_list, contributors_root, list_payee
from ledger.protocol.explain.payout import PayoutProof, verify_payout
from ledger.protocol.hexadecimal import checksum_address, from_hex, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import ENTITLEMENT_ONE, SHARE_ONE
from tests.e2e.pipeline_world import api_server
from tests.factories.http_server import served
from tests.factories.paid_world import CAROL, CHUNK, DAVE, PaidWorld, paid_world
from tributary.devnet import Devnet
from tributary.postgres import PostgresServer
from tributary.verify.on_chain import check_payout_on_chain

pytestmark = pytest.mark.e2e

CROWD = check_list(
    [Contributor(keccak256(b"contributor", n.to_bytes(2))[:20], 1 + n * n % 97) for n in range(300)]
    + [Contributor(CAROL, 500)]
)
"""Some of them weigh so little that they have no whole unit yet."""
GAS_A_CONTRIBUTOR = 1_600
FULL_CHUNK_GAS = GAS_A_CONTRIBUTOR * CHUNK


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("datanet")


@pytest.fixture(scope="module")
def world(postgres_server: PostgresServer, migrated_template: str, folder: Path) -> Iterator[PaidWorld]:
    url = postgres_server.create_database("datanet", migrated_template)
    with Devnet.start() as devnet, paid_world(devnet, folder, url, crowd=CROWD) as world:
        yield world
    postgres_server.drop_database("datanet")


@pytest.fixture(scope="module")
def api(world: PaidWorld) -> Iterator[httpx.Client]:
    with api_server(world.url) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def get(api: httpx.Client, path: str, **parameters: Any) -> Any:
    answer = api.get(path, params=parameters)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()


def test_the_list_on_chain_is_complete_and_costs_what_is_stated(world: PaidWorld) -> None:
    registry = world.inner.flow.registry
    listed = registry.contributor_list(1, "latest")
    assert listed.complete
    assert (listed.root, listed.count, listed.last) == (contributors_root(CROWD), len(CROWD), CROWD[-1].address)
    assert registry.contributors_payee(1, "latest") == list_payee(1)
    opened, first, second = (receipt.gas_used for receipt in world.publishing)
    print(
        f"openContributors: {opened} gas; {CHUNK} rows: {first}, {first // CHUNK} each; {len(CROWD) - CHUNK}: {second}"
    )
    assert first <= FULL_CHUNK_GAS


def test_every_contributor_holds_what_it_earned_to_the_unit(world: PaidWorld) -> None:
    flow, exact = world.inner.flow, world.exact(world.settled_ids)
    paid = {who: flow.distributor.claimed(who, at="latest") for who, _ in CROWD}
    assert paid == {who: int(exact[who]) for who, _ in CROWD}
    assert {who: flow.token.balance_of(who, at="latest") for who, _ in CROWD} == paid
    assert 0 in paid.values()
    assert sum(units > 0 for units in paid.values()) > 250
    assert flow.distributor.claimed(list_payee(1), at="latest") == 0


def test_shares_follow_the_weights_and_add_up(world: PaidWorld, api: httpx.Client) -> None:
    path, rows, cursor = f"/v1/assets/{world.dataset}/contributors", [], None
    while True:
        page = get(api, path, limit=99, **({"cursor": cursor} if cursor else {}))
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [(from_hex(row["contributor"], 20), int(row["weight"])) for row in rows] == list(CROWD)
    assert sum(row["share"] for row in rows) == SHARE_ONE * 9 // 10
    total = sum(weight for _, weight in CROWD)
    for row in rows:
        assert abs(row["share"] - Fraction(SHARE_ONE * 9 * int(row["weight"]), 10 * total)) < 1


def test_an_asset_names_its_lists_and_others_have_none(world: PaidWorld, api: httpx.Client) -> None:
    (version,) = get(api, f"/v1/assets/{world.dataset}")["terms"]
    (listed,) = version["contributor_lists"]
    assert (listed["contributors"], listed["root"]) == (len(CROWD), to_hex(contributors_root(CROWD)))
    assert [share["list_id"] for share in version["effective_shares"]] == [1, None]
    assert get(api, f"/v1/assets/{world.model}/contributors")["items"] == []
    assert get(api, f"/v1/assets/{world.dataset}/contributors", version=9)["items"] == []
    assert api.get("/v1/assets/99/contributors").status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize("who", [CROWD[0].address, CAROL], ids=["first", "carol"])
def test_a_contributor_sees_through_which_list_it_earned(world: PaidWorld, api: httpx.Client, who: bytes) -> None:
    answer = get(api, f"/v1/contributors/{checksum_address(who)}")
    (source,) = answer["by_source"]
    assert (source["source"], source["asset_id"], source["dataset_id"], source["list_id"]) == (
        "data",
        world.adapter,
        world.dataset,
        1,
    )
    numerator = int(source["settled"]["finalized"]["numerator"])
    assert Fraction(numerator, ENTITLEMENT_ONE) == world.exact(world.settled_ids)[who]


@pytest.mark.parametrize("who", [CROWD[0].address, CROWD[-1].address, DAVE], ids=["first", "last", "beside"])
def test_a_contributors_payout_is_explained_down_to_the_blobs(world: PaidWorld, tmp_path: Path, who: bytes) -> None:
    settings = ApiSettings.load(database_url=world.url, archive_dir=world.inner.settings.archive_dir, kept_dir=tmp_path)
    engine = open_reader(settings)
    with served(build_app(engine, settings)) as url, httpx.Client(base_url=url, timeout=60) as client:
        answer = client.get(f"/v1/contributors/{to_hex(who)}/explain", params={"distribution": 1})
    engine.dispose()
    assert answer.status_code == httpx.codes.OK, answer.text
    proof = verify_payout(answer.content)
    assert proof.file.payout.numerator == world.exact(world.settled_ids)[who] * ENTITLEMENT_ONE
    assert [len(part.rows) for part in proof.file.lists] == ([] if who == DAVE else [len(CROWD)])
    list(check_payout_on_chain(proof, world.inner.flow.devnet.l2_url))
    if who != DAVE:
        _forge(proof)


def _forge(proof: PayoutProof) -> None:
    """A list without its last row, with another weight, or with another root is refused, however it is sealed."""
    (listed,) = proof.file.lists
    heavier = bytes([*listed.rows[0][:31], listed.rows[0][31] + 1])
    for change in (
        {"rows": listed.rows[:-1]},
        {"rows": [heavier, *listed.rows[1:]]},
        {"rows": []},
        {"root": b"\1" * 32},
        {"list_id": 0},
    ):
        forged = proof.file.model_copy(update={"lists": [listed.model_copy(update=change).sealed()]})
        with pytest.raises(ExplainError, match=r"^lists\[0\]\."):
            verify_payout(forged.model_dump_json(by_alias=True).encode())
    without = proof.file.model_copy(update={"lists": []})
    with pytest.raises(ExplainError):
        verify_payout(without.model_dump_json(by_alias=True).encode())


def test_a_payee_beside_the_list_is_paid_as_ever(world: PaidWorld) -> None:
    exact = world.exact(world.settled_ids)
    assert world.inner.flow.distributor.claimed(DAVE, at="latest") == int(exact[DAVE]) > 0


def test_the_audit_finds_no_difference_in_chains_and_api(world: PaidWorld, folder: Path, api: httpx.Client) -> None:
    devnet, settings, report = world.inner.flow.devnet, world.inner.settings, folder / "audit.json"
    given = [
        "--l1-rpc-url", devnet.l1_url, "--l2-rpc-url", devnet.l2_url, "--archive", str(settings.archive_dir),
        "--deployments", str(settings.deployments_dir), "--json", str(report), "--api", str(api.base_url),
    ]  # fmt: skip
    result = CliRunner().invoke(audit_command, given)
    assert result.exit_code == 0, result.output
    audited = json.loads(report.read_text())
    assert audited["differences"] == 0
    payees = {from_hex(line["address"], 20): line for line in audited["payees"]}
    assert {who for who, _ in CROWD} < payees.keys()


def test_an_index_made_afresh_is_the_same(world: PaidWorld, postgres_server: PostgresServer, migrated_template) -> None:
    url = postgres_server.create_database("datanet_afresh", migrated_template)
    try:
        ours, theirs = world.inner.digests(), world.inner.rebuilt_digests(url)
        assert {name: theirs[name] for name in ("contributors", "contributor_lists")} == {
            name: ours[name] for name in ("contributors", "contributor_lists")
        }
    finally:
        postgres_server.drop_database("datanet_afresh")
