"""From a payer's consent to a root on chain, or to none: every stage real, every receipt drawn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ledger.attribution.following import FollowedLibrary
from ledger.attribution.standard import standard_method
from ledger.protocol.attribution import SetEntry, params_hash
from ledger.protocol.hexadecimal import to_hex
from serving.inference.attribution import AnsweredText, Attributed
from serving.inference.library import LibraryAttributor
from settlement.states import State
from tests.e2e.draw_world import Customer, DrawWorld, customer, draw_world
from tests.factories.serving_world import RunningGateway, running
from tributary.postgres import PostgresServer

pytestmark = pytest.mark.e2e

PROMPT, OTHER_PROMPT = "My dear Mr. Bennet", "It is a truth universally acknowledged"


class Flatterer(LibraryAttributor):
    """Knows better, and gives the author one millionth."""

    async def attribute(self, answered: AnsweredText) -> Attributed:
        honest = await super().attribute(answered)
        (entry,) = honest.entries
        return honest._replace(entries=(SetEntry(0, 999_999), SetEntry(entry.asset_id, 1)))


@pytest.fixture
def world(tmp_path: Path, postgres_server: PostgresServer, migrated_template: str) -> Iterator[DrawWorld]:
    names = ("drawn_operator", "drawn_attester_0", "drawn_attester_1")
    operator, *indexes = (postgres_server.create_database(name, migrated_template) for name in names)
    with draw_world(tmp_path, operator, indexes) as world:
        yield world
    for name in names:
        postgres_server.drop_database(name)


def test_a_root_waits_for_every_drawn_receipt_and_none_pays_for_a_false_set(world: DrawWorld, tmp_path: Path) -> None:
    world.serving.deposit("drawn payer", 10**9)
    with running(world.settings()) as gateway:
        world.front.upstream = gateway.url
        payer = customer(world, gateway, "drawn payer")
        wait_until(gateway, world.consent("drawn payer"), world)
        kept = [payer.ask(PROMPT)]
        later = add_dataset(world, tmp_path / "letters", gateway)
        kept.append(payer.ask(PROMPT))
        assert [envelope["set"] for envelope in kept] == [[{"assetId": world.novel, "ppm": 1_000_000}]] * 2
        listings = [named(gateway, envelope["attributionParamsHash"]) for envelope in kept]
        assert [f"dataset {later} " in listing for listing in listings] == [False, True]
        world.post_and_finalize()
        assert world.flow.ledger.batch_count("latest") == 2  # one for each listing

        world.front.change = refuse
        ((state, reason),) = world.settle()
        assert state == State.REFUSED
        assert "Receipt 0 of batch 1 was drawn and is silent: the operator does not answer" in str(reason)
        assert world.roots() == 0
        assert [outcomes(shown) for shown in world.draws()] == [[(2, 0, "silent"), (1, 0, "silent")]] * 2

        world.front.change = pass_on
        ((state, _),) = world.settle()
        assert state == State.SUBMITTED
        assert world.roots() == 1
        assert [outcomes(shown) for shown in world.draws()] == [[(2, 0, "held"), (1, 0, "held")]] * 2

    flatterer = Flatterer(FollowedLibrary(world.library, standard_method()), lambda _: None)
    with running(world.settings(), flatterer) as gateway:
        world.front.upstream = gateway.url
        Customer(gateway, payer.key).ask(OTHER_PROMPT)
        world.post_and_finalize()
        for _ in range(2):  # what was seen stays seen
            touched = world.settle()
            assert (State.REFUSED, True) in [
                (state, "is different: the texts give" in str(said)) for state, said in touched
            ]
        assert world.roots() == 1
        for shown in world.draws():
            assert outcomes(shown) == [(3, 0, "different"), (2, 0, "held"), (1, 0, "held")]
            assert shown[0]["reason"].endswith(f"posted is 0: 999999 ppm, {world.novel}: 1 ppm")


def add_dataset(world: DrawWorld, folder: Path, gateway: RunningGateway) -> int:
    """Registers one more dataset and adds it to the library; its assetId, once the running gateway has taken it up."""
    folder.mkdir()
    (folder / "text.txt").write_text("My obstinate grandmother embroidered improbable constellations.")
    asset_id = world.register_dataset(folder)
    world.add_dataset(asset_id, folder)
    library = FollowedLibrary(world.library, standard_method()).current
    expected = to_hex(params_hash(library.method.parameters, library.corpus))
    until(lambda: httpx.get(f"{gateway.url}/v1/attribution").json()["parametersHash"] == expected)
    return asset_id


def named(gateway: RunningGateway, params_hash: str) -> str:
    listing: str = httpx.get(f"{gateway.url}/v1/attribution/{params_hash}").json()["parameters"]
    return listing


def outcomes(shown: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [(each["batch_id"], each["position"], each["outcome"]) for each in shown]


def wait_until(gateway: RunningGateway, second: int, world: DrawWorld) -> None:
    """Move the chains' clock there, and the gateway's with it."""
    world.flow.devnet.advance(max(1, second - world.flow.devnet.now()))
    until(lambda: gateway.gateway.clock.now() >= second)


def until(fulfilled: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not fulfilled():
        assert time.monotonic() < deadline, "it never came to it"
        time.sleep(0.05)


def refuse(path: str, _body: bytes, answer: bytes) -> bytes | None:
    return None if path.startswith("/v1/openings/") else answer


def pass_on(_path: str, _body: bytes, answer: bytes) -> bytes:
    return answer
