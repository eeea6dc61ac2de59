"""A gateway's library of datasets grows while it answers: every set by one listing, each listing one stretch of the lane."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import psycopg
import pytest

from ledger.attribution.library import Library, RegisteredDataset
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.attribution.texts import folder_hash
from ledger.chain.structs import Kind
from ledger.errors import SettingsError
from ledger.protocol.attribution import METHOD_WORD, params_hash
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256
from tests.factories.open_adapter import register_open_adapter
from tests.factories.serving_world import RunningGateway, ServingWorld, buy_key, register, running

pytestmark = pytest.mark.e2e

METHOD = standard_method()
ASKERS = 6


class Shelf:
    """A library of datasets that are registered on the test's chain."""

    def __init__(self, world: ServingWorld, folder: Path) -> None:
        self.world, self.folder = world, folder
        Library.create(folder / "library", METHOD, BACKGROUND)

    @property
    def path(self) -> Path:
        return self.folder / "library"

    def add(self, words: str, asset_id: int | None = None) -> bytes:
        """Adds a dataset of these words, registered now unless it has a number; the listing's hash with it."""
        source = self.folder / f"source-{keccak256(words.encode()).hex()}"
        source.mkdir()
        (source / "text.txt").write_text(words)
        content = folder_hash(source)
        number = asset_id or register(self.world.flow, content, Kind.DATASET, ())
        held = Library.open(self.path, METHOD).adding([RegisteredDataset(number, content, source)])
        return params_hash(METHOD.parameters, held.corpus)


@pytest.fixture
def shelf(own_models: ServingWorld, tmp_path: Path) -> Shelf:
    """A library of one dataset; and the shipped adapter under terms of mode `operator`."""
    register_open_adapter(own_models, f"for a library {tmp_path}")
    shelf = Shelf(own_models, tmp_path)
    shelf.add(f"Quixotic lamplighters gathered beneath the crumbling aqueduct of {tmp_path.name}.")
    return shelf


def test_datasets_are_taken_up_between_two_answers_however_many_are_on_their_way(
    shelf: Shelf, database_url: str, tmp_path: Path
) -> None:
    payer = shelf.world.deposit(f"reader {tmp_path.name}", 10**9)
    with running(shelf.world.settings(database_url, lane=1, attribution_dir=shelf.path)) as gateway:
        key, enough = buy_key(gateway.url, shelf.world, payer, 10**9), Event()
        listings = [current(gateway)]
        with ThreadPoolExecutor(ASKERS) as pool:
            asked = [pool.submit(ask_until, gateway, key, enough, stream=number % 2 == 0) for number in range(ASKERS)]
            try:
                for words in ("Improbable constellations upon tablecloths", "Nine trombonists rehearsed at daybreak"):
                    listings.append(shelf.add(f"{words} of {tmp_path.name}."))
                    until(lambda: current(gateway) == listings[-1])
                    wait_for_more(database_url, 12)
            finally:
                enough.set()
            envelopes = [envelope for each in asked for envelope in each.result()]
        lane = rows(database_url)
        known = {httpx.get(f"{gateway.url}/v1/attribution/{to_hex(one)}").status_code for one in listings}
    assert known == {200}
    assert {method for _, method, _ in lane} == {METHOD_WORD}
    assert [listing for listing, _ in groupby(made_by for _, _, made_by in lane)] == listings
    by_seq = {seq: made_by for seq, _, made_by in lane}
    assert len(envelopes) > 24
    for envelope in envelopes:
        assert from_hex(envelope["attributionParamsHash"], 32) == by_seq[envelope["receipt"]["seq"]]


def test_a_dataset_that_is_not_registered_is_not_taken_up_and_no_gateway_begins_with_it(
    shelf: Shelf, database_url: str, tmp_path: Path
) -> None:
    settings = shelf.world.settings(database_url, lane=1, attribution_dir=shelf.path)
    with running(settings) as gateway:
        before = current(gateway)
        shelf.add(f"Nobody registered these obstinate words of {tmp_path.name}.", asset_id=4_000_000)
        attributor: Any = gateway.gateway.attributor
        until(lambda: "4000000" in attributor._refused)
        assert current(gateway) == before
        assert httpx.get(f"{gateway.url}/ready").status_code == 200
    with pytest.raises(SettingsError, match="dataset 4000000, which is not registered as that"), running(settings):
        pass


def ask_until(gateway: RunningGateway, key: str, enough: Event, *, stream: bool) -> list[dict[str, Any]]:
    """Asks one time after the other; the envelopes that came."""
    found = []
    with gateway.client(key) as http:
        while not enough.is_set():
            asked = {"model": "quill:austen", "prompt": "My dear", "max_tokens": 6, "stream": stream}
            answer = http.post("/v1/completions", json=asked)
            assert answer.status_code == 200, answer.text
            if stream:
                (comment,) = [part for part in answer.text.split("\n\n") if part.startswith(": receipt ")]
                found.append(json.loads(comment.removeprefix(": receipt ")))
            else:
                found.append(answer.json()["receipt"])
    return found


def current(gateway: RunningGateway) -> bytes:
    return from_hex(httpx.get(f"{gateway.url}/v1/attribution").json()["parametersHash"], 32)


def rows(database_url: str) -> list[tuple[int, bytes, bytes]]:
    """(seq, method, parameters' hash) of the lane, in its order."""
    statement = "SELECT seq, attribution_method, attribution_params_hash FROM issued_receipts ORDER BY seq"
    with psycopg.connect(database_url) as connection:
        return [(seq, bytes(method), bytes(made_by)) for seq, method, made_by in connection.execute(statement)]


def wait_for_more(database_url: str, count: int) -> None:
    have = len(rows(database_url))
    until(lambda: len(rows(database_url)) >= have + count)


def until(fulfilled: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not fulfilled():
        assert time.monotonic() < deadline, "it never came to it"
        time.sleep(0.05)
