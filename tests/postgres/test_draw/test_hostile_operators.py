"""What an operator answers to hold up, mislead or end an attester, and what an attester lacks."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy

from ledger.attribution.following import FollowedLibrary
from ledger.attribution.library import Library, RegisteredDataset
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.errors import (
    NotFoundError,
    NotYetFinalError,
    WrongRootError,
)
from ledger.protocol.attribution import (
    CorpusEntry,
    parameters_listing,
)
from ledger.protocol.opening import Opening
from settlement.draw import checking
from settlement.draw import operators as operators_module
from settlement.draw.drawing import Drawn, Registry
from settlement.draw.judging import Judge
from settlement.draw.operators import Operators
from tests.factories.draw_scene import (
    ADAPTER,
    ATTESTER,
    FINALIZED,
    LETTERS,
    TEXTS,
    Published,
    Scene,
    honest_opening,
    open_scene,
    outcomes,
)

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b'{"format": "\\u0000"}', "its format is not"),
        (b'{"format":"tributary opening 1","receipt":"\\u0000"}', "this is no opening"),
        (b"[" * 10_000_000, "this is no opening"),
        (b'{"format":' * 2_000_000, "this is no opening"),
        (b'"' + b"\xff" * 2_000 + b'"', "this is no opening"),
    ],
    ids=["control characters", "a word", "depth", "objects in objects", "bytes"],
)
def test_whatever_an_operator_answers_is_silence_and_a_finding_that_can_be_read(
    scene: Scene, answer: bytes, sentence: str
) -> None:
    scene.answer = answer
    with pytest.raises(WrongRootError, match=f"is silent: .*{sentence}"):
        scene.draw.require(FINALIZED)
    (finding,) = scene.draw.findings()
    assert finding.reason.isprintable()
    assert len(finding.reason) <= 1_000


def test_what_a_refusing_operator_says_is_shown_without_what_no_column_takes(scene: Scene) -> None:
    scene.refusal = b"go\0away\n\xff"
    with pytest.raises(WrongRootError, match=r"is silent: the operator answers 404: go\ufffdaway"):
        scene.draw.require(FINALIZED)


@pytest.mark.parametrize("number", ["7.0", "true", '"7"', "null", "1e400"])
def test_a_set_of_other_numbers_than_integers_is_no_opening(scene: Scene, number: str) -> None:
    document = scene.honest.to_json()
    first = document["set"][0]["assetId"]
    scene.answer = json.dumps(document).replace(f'"assetId": {first},', f'"assetId": {number},').encode()
    with pytest.raises(WrongRootError, match="is silent: this is no opening"):
        scene.draw.require(FINALIZED)


def test_an_opening_that_is_too_large_is_none_and_never_held_in_memory(scene: Scene) -> None:
    scene.answer = without_end(b"x" * 2**20, 0.0)
    with pytest.raises(WrongRootError, match="is silent: the opening is larger than an attester reads"):
        scene.draw.require(FINALIZED)


def test_an_opening_that_trickles_is_none(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two minutes are too long for a test, so that bound alone is another; the operator trickles for as long as it takes.
    monkeypatch.setattr(operators_module, "_SECONDS_TO_END", 0.2)
    scene.answer = without_end(b" ", 0.01)
    with pytest.raises(WrongRootError, match=r"is silent: the operator does not answer \(no whole answer within"):
        scene.draw.require(FINALIZED)


def test_an_operator_that_is_away_is_not_waited_for_by_every_receipt(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one operator with enough drawn receipts keeps an attester from all roots."""
    (one,) = scene.draw.look(FINALIZED)
    others = [replace(one, position=n, digest31=bytes([n]) * 31) for n in range(1, 9)]
    # Eight more drawn receipts than the index has, and a patience of less than 20 seconds; the operator is truly mute.
    monkeypatch.setattr(checking, "drawn_receipts", lambda *_: iter([*others, one]))
    monkeypatch.setattr(operators_module, "_SECONDS_TO_ANSWER", 0.5)
    with socket.create_server(("127.0.0.1", 0), backlog=100) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        draw = replace(scene.draw, operators=Operators({one.operator: url}, ATTESTER, lambda: int(time.time())))
        began = time.monotonic()
        assert len(draw.look(FINALIZED)) == 9
        assert time.monotonic() - began < 0.5 * 9
    assert {row.outcome for row in draw.findings()} == {"silent"}
    assert len(draw.findings()) == 9


@pytest.mark.parametrize(
    ("asset_id", "content"), [(99, b"\x01" * 32), (LETTERS, b"\x01" * 32), (ADAPTER, None)],
    ids=["unknown", "another content", "no dataset"],
)  # fmt: skip
def test_a_listing_of_what_is_not_registered_is_found_and_not_taken_for_a_text_that_is_missing(
    database_url: str, published: Published, asset_id: int, content: bytes | None
) -> None:
    honest = honest_opening(published)
    corpus = {entry.asset_id: entry for entry in published.library.corpus}
    corpus[asset_id] = CorpusEntry(asset_id, content or published.hashes[ADAPTER])
    listing = parameters_listing(published.library.method.parameters, [corpus[a] for a in sorted(corpus)])
    for scene in open_scene(database_url, published, listing=listing):
        scene.answer = replace(honest, parameters=listing)
        with pytest.raises(WrongRootError, match=f"is different: the parameters list dataset {asset_id}, which is not"):
            scene.draw.require(FINALIZED)


def test_a_text_that_the_attester_gets_later_is_taken_up(
    database_url: str, published: Published, tmp_path: Path
) -> None:
    for scene in open_scene(database_url, published):
        scene.answer = scene.honest
        folders = {asset_id: published.folder / f"dataset-{asset_id}" for asset_id in TEXTS}
        registered = [RegisteredDataset(a, published.hashes[a], folders[a]) for a in TEXTS]
        held = Library.create(tmp_path / "library", standard_method(), BACKGROUND).adding(registered[:1])
        judge = replace(scene.draw.judge, library=FollowedLibrary(tmp_path / "library", standard_method()))
        draw = replace(scene.draw, judge=judge)
        with pytest.raises(NotFoundError, match="dataset 8, which the library lacks"):
            draw.require(FINALIZED)
        held.adding(registered[1:])
        draw.require(FINALIZED)
        assert outcomes(scene) == [(1, 0, "held")]


def test_an_attester_whose_l1_is_behind_signs_nothing_that_may_have_been_drawn(scene: Scene) -> None:
    scene.seeds.known = False
    with pytest.raises(NotYetFinalError, match="L1 node has not finalised"):
        scene.draw.require(FINALIZED)
    scene.draw.require(FINALIZED - 1)
    assert scene.draw.look(FINALIZED) == []


def test_one_that_can_t_be_decided_does_not_keep_the_others_waiting(scene: Scene) -> None:
    scene.answer = scene.honest
    with scene.draw.sessions.begin() as session:
        session.execute(sqlalchemy.text("UPDATE receipts SET position = 1"))
        session.execute(sqlalchemy.text(_BEFORE_IT))
    judge = scene.draw.judge
    with pytest.raises(NotFoundError, match="a text is missing"):
        replace(scene.draw, judge=Hesitant(judge.domain, judge.library, judge.published)).look(FINALIZED)
    assert outcomes(scene) == [(1, 1, "held")]


async def without_end(part: bytes, pause_seconds: float) -> AsyncIterator[bytes]:
    while True:
        yield part
        await asyncio.sleep(pause_seconds)  # where the server learns that nobody listens any more


class Hesitant(Judge):
    """Lacks a text for the first receipt of a batch."""

    def fault(self, drawn: Drawn, opening: Opening, registry: Registry) -> str | None:
        if drawn.position == 0:
            raise NotFoundError("a text is missing")
        return super().fault(drawn, opening, registry)


_BEFORE_IT = """
    INSERT INTO receipts (batch_id, fill, position, seq, digest31, payer, asset_id, asset_version, set_position, fee_units,
                          cumulative_fee_units, input_units, output_units, started_at)
    SELECT batch_id, fill, 0, seq + 1, decode(repeat('07', 31), 'hex'), payer, asset_id, asset_version, set_position,
           fee_units, cumulative_fee_units, input_units, output_units, started_at FROM receipts
"""
