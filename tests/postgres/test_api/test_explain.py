"""Explain files and receipt proofs: they hold offline, and no field of them can be changed."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from api.app import build_app
from api.reader import open_reader
from ledger.errors import ExplainError, MalformedInputError
from ledger.protocol.explain.payout import verify_payout
from ledger.protocol.explain.receipt import verify_receipt
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.units import ENTITLEMENT_ONE
from tests.factories.http_server import served
from tests.factories.paid_world import ALICE, CAROL, PROTOCOL_PAYEE, PaidWorld
from tests.postgres.test_api.conftest import api_settings
from tributary.verify import command
from tributary.verify.on_chain import check_payout_on_chain, check_receipt_on_chain

pytestmark = pytest.mark.postgres

MUTATIONS = 200


@pytest.fixture(scope="module")
def alices(client: httpx.Client) -> bytes:
    return explained(client, ALICE)


def explained(client: httpx.Client, payee: bytes) -> bytes:
    response = client.get(f"/v1/contributors/{to_hex(payee)}/explain", params={"distribution": 1})
    assert response.status_code == httpx.codes.OK, response.text
    return response.content


def test_every_payees_file_holds_and_says_what_receipts_give_in_fractions(
    client: httpx.Client, world: PaidWorld
) -> None:
    for payee, units in world.exact(world.settled_ids).items():
        proof = verify_payout(explained(client, payee))
        assert proof.file.payout.numerator == units * ENTITLEMENT_ONE
        assert proof.sampled_batches == ()
        assert {batch.batch_id for batch in proof.file.batches} <= set(world.settled_ids)


def test_the_sources_name_what_the_payee_earned_from(client: httpx.Client, world: PaidWorld) -> None:
    def sources(payee: bytes) -> set[tuple[str, int, int]]:
        file = verify_payout(explained(client, payee)).file
        return {(line.source, line.asset_id, line.dataset_id) for line in file.sources}

    assert sources(CAROL) == {("data", world.adapter, world.dataset)}
    assert {source for source, _, _ in sources(PROTOCOL_PAYEE)} == {"protocol"}
    assert {source for source, _, _ in sources(ALICE)} == {"royalty"}


def test_no_field_of_a_file_can_be_changed_without_being_named(alices: bytes) -> None:
    document = json.loads(alices)
    chooser = random.Random(20_260_501)
    for path in chooser.sample(list(leaves(document)), MUTATIONS):
        changed = mutated(document, path, chooser)
        with pytest.raises(ExplainError) as refused:
            verify_payout(json.dumps(changed).encode())
        assert names(path, refused.value.field), f"{path} was changed, and {refused.value} was said"


def test_a_missing_or_unknown_field_is_named(alices: bytes) -> None:
    document = json.loads(alices)
    del document["payout"]["proof"]
    with pytest.raises(ExplainError, match=r"^payout\.proof: "):
        verify_payout(json.dumps(document).encode())
    document = json.loads(alices)
    document["terms"][0]["bonus"] = 1
    with pytest.raises(ExplainError, match=r"^terms\[0\]\.bonus: "):
        verify_payout(json.dumps(document).encode())


def test_no_bytes_get_anything_but_a_refusal_by_field(alices: bytes) -> None:
    document = json.loads(alices)
    chooser = random.Random(23)
    odd = [None, True, -1, 2**63, 2**300, 1.5, "", "0x", "9" * 90, "\ud800", [], {}, [[[]]], {"seals": {}}]
    nodes = [path[:n] for path in leaves(document) for n in range(1, len(path) + 1)]
    for path in chooser.sample(nodes, 300):
        changed = placed(document, path, chooser.choice(odd))
        if changed != document:
            with pytest.raises(ExplainError):
                verify_payout(json.dumps(changed).encode())
    for content in (b"", b"[]", b"null", b"{" * 10_000, alices[: len(alices) // 2], alices.replace(b"{", b"[")):
        with pytest.raises(ExplainError):
            verify_payout(content)


def test_a_forger_who_seals_anew_is_refused_by_the_computation(alices: bytes) -> None:
    file = verify_payout(alices).file
    rich = file.payout.model_copy(update={"cumulative": file.payout.cumulative + 1, "numerator": 1}).sealed()
    for part, update in (
        ("payout", rich),
        ("sources", file.sources[1:]),
        ("batches", file.batches[1:]),
        ("terms", [*file.terms[:-1], file.terms[-1].model_copy(update={"royalty_ppm": 1}).sealed()]),
        ("distribution", file.distribution.model_copy(update={"root_index": 2}).sealed()),
        ("chain", file.chain.model_copy(update={"token": b"\1" * 20}).sealed()),
    ):
        forged = file.model_copy(update={part: update})
        with pytest.raises(ExplainError):
            verify_payout(forged.model_dump_json(by_alias=True).encode())


def test_the_chain_confirms_what_a_file_rests_on_and_refuses_another_batch(alices: bytes, world: PaidWorld) -> None:
    rpc = world.inner.flow.devnet.l2.url
    proof = verify_payout(alices)
    assert any("root 1 stands, 3 of its 3 signers" in line for line in check_payout_on_chain(proof, rpc))
    batch = proof.file.batches[0].model_copy(update={"batch_commitment": b"\1" * 32})
    other = proof.file.model_copy(update={"batches": [batch]})
    with pytest.raises(ExplainError, match="batchCommitment"):
        list(check_payout_on_chain(type(proof)(other, ()), rpc))


def test_a_receipts_proof_holds_with_the_payers_own_copy(client: httpx.Client, world: PaidWorld) -> None:
    entry = world.posted[world.settled_ids[0]].entries[1]
    digest = entry.digest
    response = client.get(f"/v1/receipts/{to_hex(digest)}/proof")
    assert response.status_code == httpx.codes.OK, response.text
    proof = verify_receipt(response.content)
    assert proof.file.place.digest31 == digest[:31]
    assert proof.file.place.fee == entry.receipt.fee_units
    assert any("final" in line for line in check_receipt_on_chain(proof, world.inner.flow.devnet.l2.url))
    document = json.loads(response.content)
    chooser = random.Random(7)
    for path in chooser.sample(list(leaves(document)), 60):
        with pytest.raises(ExplainError):
            verify_receipt(json.dumps(mutated(document, path, chooser)).encode())


def test_blobs_are_given_by_their_hash(client: httpx.Client, alices: bytes) -> None:
    batch = verify_payout(alices).file.batches[0]
    response = client.get(f"/v1/blobs/{to_hex(batch.versioned_hashes[0])}")
    assert response.content == batch.blobs[0].blob
    missing = client.get("/v1/blobs/0x01" + "00" * 31)
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, (*path, place))
    else:
        yield path


def mutated(document: Any, path: tuple[str | int, ...], chooser: random.Random) -> Any:
    """The document with this leaf changed to another value of its own kind."""
    value = document
    for step in path:
        value = value[step]
    return placed(document, path, other_value(value, chooser))


def placed(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy of the document with this value at the path."""
    copy = json.loads(json.dumps(document))
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return copy


def other_value(value: Any, chooser: random.Random) -> Any:
    if isinstance(value, bool) or value is None:
        return "changed"
    if isinstance(value, int):
        return value + chooser.choice([1, 2**40])
    place = chooser.randrange(2 if value.startswith("0x") else 0, len(value))
    digit = chooser.choice([c for c in "0123456789" if c != value[place]])
    return value[:place] + digit + value[place + 1 :]


def names(path: tuple[str | int, ...], field: str) -> bool:
    """Whether a refusal's field is the changed one, or the seal or object that it stands in."""
    steps = [step for step in path if step != "seals"]
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    return text.startswith(field) or field.startswith(text)


def test_the_command_says_what_holds_and_names_what_does_not(
    alices: bytes, world: PaidWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(alices)
    document = json.loads(alices)
    document["batches"][0]["sums"][0]["weightedFee"] += "0"
    bad.write_text(json.dumps(document))
    verify(["payout", str(good), "--rpc", world.inner.flow.devnet.l2.url])
    shown = capsys.readouterr().out
    assert "holds" in shown
    assert "batches are committed as the file says, and final" in shown
    with pytest.raises(ExplainError, match=r"bad\.json does not hold at batches\[0\]\.sums\[0\]\.weightedFee"):
        verify(["payout", str(bad)])
    with pytest.raises(MalformedInputError, match="can not be read"):
        verify(["payout", str(tmp_path / "none.json")])


def test_the_whole_command_takes_less_than_a_second_from_start_to_end(alices: bytes, tmp_path: Path) -> None:
    file = tmp_path / "payout.json"
    file.write_bytes(alices)
    taken = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "tributary", "verify", "payout", str(file)],
            capture_output=True,
            text=True,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert f"{file} holds" in done.stdout
    assert min(taken) < 1, taken  # seconds of processor: it waits for nothing, so on a machine of its own also of clock


def test_a_file_of_many_batches_carries_openings_in_place_of_blobs(
    world: PaidWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As for a payee with more batches than a file holds blobs; this history is too short for that.
    monkeypatch.setattr("api.explain.payout_file.MOST_BLOBS", 0)
    settings = api_settings(world.url, archive_dir=world.inner.settings.archive_dir, kept_dir=tmp_path)
    engine = open_reader(settings)
    with served(build_app(engine, settings)) as url, httpx.Client(base_url=url, timeout=30) as other:
        content = explained(other, CAROL)
    engine.dispose()
    proof = verify_payout(content)
    assert proof.sampled_batches == world.settled_ids
    assert all(batch.receipts and not batch.blobs for batch in proof.file.batches)
    document = json.loads(content)
    chooser = random.Random(11)
    for path in chooser.sample([p for p in leaves(document) if "openings" in p or "receipts" in p], 40):
        with pytest.raises(ExplainError):
            verify_payout(json.dumps(mutated(document, path, chooser)).encode())


def verify(words: list[str]) -> None:
    typer.main.get_command(command.app).main(args=words, prog_name="tributary verify", standalone_mode=False)
