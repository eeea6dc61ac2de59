"""The draw between an attester with a real index and an operator on a real socket."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import insert
from sqlalchemy.orm import Session

from ledger.attribution.following import FollowedLibrary
from ledger.attribution.library import Library, RegisteredDataset
from ledger.attribution.published import read_published
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.db.models.indexer_batches import Batch
from ledger.db.models.indexer_receipts import AttributionSet as SetRow
from ledger.db.models.indexer_receipts import Receipt as ReceiptRow
from ledger.db.models.indexer_registry import AdmittedDataset, Asset, Terms
from ledger.db.session import open_engine, sessions
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
from ledger.protocol.consent import AuditConsent
from ledger.protocol.content import ContentFile, content_hash
from ledger.protocol.domain import Domain
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.opening import Opening, asking_digest
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
        self.clock, self.known = COMMITTED_AT + 7 * 86_400, True

    def now(self) -> int:
        return self.clock

    def after(self, committed_at: int) -> Seed | None:
        return Seed(99, committed_at + 60, b"\x5e" * 32) if self.known else None


@dataclass
class Scene:
    """The attester's draw, and the operator's answer to it."""

    draw: Draw
    seeds: OneSeed
    honest: Opening
    answer: Opening | bytes | AsyncIterator[bytes] | None = None
    """None: it refuses; what is iterated over is sent part by part."""
    refusal: bytes = b"No exchange is kept for this receipt."
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


def publish(folder: Path) -> Published:
    """Two datasets and an adapter with a prior, in folders, and a library of the datasets."""
    hashes: dict[int, bytes] = {}
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


def open_scene(
    database_url: str,
    published: Published,
    posted: tuple[SetEntry, ...] | None = None,
    listing: bytes | None = None,
) -> Iterator[Scene]:
    """An attester whose index has one receipt of a consenting payer; every receipt is drawn.

    Its batch has the honest set and listing, or those that are given.
    """
    engine = open_engine(database_url)
    maker, seeds, honest = sessions(engine), OneSeed(), honest_opening(published)
    with maker.begin() as session:
        session.execute(
            sqlalchemy.text("CREATE TABLE receipts_of_the_draw PARTITION OF receipts FOR VALUES FROM (0) TO (10)")
        )
        committed = honest if listing is None else replace(honest, parameters=listing)
        write_index(session, published, committed, honest.entries if posted is None else posted)
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
            return Response(scene.refusal, 404)
        if isinstance(scene.answer, Opening):
            return scene.answer.to_json()
        return Response(scene.answer) if isinstance(scene.answer, bytes) else StreamingResponse(scene.answer)

    with served(app) as url:
        operators = Operators({OPERATOR: url}, ATTESTER, lambda: int(time.time()))
        judge = Judge(
            DOMAIN, FollowedLibrary(published.library.folder, standard_method()), read_published(published.folder)
        )
        scene = Scene(Draw(maker, seeds, operators, judge, one_in=1), seeds, honest)
        yield scene
    engine.dispose()


def outcomes(scene: Scene) -> list[tuple[int, int, str]]:
    return [(row.batch_id, row.position, row.outcome) for row in scene.draw.findings()]
