"""Spark computes what this machine computes, to the last digit, and says in one sentence why it can't."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from ledger.archive import BlobArchive
from ledger.errors import BlobNotAvailableError, ProcessFailedError
from ledger.protocol.attribution import SetEntry
from ledger.protocol.contributors import Contributor, ContributorList
from ledger.protocol.entitlement import EffectiveShare, ProtocolShare, RoyaltyTerms
from ledger.protocol.units import ENTITLEMENT_ONE, PPM, SHARE_ONE
from tests.factories.archived_history import archive_history
from tests.factories.history import History, PastBatch, Use
from tributary.entitlements.facts import Facts
from tributary.entitlements.local import by_processes
from tributary.entitlements.spark import by_spark

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

THROUGH = 100
MASTER = "local[2]"
OPERATORS = (b"\xc0" * 20, b"\xc1" * 20)


LISTED = ContributorList(7, [Contributor(bytes([0x80 + n]) * 20, 1 + n * n) for n in range(30)])


def terms(n: int) -> RoyaltyTerms:
    """Three payees, of whom one earns from every asset; of datasets it is a list of contributors."""
    last = LISTED.payee if n < 3 else b"\xaa" * 20
    shares = ((bytes([n]) * 20, 333_333_333_333), (bytes([n + 1]) * 20, 1), (last, SHARE_ONE - 333_333_333_334))
    effective = tuple(EffectiveShare(*share) for share in shares)
    return RoyaltyTerms(400_000 + n, 250_000 + n, by_attribution=True, datasets=frozenset({1, 2}), effective=effective)


def uses(n: int) -> tuple[Use, ...]:
    sets = ((), (SetEntry(1, PPM),), (SetEntry(0, 1), SetEntry(1, 499_999), SetEntry(2, 500_000)))
    return tuple(Use((3 + (n + i) % 3, 1), 10**9 * n + i, sets[i % 3]) for i in range(9))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archive")


@pytest.fixture(scope="module")
def history() -> History:
    """Twelve batches of two operators, three assets and two datasets; one batch is withheld."""
    batches = tuple(PastBatch(n, OPERATORS[n % 2], uses(n), 50, "invalid" if n == 5 else "valid") for n in range(1, 13))
    registered = {(n, 1): terms(n) for n in range(1, 6)}
    return History(ProtocolShare(b"\xee" * 20, 9_999), registered, {1: 1, 2: 1}, batches, lists=(LISTED,))


@pytest.fixture(scope="module")
def facts(history: History, folder: Path) -> Facts:
    return archive_history(history, BlobArchive(folder), THROUGH)


def test_both_engines_give_what_each_receipt_owes(history: History, facts: Facts, folder: Path) -> None:
    local = by_processes(facts, str(folder), 1, lambda _done, _total: None)
    assert local.withheld_batches == (5,)
    exact = {line.payee: Fraction(line.numerator, ENTITLEMENT_ONE) for line in local.lines}
    assert exact == history.owed_exactly(THROUGH)
    assert {address for address, _ in LISTED.contributors} <= exact.keys()
    assert by_spark(facts, str(folder), MASTER) == local


def test_a_missing_blob_is_named_with_its_batch(facts: Facts, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BlobNotAvailableError, match=f"of batch 1 \\({len(facts.batches)} batches lack blobs\\)"):
        by_spark(facts, str(tmp_path), MASTER)


def test_what_a_worker_fails_with_is_one_sentence(facts: Facts, folder: Path) -> None:
    with pytest.raises(ProcessFailedError, match=r"Spark at local\[2\] failed: .*KeyError") as caught:
        by_spark(replace(facts, royalties={}), str(folder), MASTER)
    assert "\n" not in str(caught.value)
