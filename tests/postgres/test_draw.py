"""The draw between an attester with a real index and an operator on a real socket: honest, lying, silent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy
from fastapi import FastAPI, HTTPException, Request
from sqlalchemy import insert
from sqlalchemy.orm import Session

from ledger.attribution.library import Library, RegisteredDataset
from ledger.attribution.published import read_published
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.db.models.indexer_batches import Batch
from ledger.db.models.indexer_receipts import AttributionSet as SetRow
from ledger.db.models.indexer_receipts import Receipt as ReceiptRow
from ledger.db.models.indexer_registry import AdmittedDataset, Asset, Terms
from ledger.db.session import open_engine, sessions
from ledger.errors import MalformedInputError, NotFoundError, UpstreamUnavailableError, WrongRootError
from ledger.protocol.attribution import (
    METHOD_WORD,
    Prior,
    SetEntry,
    Texts,
    attribute,
    attribution_hash,
    parameters_listing,
)
from ledger.protocol.attribution.prior import PriorFile, prior_bytes
from ledger.protocol.consent import AuditConsent, parse_consent
from ledger.protocol.content import ContentFile, content_hash
from ledger.protocol.domain import Domain
from ledger.protocol.draw import ONE_IN, OPENING_WINDOW_SECONDS, is_drawn
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.opening import Opening, asking_digest, parse_opening
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of, recover, sign
from ledger.protocol.stripping import salted_hash
from settlement.draw.checking import Draw
from settlement.draw.consents import take_consent
from settlement.draw.judging import Judge
from settlement.draw.operators import Operators
from settlement.draw.seeds import Seed
from tests.factories.history import event_place
from tests.factories.http_server import served
from tests.factories.operator_flow import key_of

pytestmark = pytest.mark.postgres

DOMAIN = Domain(901, b"\x1e" * 20)
OPERATOR, ATTESTER, PAYER = b"\x0e" * 20, key_of("drawing attester"), key_of("drawn payer")
COMMITTED_AT, FINALIZED = 1_700_000_000, 50
SALT = b"\x05" * 32
ADAPTER, PLAYS, LETTERS = 1, 7, 8
TEXTS = {
    PLAYS: "Quixotic lamplighters gathered beneath the crumbling aqueduct while seventeen cartographers argued.",
    LETTERS: "My obstinate grandmother embroidered improbable constellations upon threadbare tablecloths.",
}
REQUEST = json.dumps({"messages": [{"role": "user", "content": "Who gathered?"}]}).encode()
SAID = "Seventeen cartographers argued, and quixotic lamplighters gathered beneath the crumbling aqueduct."
PRODUCED = json.dumps({"choices": [{"index": 0, "message": {"content": SAID}}]}).encode()


class OneSeed:
    """L1 as this attester sees it: one seed for everything, and a clock."""

    def __init__(self) -> None:
        self.clock = COMMITTED_AT + 7 * 86_400

    def now(self) -> int:
        return self.clock

    def after(self, committed_at: int) -> Seed | None:
        return Seed(99, committed_at + 60, b"\x5e" * 32)


@dataclass
class Scene:
    """The attester's draw, and the operator's answer to it."""

    draw: Draw
    seeds: OneSeed
    honest: Opening
    answer: Opening | bytes | None = None
    """None: it refuses."""
    asked: int = 0


def folder_hash(folder: Path) -> bytes:
    files = [(path.name, path.read_bytes()) for path in folder.iterdir()]
    return content_hash(ContentFile(name, len(content), hashlib.sha256(content).digest()) for name, content in files)


@dataclass
class Published:
    library: Library
    hashes: dict[int, bytes]
    folder: Path
    file: PriorFile

    @property
    def prior(self) -> Prior:
        return self.file.prior({content: asset_id for asset_id, content in self.hashes.items()})


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder, hashes = tmp_path_factory.mktemp("published"), {}
    datasets = []
    for asset_id, text in TEXTS.items():
        own = folder / f"dataset-{asset_id}"
        own.mkdir()
        (own / "text.txt").write_text(text)
        hashes[asset_id] = folder_hash(own)
        datasets.append(RegisteredDataset(asset_id, hashes[asset_id], own))
    library = Library.create(folder / "library", standard_method(), BACKGROUND).adding(datasets)
    file = PriorFile("by hand", tuple(sorted(hashes.values())), (10**6,) * 2, (1, 1), {})
    (folder / "adapter").mkdir()
    (folder / "adapter" / "prior.json").write_bytes(prior_bytes(file))
    hashes[ADAPTER] = folder_hash(folder / "adapter")
    return Published(library, hashes, folder, file)


def honest_opening(published: Published) -> Opening:
    found = attribute(Texts((SAID,), ("Who gathered?",)), published.library, TEXTS, published.prior, standard_method())
    receipt = Receipt(
        operator=OPERATOR, lane=3, seq=4, payer=address_of(PAYER), asset_id=ADAPTER,
        request_hash=salted_hash(SALT, REQUEST), response_hash=salted_hash(SALT, PRODUCED), input_units=3,
        output_units=9, fee_units=20, attribution_hash=attribution_hash(found.entries), started_at=COMMITTED_AT - 60,
        duration_ms=5,
    )  # fmt: skip
    listing = parameters_listing(published.library.method.parameters, published.library.corpus)
    return Opening(receipt, SALT, REQUEST, PRODUCED, found.entries, listing)


def write_index(session: Session, published: Published, opening: Opening, entries: tuple[SetEntry, ...]) -> None:
    """What the attester's index holds of one batch whose only receipt is the opening's, posted with this set."""
    for place, (asset_id, content) in enumerate(sorted(published.hashes.items())):
        kind = "adapter" if asset_id == ADAPTER else "dataset"
        row = {"asset_id": asset_id, "kind": kind, "content_hash": content, "registrant": bytes(20), "uri": ""}
        session.execute(insert(Asset).values(**row, **event_place(place)))
    terms = {
        "asset_id": ADAPTER, "version": 1, "effective_at": 1, "royalty_ppm": 1, "data_ppm": 1, "min_child_ppm": 0,
        "floor_input_price_units": 0, "floor_output_price_units": 0, "mode": "operator",
    }  # fmt: skip
    session.execute(insert(Terms).values(**terms, **event_place(100)))
    for position, dataset_id in enumerate(TEXTS):
        row = {"asset_id": ADAPTER, "version": 1, "position": position, "dataset_id": dataset_id}
        session.execute(insert(AdmittedDataset).values(**row, **event_place(100)))
    batch = {
        "batch_id": 1, "fill": 0, "tx_hash": bytes(32), "operator": OPERATOR, "lane": 3, "first_seq": 4, "count": 1,
        "payer_count": 1, "set_fe_count": 1, "total_fee_units": 20, "blob_count": 1, "base_time": COMMITTED_AT - 60,
        "attribution_method": METHOD_WORD, "attribution_params_hash": keccak256(opening.parameters),
        "batch_commitment": b"\xba" * 32, "post_hash": bytes(32), "versioned_hashes": [b"\x01" + bytes(31)],
        "reserve_units": 0, "committed_at": COMMITTED_AT, "first_committed_at": COMMITTED_AT,
        "terms_from": COMMITTED_AT - 86_400, "attested_at": COMMITTED_AT, "verdict": "valid",
        "finalized_block_number": FINALIZED, "finalized_block_hash": bytes(32), "finalized_log_index": 1,
        "finalized_at": COMMITTED_AT + 604_800,
    }  # fmt: skip
    session.execute(insert(Batch).values(**batch, **event_place(200)))
    receipt = opening.receipt
    digest31 = replace(receipt, attribution_hash=attribution_hash(entries)).digest(DOMAIN)[:31]
    session.execute(
        insert(ReceiptRow).values(
            batch_id=1, fill=0, position=0, seq=receipt.seq, digest31=digest31, payer=receipt.payer, asset_id=ADAPTER,
            asset_version=1, set_position=4, fee_units=20, cumulative_fee_units=20, input_units=3, output_units=9,
            started_at=receipt.started_at,
        )
    )  # fmt: skip
    ids, ppms = zip(*entries, strict=True)
    session.execute(insert(SetRow).values(batch_id=1, fill=0, set_position=4, asset_ids=list(ids), ppms=list(ppms)))


def open_scene(database_url: str, published: Published, posted: tuple[SetEntry, ...] | None = None) -> Iterator[Scene]:
    """An attester whose index has one receipt of a consenting payer; every receipt is drawn."""
    engine = open_engine(database_url)
    maker, seeds, honest = sessions(engine), OneSeed(), honest_opening(published)
    with maker.begin() as session:
        session.execute(
            sqlalchemy.text("CREATE TABLE receipts_of_the_draw PARTITION OF receipts FOR VALUES FROM (0) TO (10)")
        )
        write_index(session, published, honest, honest.entries if posted is None else posted)
    consent = AuditConsent(address_of(PAYER), OPERATOR, 0, COMMITTED_AT + 10)
    take_consent(maker, DOMAIN, consent, sign(consent.digest(DOMAIN), PAYER), lambda *_: COMMITTED_AT - 60)
    app = FastAPI()

    @app.get("/v1/openings/{lane}/{seq}")
    def answer(request: Request, lane: int, seq: int):
        scene.asked += 1
        signed_at = int(request.headers["x-signed-at"])
        signature = from_hex(request.headers["x-attester-signature"], 65)
        assert recover(asking_digest(lane, seq, signed_at), signature) == address_of(ATTESTER)
        if scene.answer is None:
            raise HTTPException(404, "No exchange is kept for this receipt.")
        return json.loads(scene.answer) if isinstance(scene.answer, bytes) else scene.answer.to_json()

    with served(app) as url:
        operators = Operators({OPERATOR: url}, ATTESTER)
        judge = Judge(DOMAIN, published.library, read_published(published.folder))
        scene = Scene(Draw(maker, seeds, operators, judge, one_in=1), seeds, honest)
        yield scene
        operators.close()
    engine.dispose()


@pytest.fixture
def scene(database_url: str, published: Published) -> Iterator[Scene]:
    yield from open_scene(database_url, published)


def outcomes(scene: Scene) -> list[tuple[int, int, str]]:
    return [(row.batch_id, row.position, row.outcome) for row in scene.draw.findings()]


def test_an_honest_operator_opens_and_the_root_is_signed(scene: Scene) -> None:
    assert dict(scene.honest.entries)[PLAYS] > 700_000
    scene.answer = scene.honest
    scene.draw.require(FINALIZED)
    assert outcomes(scene) == [(1, 0, "held")]
    scene.draw.require(FINALIZED)
    assert scene.asked == 1  # once is enough


def test_a_silent_operator_is_a_finding_after_the_window_and_the_root_is_refused_until_it_opens(scene: Scene) -> None:
    scene.seeds.clock = COMMITTED_AT + 60 + OPENING_WINDOW_SECONDS
    scene.draw.look(FINALIZED)
    assert outcomes(scene) == []  # it still has time
    scene.seeds.clock += 1
    with pytest.raises(WrongRootError, match="Receipt 0 of batch 1 was drawn and is silent: the operator answers 404"):
        scene.draw.require(FINALIZED)
    scene.draw.require(FINALIZED - 1)  # a root that does not pay this batch is none of its business
    scene.answer = scene.honest
    scene.draw.require(FINALIZED)
    assert outcomes(scene) == [(1, 0, "held")]


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        ({"produced": PRODUCED.replace(b"gathered", b"scattered")}, "responseHash"),
        ({"request": REQUEST + b" "}, "requestHash"),
        ({"salt": bytes(32)}, "requestHash, responseHash"),
        ({"entries": (SetEntry(LETTERS, 1_000_000),)}, "attributionHash"),
        ({"parameters": b"tributary attribution parameters 1\n"}, "parameters are not those of the batch"),
    ],
)
def test_an_operator_that_opens_something_else_is_found(scene: Scene, lie: dict[str, object], sentence: str) -> None:
    scene.answer = replace(scene.honest, **lie)
    with pytest.raises(WrongRootError, match=f"is different: .*{sentence}"):
        scene.draw.require(FINALIZED)
    scene.answer = scene.honest  # what was seen stays seen
    with pytest.raises(WrongRootError, match="is different"):
        scene.draw.require(FINALIZED)


def test_a_set_that_the_texts_do_not_give_is_found(database_url: str, published: Published) -> None:
    posted = (SetEntry(PLAYS, 1), SetEntry(LETTERS, 999_999))
    for scene in open_scene(database_url, published, posted):
        receipt = replace(scene.honest.receipt, attribution_hash=attribution_hash(posted))
        scene.answer = replace(scene.honest, receipt=receipt, entries=posted)
        with pytest.raises(WrongRootError, match=r"the texts give the set .*, posted is 7: 1 ppm, 8: 999999 ppm"):
            scene.draw.require(FINALIZED)


def test_an_answer_that_is_no_opening_is_silence(scene: Scene) -> None:
    scene.answer = b'{"format": "tributary opening 1"}'
    with pytest.raises(WrongRootError, match="is silent: this is no opening"):
        scene.draw.require(FINALIZED)


def test_an_attester_without_a_text_can_say_nothing(scene: Scene, published: Published) -> None:
    scene.answer = scene.honest
    empty = replace(scene.draw.judge, published={})
    with pytest.raises(NotFoundError, match="asset 1 "):
        replace(scene.draw, judge=empty).require(FINALIZED)
    assert outcomes(scene) == []


def test_nobody_is_drawn_who_did_not_consent_for_that_time(scene: Scene) -> None:
    stranger = AuditConsent(address_of(key_of("another")), OPERATOR, 0, 2**40 - 1)
    maker = scene.draw.sessions
    take_consent(maker, DOMAIN, stranger, sign(stranger.digest(DOMAIN), key_of("another")), lambda *_: 0)
    late = AuditConsent(address_of(PAYER), OPERATOR, 3, COMMITTED_AT + 10)
    with pytest.raises(MalformedInputError, match="before its operator could heed it"):
        take_consent(maker, DOMAIN, late, sign(late.digest(DOMAIN), PAYER), lambda *_: COMMITTED_AT + 10)
    forged = AuditConsent(address_of(PAYER), OPERATOR, 1, 2)
    with pytest.raises(MalformedInputError, match="not signed by its payer"):
        take_consent(
            maker, DOMAIN, forged, sign(forged.digest(DOMAIN), key_of("another")), scene.draw.operators.deliver
        )
    assert [drawn.digest31 for drawn in scene.draw.look(FINALIZED)] == [scene.honest.receipt.digest(DOMAIN)[:31]]
    assert replace(scene.draw, one_in=2**200).look(FINALIZED) == []


def test_what_began_before_the_operator_had_the_consent_is_not_drawn(scene: Scene) -> None:
    with scene.draw.sessions.begin() as session:
        session.execute(sqlalchemy.text("UPDATE attester_consents SET valid_from = valid_from + 1"))
    assert scene.draw.look(FINALIZED) == []


def test_a_consent_that_the_operator_does_not_take_is_not_kept(scene: Scene) -> None:
    consent = AuditConsent(address_of(PAYER), OPERATOR, 5, 2**40 - 1)
    with pytest.raises(UpstreamUnavailableError, match="does not take the consent"):
        take_consent(
            scene.draw.sessions, DOMAIN, consent, sign(consent.digest(DOMAIN), PAYER), scene.draw.operators.deliver
        )


def test_one_in_a_thousand_is_drawn_whoever_chose_the_commitment() -> None:
    drawn = sum(is_drawn(b"\x5e" * 32, b"\xba" * 32, position) for position in range(200_000))
    assert 140 < drawn < 260
    assert ONE_IN == 1_000
    assert {is_drawn(bytes([n]) * 32, b"\xba" * 32, 0, one_in=2) for n in range(20)} == {True, False}


def test_consents_and_openings_of_another_form_are_refused() -> None:
    signature = "0x" + "11" * 65
    good = {"payer": "0x" + "01" * 20, "operator": "0x" + "02" * 20, "validFrom": 1, "validUntil": 2}
    assert parse_consent({"consent": good, "signature": signature})[0].covers(1)
    for wrong in (
        {}, {"consent": 5}, {"consent": good | {"validUntil": 1}}, {"consent": good | {"validFrom": "1"}},
        {"consent": good | {"validFrom": True}}, {"consent": good | {"payer": None}}, {"consent": good | {"validUntil": 2**40}},
    ):  # fmt: skip
        with pytest.raises(MalformedInputError):
            parse_consent({"signature": signature} | wrong)
    for content in (b"", b"[]", b"{}", b'{"format":"tributary opening 1","receipt":{}}', b"\xff"):
        with pytest.raises(MalformedInputError):
            parse_opening(content)


def test_an_opening_reads_back(published: Published) -> None:
    honest = honest_opening(published)
    assert parse_opening(json.dumps(honest.to_json()).encode()) == honest
    assert honest.faults(honest.receipt.digest(DOMAIN)[:31], DOMAIN) == []
    assert honest.faults(bytes(31), DOMAIN) == ["digest"]
    assert to_hex(SALT) in json.dumps(honest.to_json())
