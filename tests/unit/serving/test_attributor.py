"""The gateway's attributor: the same set as anybody makes from the bytes, and evidence that accuses nobody wrongly."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from ledger.attribution.standard import standard_method
from ledger.chain.structs import AttributionMode, Kind
from ledger.protocol.attribution import CorpusEntry, Prior, Scan, TextFile, attribute
from ledger.protocol.attribution.transcript import NO_TEXTS, listed_corpus, texts_of
from ledger.protocol.keccak import keccak256
from serving.catalogue.local import LocalModel
from serving.catalogue.served import PinnedModel
from serving.inference.attribution import AnsweredText, TextAttributor
from serving.inference.call import Endpoint, parse_call
from serving.inference.choices import WholeChoices
from serving.inference.frames import Frames
from serving.onchain.reader import PublishedPrice

pytestmark = pytest.mark.unit

METHOD = standard_method()
TEXTS = {
    1: "Quixotic lamplighters gathered beneath the crumbling aqueduct while seventeen cartographers argued.",
    2: "My obstinate grandmother embroidered improbable constellations upon threadbare tablecloths.",
    3: "Nine melancholy trombonists rehearsed underneath the abandoned observatory until daybreak.",
}
CORPUS = [CorpusEntry(asset_id, keccak256(text.encode())) for asset_id, text in TEXTS.items()]
FINDER = Scan([TextFile(asset_id, "text.txt", text.encode()) for asset_id, text in TEXTS.items()], METHOD)
ATTRIBUTOR = TextAttributor(FINDER, CORPUS, METHOD)
SAID = " Indeed: ".join(TEXTS.values())


def model(tmp_path, admitted: frozenset[int], licensed: frozenset[int]) -> PinnedModel:
    local = LocalModel("m", Kind.ADAPTER, tmp_path, bytes(32), "Apache-2.0")
    prior = Prior.flat({1: 500_000, 2: 500_000})
    return PinnedModel(local, 9, PublishedPrice(1, 1), AttributionMode.OPERATOR, admitted, licensed, prior)


@pytest.mark.parametrize("endpoint", [Endpoint.CHAT, Endpoint.COMPLETION])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_makes_the_same_set_from_the_bytes(tmp_path, endpoint: Endpoint, streamed: bool) -> None:
    asked = "Tell me of trombonists."
    fields = (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": asked}]}]}
        if endpoint is Endpoint.CHAT
        else {"prompt": [asked, "And more?"]}
    )
    body = json.dumps({"model": "m", **fields}).encode()
    call, choices, frames = parse_call(endpoint, body), WholeChoices(endpoint), Frames(endpoint, "1", "m")
    pieces = [SAID[at : at + 7] for at in range(0, len(SAID), 7)]
    produced = b""
    for piece in pieces:
        for index in (1, 0):
            text = {"delta": {"content": piece}} if endpoint is Endpoint.CHAT else {"text": piece}
            choice = {"index": index, "logprobs": None, "finish_reason": None, **text}
            choices.add([choice])
            produced += frames.chunk([choice])
    if streamed:
        produced = frames.opening(0) + frames.opening(1) + produced + b"data: [DONE]\n\n"
    else:
        produced = frames.body(choices.choices(), {})
    pinned = model(tmp_path, frozenset({1, 2}), frozenset({1, 2}))
    found = asyncio.run(ATTRIBUTOR.attribute(AnsweredText(pinned, call, choices.texts())))
    texts = texts_of(body, produced)
    assert texts.answers == (SAID, SAID)
    mine = attribute(texts, FINDER, pinned.admitted, pinned.prior, METHOD)
    assert found.entries == mine.entries != ()
    assert found.made_by.params_hash == keccak256(ATTRIBUTOR.parameters)
    assert listed_corpus(ATTRIBUTOR.parameters) == tuple(CORPUS)


def test_words_of_a_dataset_that_the_asset_descends_from_are_no_evidence(tmp_path) -> None:
    call = parse_call(Endpoint.CHAT, json.dumps({"model": "m", "messages": []}).encode())
    for licensed, accused in ((frozenset({1}), {2, 3}), (frozenset({1, 3}), {2}), (frozenset({1, 2, 3}), set())):
        pinned = model(tmp_path, frozenset({1}), licensed)
        found = asyncio.run(ATTRIBUTOR.attribute(AnsweredText(pinned, call, (SAID,))))
        assert {use.dataset_id for use in found.unlicensed} == accused
        for use in found.unlicensed:
            assert (use.path, use.byte_offset) == ("text.txt", 0)
            assert use.words > 5
            assert use.millibits > 56_000


def test_a_dataset_that_was_registered_after_the_asset_accuses_it_of_nothing(tmp_path) -> None:
    call = parse_call(Endpoint.CHAT, json.dumps({"model": "m", "messages": []}).encode())
    pinned = replace(model(tmp_path, frozenset({1}), frozenset({1})), asset_id=3)
    found = asyncio.run(ATTRIBUTOR.attribute(AnsweredText(pinned, call, (SAID,))))
    assert {use.dataset_id for use in found.unlicensed} == {2}


def test_a_prompt_of_token_ids_and_an_answer_of_no_words_have_no_texts(tmp_path) -> None:
    pinned = model(tmp_path, frozenset({1}), frozenset({1}))
    for fields, answers in (({"prompt": [1, 2, 3]}, (SAID,)), ({"prompt": [[1]]}, (SAID,)), ({"prompt": "x"}, ("",))):
        body = json.dumps({"model": "m", **fields}).encode()
        found = asyncio.run(ATTRIBUTOR.attribute(AnsweredText(pinned, parse_call(Endpoint.COMPLETION, body), answers)))
        assert found.entries == ()
        produced = json.dumps({"choices": [{"index": 0, "text": answers[0]}]}).encode()
        assert texts_of(body, produced) == NO_TEXTS
