"""What an operator may set, and what it is told when that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from batcher.command import batch
from batcher.settings import BatcherSettings
from ledger.errors import SettingsError, UsageError

pytestmark = pytest.mark.unit

GIVEN = {
    "database_url": "postgresql://localhost/x",
    "l1_rpc_url": "http://localhost:1,http://localhost:2/",
    "l2_rpc_url": "http://localhost:3",
    "operator_key": "0x" + "11" * 32,
}


def load(**changes: Any) -> BatcherSettings:
    return BatcherSettings.load(**{**GIVEN, **changes})


def test_the_operators_key_posts_unless_another_is_given() -> None:
    assert load().poster_signer == load().operator_signer
    assert load(poster_key="0x" + "22" * 32).poster_signer != load().operator_signer
    assert load().l1_rpc_url == ("http://localhost:1", "http://localhost:2")


def test_ceilings_are_given_in_gwei() -> None:
    policy = load(max_fee_gwei=30, max_blob_fee_gwei=2).fee_policy
    assert (policy.ceiling_wei, policy.blob_ceiling_wei) == (30 * 10**9, 2 * 10**9)
    assert load().fee_policy.ceiling_wei is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"operator_key": "0x12"}, "BATCHER_OPERATOR_KEY is wrong .*: it must be a secp256k1 key"),
        ({"operator_key": "0x" + "00" * 32}, "BATCHER_OPERATOR_KEY is wrong"),
        ({"max_receipts": 12_287}, "BATCHER_MAX_RECEIPTS is wrong"),
        ({"sidecar": "none"}, "BATCHER_SIDECAR is wrong"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as refused:
        load(**changes)
    assert "\n" not in str(refused.value)


def test_a_key_never_shows_in_a_message_or_a_representation() -> None:
    secret = "0x" + "ab" * 31
    with pytest.raises(SettingsError) as refused:
        load(operator_key=secret)
    assert "abab" not in str(refused.value)
    assert "1111" not in repr(load())


def test_two_ways_to_end_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="Choose --once or --drain, not both"):
        batch(once=True, everything=True)
