"""Entitlements from logs and blobs of random histories: receipt by receipt, in fractions, they are the same."""

from __future__ import annotations

import importlib.util
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings

from indexer.verification.batch import CommittedBatch
from ledger.archive import BlobArchive
from ledger.chain.events.receipt_ledger import BatchFinalized
from ledger.errors import (
    BatchOverflowError,
    BlobNotAvailableError,
    ConservationError,
    MalformedLogError,
    ToolMissingError,
)
from ledger.protocol.attribution import SetEntry
from ledger.protocol.blob.kzg import trusted_setup
from ledger.protocol.entitlement import EffectiveShare, ProtocolShare, RoyaltyTerms
from ledger.protocol.units import ENTITLEMENT_ONE, PPM, SHARE_ONE
from settlement.entitlements import Entitlements
from tests.factories.archived_history import _log, archive_history
from tests.factories.histories import histories
from tests.factories.history import History, PastBatch, Use
from tributary.entitlements import local
from tributary.entitlements.facts import Facts
from tributary.entitlements.local import by_processes
from tributary.entitlements.log_reading import LogReader
from tributary.entitlements.spark import require_java
from tributary.entitlements.sums import sum_batches

pytestmark = pytest.mark.unit

THROUGH = 100
ALICE, BOB, OPERATOR, PROTOCOL = b"\xa1" * 20, b"\xb2" * 20, b"\xcc" * 20, b"\xee" * 20


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    trusted_setup()  # importing its source changes the recursion limit, which hypothesis minds in the midst of a test


def owed(facts: Facts, archive: Path | str, processes: int = 1) -> Entitlements:
    return by_processes(facts, str(archive), processes, lambda _done, _total: None)


def in_fractions(entitlements: Entitlements) -> dict[bytes, Fraction]:
    return {line.payee: Fraction(line.numerator, ENTITLEMENT_ONE) for line in entitlements.lines}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories())
def test_blobs_and_logs_give_what_each_receipt_owes(history: History) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            facts = archive_history(history, BlobArchive(folder), THROUGH)
        except BatchOverflowError:
            assume(False)
        result = owed(facts, folder)
    assert in_fractions(result) == history.owed_exactly(THROUGH)
    finalized = [b for b in history.batches if b.finalized_block is not None and b.finalized_block <= THROUGH]
    assert list(result.withheld_batches) == [b.batch_id for b in finalized if b.verdict == "invalid"]
    assert result.fees_units == sum(b.total_fee_units for b in finalized if b.verdict == "valid")


def terms(payee: bytes, share: int = SHARE_ONE) -> RoyaltyTerms:
    shares = (EffectiveShare(payee, share),)
    return RoyaltyTerms(400_000, 250_000, by_attribution=True, datasets=frozenset({1}), effective=shares)


HISTORY = History(
    ProtocolShare(PROTOCOL, 10_000),
    {(1, 1): terms(ALICE), (2, 1): terms(BOB)},
    {1: 1},
    tuple(
        PastBatch(n, OPERATOR, (Use((2, 1), 1_000_003 * n, (SetEntry(1, PPM),)), Use((2, 1), n)), 50)
        for n in range(1, 6)
    ),
)


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    return archive_history(HISTORY, BlobArchive(tmp_path), THROUGH)


def file_of(batch: CommittedBatch, folder: Path) -> Path:
    return Path(BlobArchive(folder).path(batch.versioned_hashes[0]))


def test_processes_and_the_order_of_batches_change_nothing(
    facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "LEAST_BATCHES_A_PROCESS", 1)  # so few batches would all go to one process
    alone = owed(facts, tmp_path)
    assert in_fractions(alone) == HISTORY.owed_exactly(THROUGH)
    assert owed(facts, tmp_path, processes=2) == alone
    assert owed(replace(facts, batches=facts.batches[::-1]), tmp_path) == alone


def test_parts_add_up_to_the_whole_however_they_are_cut(facts: Facts, tmp_path: Path) -> None:
    whole = sum_batches(facts.batches, facts.rules, str(tmp_path))
    for cut in range(len(facts.batches) + 1):
        first = sum_batches(facts.batches[:cut], facts.rules, str(tmp_path))
        assert first.add(sum_batches(facts.batches[cut:], facts.rules, str(tmp_path))) == whole


def test_a_missing_blob_is_named_with_its_batch(facts: Facts, tmp_path: Path) -> None:
    lost = facts.batches[2]
    file_of(lost, tmp_path).unlink()
    with pytest.raises(BlobNotAvailableError, match=f"{lost.versioned_hashes[0].hex()} of batch {lost.batch_id}"):
        owed(facts, tmp_path)


def test_a_blob_that_is_not_what_its_hash_says_is_not_read(facts: Facts, tmp_path: Path) -> None:
    one, other = (file_of(batch, tmp_path) for batch in facts.batches[:2])
    one.write_bytes(other.read_bytes())
    with pytest.raises(BlobNotAvailableError):
        owed(facts, tmp_path)


def test_shares_that_do_not_add_up_pay_nobody(facts: Facts, tmp_path: Path) -> None:
    short = terms(BOB, SHARE_ONE - 1)
    with pytest.raises(ConservationError):
        owed(replace(facts, royalties={**facts.royalties, (2, 1): short}), tmp_path)


def test_a_log_of_a_batch_that_was_never_committed_is_refused() -> None:
    with pytest.raises(MalformedLogError, match="Batch 7 has no commit"):
        LogReader(901).take([_log(0, 5, BatchFinalized(7, 1))])


def test_a_chain_without_batches_owes_nothing(tmp_path: Path) -> None:
    assert owed(
        archive_history(replace(HISTORY, batches=()), BlobArchive(tmp_path), THROUGH), tmp_path
    ) == Entitlements(0, (), ())


@pytest.mark.parametrize(
    ("version", "lacks"),
    [("", "Java 17 or newer, and there is none"), ("11.0.2", "Java 17 or newer, and .* is 11"), ("17.0.1", "pyspark")],
)
def test_what_spark_lacks_here_is_said_in_one_sentence(
    version: str, lacks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)  # a machine that lacks what this one may have
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    if version:
        java = tmp_path / "java"
        java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        java.chmod(0o755)
    with pytest.raises(ToolMissingError, match=f"needs {lacks}.*`--engine local` computes the same"):
        require_java()
