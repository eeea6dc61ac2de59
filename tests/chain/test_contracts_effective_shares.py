"""The registry divides royalties as the protocol's own arithmetic does: terms drawn at random, compared share by share."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import pytest
from coincurve import PrivateKey

from ledger.chain.blocks import block_at
from ledger.chain.contracts.attribution_registry import AttributionRegistry
from ledger.chain.events.attribution_registry import TermsRegistered
from ledger.chain.logs import LogDecoder, fetch_logs
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.chain.structs import AttributionMode, Kind, Parent, Share, Terms
from ledger.chain.transaction import Call
from ledger.errors import ContractRevertedError
from ledger.protocol import entitlement
from ledger.protocol.domain import address_word, word
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import PPM
from tests.factories.operator_flow import execute
from tributary.contracts_build import artifacts
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

ASSETS = 14
SEED = 20_261_120
PAYEES = [keccak256(b"payee", word(n))[:20] for n in range(9)]


@dataclass
class Registrar:
    """Sends to a registry of its own."""

    devnet: Devnet
    sender: Sender
    registry: AttributionRegistry

    def send(self, call: Call) -> None:
        execute(self.devnet, self.sender, call)

    def register_all(self, drawn: list[Terms]) -> None:
        """Commits all, waits once, reveals in order."""
        hashes = [keccak256(b"content", word(n)) for n in range(len(drawn))]
        for content_hash in hashes:
            parts = (address_word(self.sender.address), word(Kind.MODEL), content_hash, bytes(32))
            self.send(self.registry.commit(keccak256(*parts)))
        self.devnet.advance(61)
        for content_hash, terms in zip(hashes, drawn, strict=True):
            self.send(self.registry.register(Kind.MODEL, content_hash, bytes(32), "", terms))


@pytest.fixture
def registrar(devnet: Devnet) -> Iterator[Registrar]:
    code = artifacts()["AttributionRegistry"].bytecode + word(975_000)
    with closing(RpcClient([devnet.l2_url], devnet.l2_chain_id, name="L2")) as rpc:
        sender = Sender(rpc, PrivateKey(devnet.accounts[3].private_key))
        created = execute(devnet, sender, Call(b"", code)).contract_address
        assert created is not None
        yield Registrar(devnet, sender, AttributionRegistry(rpc, created))


def parts(draw: random.Random, count: int, whole: int) -> list[int]:
    """`count` positive integers that sum to `whole`."""
    cuts = sorted(draw.sample(range(1, whole), count - 1))
    return [b - a for a, b in zip([0, *cuts], [*cuts, whole], strict=True)]


def terms_of(draw: random.Random, older: int, depths: list[int]) -> Terms:
    """Terms with up to four of the older assets as parents, some of them giving everything away."""
    eligible = [n for n in range(1, older + 1) if depths[n - 1] < 8]
    chosen = draw.sample(eligible, min(len(eligible), draw.randrange(5)))
    given = parts(draw, len(chosen) + 1, 1_000_000)[:-1] if chosen else []
    if chosen and draw.random() < 0.3:
        given[0] += 1_000_000 - sum(given)
    depths.append(1 + max((depths[n - 1] for n in chosen), default=-1))
    payees = draw.sample(PAYEES, draw.randrange(1, 5))
    split = [Share(p, ppm) for p, ppm in zip(payees, parts(draw, len(payees), 1_000_000), strict=True)]
    parents = tuple(Parent(n, ppm) for n, ppm in zip(chosen, given, strict=True))
    return Terms(200_000, 0, 0, 0, 0, 0, tuple(split), parents, ())


def test_shares_on_chain_are_the_protocols_shares(registrar: Registrar) -> None:
    draw, depths = random.Random(SEED), list[int]()
    drawn = [terms_of(draw, n, depths) for n in range(ASSETS)]
    registrar.register_all(drawn)
    flat: list[tuple[entitlement.EffectiveShare, ...]] = []
    for number, terms in enumerate(drawn, start=1):
        split = [entitlement.Share(s.payee, s.ppm) for s in terms.split]
        parents = [(p.ppm, flat[p.asset_id - 1]) for p in terms.parents]
        flat.append(tuple(entitlement.flatten(split, parents)))
        on_chain = registrar.registry.effective_shares(number, 1, "latest")
        assert [(s.payee, s.share) for s in on_chain] == [(s.payee, s.share) for s in flat[-1]], number
        assert sum(s.share for s in on_chain) == 10**12


def test_every_version_can_be_recomputed_from_the_logs_alone(registrar: Registrar) -> None:
    """Terms change, some of them before their children are registered: frozen shares follow from logs and block times."""
    draw, depths = random.Random(SEED + 1), list[int]()
    drawn = [terms_of(draw, n, depths) for n in range(6)]
    registrar.register_all(drawn)
    for _ in range(2):
        for asset_id in (1, 3, 6):
            payees = draw.sample(PAYEES, draw.randrange(1, 5))
            split = [Share(p, ppm) for p, ppm in zip(payees, parts(draw, len(payees), 1_000_000), strict=True)]
            changed = replace(drawn[asset_id - 1], split=tuple(split))
            registrar.send(registrar.registry.propose_terms(asset_id, changed))
        registrar.devnet.advance(draw.choice([3600, 2 * 86_400]))
    told = recomputed(registrar)
    on_chain = {
        (asset_id, version): [
            (s.payee, s.share) for s in registrar.registry.effective_shares(asset_id, version, "latest")
        ]
        for asset_id, version in told
    }
    assert told == on_chain
    assert len(told) == 12


def test_a_parent_is_left_its_least_by_the_protocols_measure(registrar: Registrar) -> None:
    """Terms drawn at random are refused exactly where what no set can take is below both bounds."""
    draw = random.Random(SEED + 2)
    own = (Share(PAYEES[0], PPM),)
    parent = Terms(200_000, 0, 400_000, 0, 0, AttributionMode.FIXED, own, (), ())
    child = Terms(200_000, 0, 0, 0, 0, AttributionMode.FIXED, own, (Parent(1, 500_000),), ())
    registrar.register_all([parent, child])
    before, refused = 500_000 * PPM, 0
    registrar.send(registrar.registry.propose_terms(1, replace(parent, min_child_ppm=900_000)))
    registrar.devnet.advance(2 * 86_400)
    for _ in range(24):
        mode = draw.choice([AttributionMode.FIXED, AttributionMode.OPERATOR])
        terms = replace(child, mode=mode, data_ppm=draw.randrange(PPM), parents=(Parent(1, draw.randrange(PPM + 1)),))
        gives = entitlement.certain_share(
            terms.parents[0].ppm, terms.data_ppm, by_attribution=mode == AttributionMode.OPERATOR
        )
        call = registrar.registry.propose_terms(2, terms)
        if gives >= min(900_000 * PPM, before):
            registrar.send(call)
            before = gives
        else:
            refused += 1
            with pytest.raises(ContractRevertedError) as caught:
                registrar.send(call)
            assert caught.value.error_name == "RegistryParentBelowLeast"
            assert caught.value.operands["ppm"] == gives // PPM
    assert 0 < refused < 24


def recomputed(registrar: Registrar) -> dict[tuple[int, int], list[tuple[bytes, int]]]:
    """Effective shares of every version from split, parents and times that TermsRegistered logs: no view is asked."""
    registry = registrar.registry
    head = block_at(registry.rpc, "latest").number
    decoder = LogDecoder({registry.address: "AttributionRegistry"})
    logs = decoder.decode_known(fetch_logs(registry.rpc, 0, head, [registry.address]))
    shares: dict[tuple[int, int], tuple[entitlement.EffectiveShare, ...]] = {}
    effective_at: dict[int, list[int]] = {}
    for log in logs:
        if isinstance(log.event, TermsRegistered):
            event, second = log.event, block_at(registry.rpc, log.block_number).timestamp
            flat = [
                (p.ppm, shares[p.asset_id, entitlement.version_at(effective_at[p.asset_id], second)])
                for p in event.terms.parents
            ]
            split = [entitlement.Share(s.payee, s.ppm) for s in event.terms.split]
            shares[event.asset_id, event.version] = entitlement.flatten(split, flat)
            effective_at.setdefault(event.asset_id, []).append(event.effective_at)
    return {key: [(s.payee, s.share) for s in flat] for key, flat in shares.items()}
