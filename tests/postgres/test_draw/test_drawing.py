"""The draw between an attester with a real index and an operator on a real socket: honest, lying, silent."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import sqlalchemy

from ledger.attribution.part import finder_among
from ledger.attribution.standard import standard_method
from ledger.errors import (
    MalformedInputError,
    NotFoundError,
    NotYetFinalError,
    UpstreamUnavailableError,
    WrongRootError,
)
from ledger.protocol.attribution import SetEntry, Texts, attribute, attribution_hash, parameters_listing
from ledger.protocol.consent import AuditConsent, parse_consent
from ledger.protocol.draw import ONE_IN, OPENING_WINDOW_SECONDS, is_drawn
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.opening import parse_opening
from ledger.protocol.signature import address_of, sign
from settlement.draw.consents import take_consent
from tests.factories.draw_scene import (
    COMMITTED_AT,
    DOMAIN,
    FINALIZED,
    LETTERS,
    OPERATOR,
    PAYER,
    PLAYS,
    PRODUCED,
    REQUEST,
    SAID,
    SALT,
    TEXTS,
    Published,
    Scene,
    honest_opening,
    open_scene,
    outcomes,
)
from tests.factories.operator_flow import key_of

pytestmark = pytest.mark.postgres


def test_an_honest_operator_opens_and_the_root_is_signed(scene: Scene) -> None:
    assert dict(scene.honest.entries)[PLAYS] > 700_000
    scene.answer = scene.honest
    scene.draw.require(FINALIZED)
    assert outcomes(scene) == [(1, 0, "held")]
    scene.draw.require(FINALIZED)
    assert scene.asked == 1  # once is enough


def test_a_dataset_that_the_operator_leaves_out_is_named_where_its_owner_can_see_it(
    database_url: str, published: Published
) -> None:
    """The set is right by the operator's listing, so nothing is refused."""
    honest, corpus = honest_opening(published), published.library.corpus[1:]
    finder, texts = finder_among(published.library, corpus), Texts((SAID,), ("Who gathered?",))
    entries = attribute(texts, finder, TEXTS, published.prior, standard_method()).entries
    listing = parameters_listing(published.library.method.parameters, corpus)
    receipt = replace(honest.receipt, attribution_hash=attribution_hash(entries))
    assert entries != honest.entries
    for scene in open_scene(database_url, published, entries, listing):
        scene.answer = replace(honest, receipt=receipt, entries=entries, parameters=listing)
        scene.draw.require(FINALIZED)
        (finding,) = scene.draw.findings()
        assert finding.outcome == "held"
        assert finding.reason.endswith(f"not matched though the terms admit them: datasets {PLAYS}")


def test_a_silent_operator_is_a_finding_after_the_window_and_the_root_is_refused_until_it_opens(scene: Scene) -> None:
    scene.seeds.clock = COMMITTED_AT + 60 + OPENING_WINDOW_SECONDS
    scene.draw.look(FINALIZED)
    assert outcomes(scene) == []  # it still has time
    with pytest.raises(NotYetFinalError, match="Receipt 0 of batch 1 was drawn and is not opened yet"):
        scene.draw.require(FINALIZED)
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
