from collections import defaultdict
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.verification import findings as found
from indexer.verification.judge import judge
from ledger.protocol.batch import Charge, batch_commitment
from ledger.protocol.blob.faults import Rule
from ledger.protocol.blob.layout import BLOB_BYTES
from ledger.protocol.entitlement import RoyaltyTerms, version_at, weights
from ledger.protocol.judging import terms as rules
from ledger.protocol.judging.rulebook import AssetHistory, Rulebook
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS, POST_DEADLINE_SECONDS, PPM, clamp_terms_time, fee_up
from tests.factories.honest_batches import DATASETS, MODELS, T0, cases, price_at

pytestmark = pytest.mark.unit

quick = settings(max_examples=25, deadline=None)


def verdict(case, blobs=None, rulebook=None, batch=None):
    return judge(batch or case.batch, blobs or case.blobs, lambda _ids: rulebook or case.rulebook)


def naive_sums(case):
    """The sums by the protocol's own rule, one receipt at a time."""
    sums, used = defaultdict(int), defaultdict(set)
    for i, entry in enumerate(case.encoded.entries):
        receipt = entry.receipt
        version = partial(version_in_force, case, clamp_terms_time(receipt.started_at, T0 - POST_DEADLINE_SECONDS, T0))
        own = version(receipt.asset_id)
        rules = case.rulebook.assets[receipt.asset_id].versions[own - 1]
        terms = RoyaltyTerms(0, 0, rules.by_attribution, rules.datasets, ())
        for dataset, dataset_version, ppm in weights(terms, entry.attribution, version):
            key = (receipt.asset_id, own, dataset, dataset_version)
            sums[key] += receipt.fee_units * ppm
            used[key].add(i)
    return sorted((*key, total, len(used[key])) for key, total in sums.items())


def version_in_force(case, second, asset_id):
    return version_at([v.effective_at for v in case.rulebook.assets[asset_id].versions], second)


@quick
@given(cases())
def test_sums_are_those_of_the_rule_written_once(case):
    contents = verdict(case).contents
    assert sorted(tuple(row) for row in contents.sums) == naive_sums(case)
    assert sum(row.weighted_fee_units for row in contents.sums) == PPM * case.batch.header.total_fee_units


@quick
@given(cases())
def test_an_honest_batch_has_contents_and_no_price_finding(case):
    result = verdict(case)
    assert {f.rule for f in result.findings} <= {rules.SET_IN_FIXED_MODE, rules.SET_NOT_ADMITTED}
    assert not any(f.voids for f in result.findings)
    assert result.contents.columns.header.count == len(case.encoded.entries)


@quick
@given(cases(with_sets=False, biggest_price=2**63, biggest_units=10))
def test_prices_of_any_size_are_compared_exactly(case):
    assert verdict(case).findings == ()


def naive_fee(receipt, prices):
    """What a receipt costs at the price of its terms time."""
    price = price_at(prices[receipt.asset_id], clamp_terms_time(receipt.started_at, T0 - POST_DEADLINE_SECONDS, T0))
    return fee_up(receipt.input_units, receipt.output_units, price.input_price_units, price.output_price_units)


@quick
@given(cases(with_sets=False), st.data())
def test_a_fee_of_one_unit_more_is_found_and_still_counts(case, data):
    assets = {e.receipt.asset_id for e in case.encoded.entries}
    asset = data.draw(st.sampled_from(sorted(assets)))
    prices = {
        a: tuple(replace(p, input_price_units=p.input_price_units + 1000) for p in points) if a == asset else points
        for a, points in case.rulebook.prices.items()
    }
    result = verdict(case, rulebook=Rulebook(case.rulebook.assets, prices))
    changed = [e.receipt for e in case.encoded.entries if e.receipt.fee_units != naive_fee(e.receipt, prices)]
    assert [f.rule for f in result.findings] == ([rules.FEE_NOT_PRICE] if changed else [])
    assert result.contents is not None
    if changed:
        assert result.findings[0].evidence["receipts"] == len(changed)


@quick
@given(cases(with_sets=False))
def test_a_fee_below_the_floor_is_found(case):
    raised = {
        a: AssetHistory(h.is_dataset, tuple(replace(v, floor_output_price_units=2**50) for v in h.versions))
        for a, h in case.rulebook.assets.items()
    }
    result = verdict(case, rulebook=Rulebook(raised, case.rulebook.prices))
    below = [e for e in case.encoded.entries if e.receipt.output_units]
    assert [f.rule for f in result.findings] == ([rules.FEE_BELOW_FLOOR] if below else [])


@quick
@given(cases(with_sets=False), st.integers(0, 2**16))
def test_a_start_after_the_first_commit_is_found_and_still_counts(case, earlier):
    """As a refill would have it that is judged by an earlier commit than its receipts."""
    first = T0 - earlier
    latest = first + CLOCK_TOLERANCE_SECONDS
    late = [e for e in case.encoded.entries if e.receipt.started_at > latest]
    judged = replace(
        case, batch=replace(case.batch, first_committed_at=first, terms_from=first - POST_DEADLINE_SECONDS)
    )
    result = verdict(judged)
    found = [f for f in result.findings if f.rule == rules.STARTED_AFTER_COMMIT]
    assert [(f.voids, f.challenge) for f in found] == ([(False, "challengeReceipt")] if late else [])
    if late:
        i = found[0].evidence["receipt"]
        assert case.encoded.entries[i].receipt.started_at > latest
    assert result.contents is not None


@quick
@given(cases())
def test_sets_against_the_terms_are_found(case):
    expected = set()
    for entry in case.encoded.entries:
        history = case.rulebook.assets[entry.receipt.asset_id]
        second = clamp_terms_time(entry.receipt.started_at, T0 - POST_DEADLINE_SECONDS, T0)
        terms = history.versions[version_at([v.effective_at for v in history.versions], second) - 1]
        if entry.attribution and not terms.by_attribution:
            expected.add(rules.SET_IN_FIXED_MODE)
        elif any(d and d not in terms.datasets for d, _ in entry.attribution):
            expected.add(rules.SET_NOT_ADMITTED)
    assert {f.rule for f in verdict(case).findings} == expected


@quick
@given(cases())
def test_an_unknown_asset_or_a_dataset_voids_the_batch(case):
    gone = case.encoded.entries[0].receipt.asset_id
    known = {a: h for a, h in case.rulebook.assets.items() if a != gone}
    result = verdict(case, rulebook=Rulebook(known, case.rulebook.prices))
    assert [(f.rule, f.voids, f.evidence["asset_id"]) for f in result.findings] == [(rules.ASSET_UNKNOWN, True, gone)]
    assert result.contents is None
    turned = {**case.rulebook.assets, gone: AssetHistory(True, case.rulebook.assets[gone].versions)}
    result = verdict(case, rulebook=Rulebook(turned, case.rulebook.prices))
    assert [f.rule for f in result.findings] == [rules.ASSET_IS_DATASET]


@quick
@given(cases(), st.data())
def test_a_changed_bit_of_header_payers_or_top_bytes_voids_the_batch(case, data):
    header = case.batch.header
    payers = 2 + 2 * header.count
    element = data.draw(st.sampled_from([0, 1, *range(payers, payers + header.payer_count)]))
    any_element = data.draw(st.integers(0, payers + header.payer_count + header.set_fe_count - 1))
    place = data.draw(st.sampled_from([32 * element + data.draw(st.integers(0, 31)), 32 * any_element]))
    raw = bytearray(b"".join(case.blobs))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    blobs = [bytes(raw[at : at + BLOB_BYTES]) for at in range(0, len(raw), BLOB_BYTES)]
    result = verdict(case, blobs=blobs)
    assert result.contents is None
    assert result.findings
    assert all(f.voids for f in result.findings)


@quick
@given(cases())
def test_what_the_event_says_must_hash_to_its_commitment(case):
    result = verdict(case, batch=replace(case.batch, batch_commitment=bytes(32)))
    assert [(f.rule, f.voids) for f in result.findings] == [(found.COMMITMENT_MISMATCH, True)]


@quick
@given(cases())
def test_charges_that_differ_from_the_blob_void_the_batch(case):
    first = case.batch.charges[0]
    charges = (Charge(first.payer, first.amount_units + 1), *case.batch.charges[1:])
    batch = replace(
        case.batch,
        charges=charges,
        batch_commitment=batch_commitment(case.batch.header, case.batch.versioned_hashes, charges),
    )
    result = verdict(case, batch=batch)
    assert Rule.PAYER_CHARGE in {f.rule for f in result.findings}
    assert result.contents is None


@quick
@given(cases(), st.binary(min_size=64, max_size=64))
def test_a_blob_that_is_no_batch_is_a_finding(case, junk):
    blobs = [junk + blob[64:] for blob in case.blobs]
    result = verdict(case, blobs=blobs)
    assert result.contents is None or junk == case.blobs[0][:64]
    assert all(f.voids for f in result.findings)


def test_the_names_of_models_and_datasets_do_not_meet():
    assert not set(MODELS) & set(DATASETS)
