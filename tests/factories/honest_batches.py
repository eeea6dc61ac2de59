"""Honest batches of any shape, with the rulebook by which they are honest."""

from dataclasses import dataclass

from hypothesis import strategies as st

from indexer.verification.batch import CommittedBatch, Place
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.batch import batch_commitment
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.judging.rulebook import AssetHistory, PricePoint, Rulebook, TermsVersion
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS, POST_DEADLINE_SECONDS, PPM, clamp_terms_time, fee_up

T0 = 1_900_000_000
MODELS = (1, 2)
DATASETS = (3, 4, 5)
OPERATOR = bytes([0xAA]) * 20


@dataclass(frozen=True)
class Case:
    """A batch, the blobs that it commits to, and the rules in force."""

    batch: CommittedBatch
    encoded: EncodedBatch
    rulebook: Rulebook

    def __repr__(self):
        return f"Case({self.encoded.header}, {[e.receipt for e in self.encoded.entries]}, {self.rulebook})"

    @property
    def blobs(self):
        return self.encoded.blobs


times = st.integers(T0 - 2 * POST_DEADLINE_SECONDS, T0)


def histories(draw):
    """Models with up to three versions, some by attribution; datasets with up to two."""
    assets = {}
    for asset_id in MODELS:
        starts = [T0 - 10 * POST_DEADLINE_SECONDS, *sorted(draw(st.lists(times, max_size=2)))]
        assets[asset_id] = AssetHistory(
            False,
            tuple(
                TermsVersion(start, 0, 0, draw(st.booleans()), frozenset(draw(st.sets(st.sampled_from(DATASETS)))))
                for start in starts
            ),
        )
    for dataset in DATASETS:
        starts = sorted(draw(st.lists(times, min_size=1, max_size=2)))
        assets[dataset] = AssetHistory(True, tuple(TermsVersion(s, 0, 0, False, frozenset()) for s in starts))
    return assets


@st.composite
def sets(draw):
    named = sorted(draw(st.sets(st.sampled_from((0, *DATASETS)), min_size=1, max_size=4)))
    cuts = sorted(draw(st.sets(st.integers(1, PPM - 1), min_size=len(named) - 1, max_size=len(named) - 1)))
    parts = [b - a for a, b in zip([0, *cuts], [*cuts, PPM], strict=True)]
    return tuple(SetEntry(d, p) for d, p in zip(named, parts, strict=True))


def price_at(points, second):
    chosen = [p for p in points if p.effective_at <= second]
    return chosen[-1] if chosen else PricePoint(0, 0, 0)


@st.composite
def cases(draw, most=30, with_sets=True, biggest_price=2**34, biggest_units=2**24 - 1):
    """An honest batch: fees at the published price; sets may be anything well-formed."""
    assets = histories(draw)
    prices = {
        asset_id: tuple(
            PricePoint(start, draw(st.integers(0, biggest_price)), draw(st.integers(0, biggest_price)))
            for start in sorted(draw(st.lists(times, max_size=2)))
        )
        for asset_id in MODELS
    }
    payers = draw(st.lists(st.binary(min_size=20, max_size=20), min_size=1, max_size=4, unique=True))
    choices = [(), *(draw(st.lists(sets(), max_size=3)) if with_sets else [])]
    base, entries = draw(times), []
    for i in range(draw(st.integers(1, most))):
        asset_id, chosen = draw(st.sampled_from(MODELS)), draw(st.sampled_from(choices))
        started_at = min(base + draw(st.integers(0, 2**16 - 1)), T0 + CLOCK_TOLERANCE_SECONDS)
        price = price_at(prices[asset_id], clamp_terms_time(started_at, T0 - POST_DEADLINE_SECONDS, T0))
        inputs, outputs = draw(st.integers(0, biggest_units)), draw(st.integers(0, biggest_units))
        receipt = Receipt(
            operator=OPERATOR, lane=1, seq=7 + i, payer=draw(st.sampled_from(payers)), asset_id=asset_id,
            request_hash=bytes(32), response_hash=bytes(32), input_units=inputs, output_units=outputs,
            fee_units=fee_up(inputs, outputs, price.input_price_units, price.output_price_units),
            attribution_hash=attribution_hash(chosen), started_at=started_at, duration_ms=0,
        )  # fmt: skip
        entries.append(BatchEntry(receipt, keccak256(i.to_bytes(4, "big")), chosen))
    encoded = encode(draw(st.permutations(entries)))
    return Case(committed(encoded), encoded, Rulebook(assets, prices))


def committed(encoded: EncodedBatch) -> CommittedBatch:
    """The batch as an honest commit states it."""
    hashes = tuple(b"\x01" + keccak256(blob)[1:] for blob in encoded.blobs)
    return CommittedBatch(
        batch_id=5,
        fill=0,
        place=Place(901, 100, bytes([9]) * 32, 3),
        header=encoded.header,
        charges=encoded.charges,
        versioned_hashes=hashes,
        batch_commitment=batch_commitment(encoded.header, hashes, encoded.charges),
        terms_from=T0 - POST_DEADLINE_SECONDS,
        first_committed_at=T0,
    )
