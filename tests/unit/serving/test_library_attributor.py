"""A gateway's library changes at one point of the lane, whatever is being looked through meanwhile."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from batcher.cutting import Limits, MadeBy, Waiting, cut
from ledger.attribution.following import FollowedLibrary
from ledger.attribution.library import Library
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.chain.structs import AttributionMode, Kind
from ledger.errors import RpcUnavailableError, SettingsError
from ledger.protocol.attribution import CorpusEntry
from ledger.protocol.attribution.transcript import listed_corpus
from ledger.protocol.keccak import keccak256
from serving.catalogue.local import LocalModel
from serving.catalogue.served import PinnedModel
from serving.inference.attribution import AnsweredText, Attributed, TextAttributor
from serving.inference.call import Endpoint, parse_call
from serving.inference.library import LibraryAttributor
from serving.onchain.reader import PublishedPrice
from tests.factories.datasets import dataset

pytestmark = pytest.mark.unit

METHOD = standard_method()
SAID = "Quixotic lamplighters gathered beneath the crumbling aqueduct while seventeen cartographers argued."
LATER = "My obstinate grandmother embroidered improbable constellations upon threadbare tablecloths."


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library.create(tmp_path / "library", METHOD, BACKGROUND).adding([dataset(tmp_path, 1, SAID)])


def answered(tmp_path: Path, text: str = SAID) -> AnsweredText:
    local = LocalModel("m", Kind.ADAPTER, tmp_path, bytes(32), "Apache-2.0")
    admitted = frozenset({1, 2})
    model = PinnedModel(local, 9, PublishedPrice(1, 1), AttributionMode.OPERATOR, admitted, admitted)
    return AnsweredText(model, parse_call(Endpoint.CHAT, json.dumps({"model": "m", "messages": []}).encode()), (text,))


def attributor_over(folder: Path, refusal: list[Exception] | None = None) -> LibraryAttributor:
    def check(_datasets: Sequence[CorpusEntry]) -> None:
        if refusal:
            raise refusal[0]

    return LibraryAttributor(FollowedLibrary(folder, METHOD), check)


def test_a_new_dataset_counts_from_the_next_answer_on_and_both_listings_can_be_had(
    tmp_path: Path, library: Library
) -> None:
    async def story() -> None:
        attributor = attributor_over(library.folder)
        before = await attributor.attribute(answered(tmp_path, LATER))
        await attributor.look()
        assert attributor.parameters() == before.parameters
        library.adding([dataset(tmp_path, 2, LATER)])
        assert await attributor.attribute(answered(tmp_path, LATER)) == before
        await attributor.look()
        after = await attributor.attribute(answered(tmp_path, LATER))
        assert (before.entries, [entry.asset_id for entry in after.entries]) == ((), [2])
        for made, datasets in ((before, [1]), (after, [1, 2])):
            listing = attributor.listing(made.made_by.params_hash)
            assert listing == made.parameters
            assert keccak256(made.parameters or b"") == made.made_by.params_hash
            assert [entry.asset_id for entry in listed_corpus(made.parameters or b"")] == datasets
        assert attributor.parameters() == after.parameters
        assert attributor.listing(bytes(32)) is None

    asyncio.run(story())


@pytest.mark.parametrize("error", [SettingsError("dataset 2 is not registered."), RpcUnavailableError("No L2 node.")])
def test_a_library_that_may_not_be_used_changes_nothing_until_it_may(
    tmp_path: Path, library: Library, error: Exception
) -> None:
    async def story() -> list[Any]:
        refusal: list[Exception] = []
        attributor = attributor_over(library.folder, refusal)
        before = attributor.parameters()
        library.adding([dataset(tmp_path, 2, LATER)])
        refusal.append(error)
        with capture_logs() as logs:
            for _ in range(3):
                await attributor.look()
                assert attributor.parameters() == before
        refusal.clear()
        await attributor.look()
        assert attributor.parameters() != before
        return logs

    assert [entry["event"] for entry in asyncio.run(story())] == ["library_not_taken_up"]  # said once


def test_the_change_is_one_point_of_the_lane_and_no_batch_has_sets_of_both(
    tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers are looked through in threads for any length of time; they go into the lane in the order of their ends."""
    honest, rng, turn = TextAttributor._attribute, random.Random(4), threading.Lock()

    def slow(self: TextAttributor, asked: AnsweredText) -> Attributed:
        with turn:
            pause = rng.uniform(0, 0.02)
        threading.Event().wait(pause)
        return honest(self, asked)

    # The search itself is the real one; only the time that it takes on a busy machine is drawn.
    monkeypatch.setattr(TextAttributor, "_attribute", slow)

    async def story() -> list[Waiting]:
        attributor, lane, made = attributor_over(library.folder), list[Waiting](), asyncio.Event()

        async def one() -> None:
            found = await attributor.attribute(answered(tmp_path))
            # As the gateway does: no wait between the set and its place in the lane.
            lane.append(Waiting(b"p", 1, 0, found.entries, MadeBy(*found.made_by)))
            made.set()

        async def traffic() -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(150):
                    group.create_task(one())
                    await asyncio.sleep(0.001)

        running, held = asyncio.create_task(traffic()), library
        for asset_id in (2, 3):
            made.clear()
            await made.wait()  # some answer is of each library
            held = held.adding([dataset(tmp_path, asset_id, f"{LATER} {asset_id}")])
            await attributor.look()
        await running
        return lane

    lane = asyncio.run(story())
    runs = [len(list(run)) for _, run in groupby(waiting.made_by for waiting in lane)]
    assert len(lane) == sum(runs) == 150
    assert len(runs) == 3
    taken = []
    while lane:
        count = cut(lane, Limits())
        assert len({waiting.made_by for waiting in lane[:count]}) == 1
        taken.append(count)
        lane = lane[count:]
    assert taken == runs
