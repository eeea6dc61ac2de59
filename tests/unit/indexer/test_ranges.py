"""Ranges of blocks to ask for: bounded by logs and by bytes, and by what the node answers at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.following.ranges import LARGEST_RANGE_BLOCKS, TARGET_BYTES, TARGET_LOGS, LinkedSize, RangeSize

pytestmark = pytest.mark.unit


@given(st.integers(1, 500), st.integers(1, 20_000))
def test_on_an_even_chain_an_answer_holds_about_the_target(logs_a_block, bytes_a_log):
    size = RangeSize()
    for _ in range(30):
        logs = size.blocks * logs_a_block
        size.answered(size.blocks, logs, logs * bytes_a_log)
    logs = size.blocks * logs_a_block
    filled = max(logs / TARGET_LOGS, logs * bytes_a_log / TARGET_BYTES)
    assert filled <= 1 or size.blocks == 1
    assert filled > 0.5 or logs_a_block * bytes_a_log > TARGET_BYTES / 2 or size.blocks <= 2


def test_an_empty_chain_is_read_in_ever_longer_ranges():
    size = RangeSize()
    for _ in range(20):
        size.answered(size.blocks, 0, 0)
    assert size.blocks == LARGEST_RANGE_BLOCKS


@given(st.integers(1, 3_000))
def test_a_node_with_a_limit_is_soon_asked_for_no_more_than_it_answers(limit):
    size, refusals = RangeSize(), 0
    for _ in range(60):
        asked = size.blocks
        if asked > limit:
            size.refused(asked)
            refusals += 1
        else:
            size.answered(asked, 0, 0)
    assert size.blocks <= 2 * limit
    assert refusals < 20


def test_one_full_block_is_not_divided():
    size = RangeSize(blocks=1)
    size.answered(1, TARGET_LOGS * 10, TARGET_BYTES * 10)
    size.refused(1)
    assert size.blocks == 1


def test_a_linked_run_shrinks_to_what_gets_through_and_grows_again():
    size = LinkedSize(90)
    for _ in range(10):
        size.failed(size.blocks)
    assert size.blocks == 1
    for _ in range(10):
        size.answered()
    assert size.blocks == 90


def test_a_short_run_that_failed_is_followed_by_a_shorter_one():
    size = LinkedSize(90)
    size.failed(8)
    assert size.blocks == 4
