"""The numpy forward pass against transformers and PEFT, alone and in mixed batches."""

import json

import numpy as np
import pytest

from serving.engine.adapter import AdapterWeights, LoraPair, read_adapter
from serving.engine.checkpoint import read_checkpoint
from serving.engine.files import read_folder
from serving.engine.forward import ForwardPass
from serving.engine.rows import Rows

pytestmark = pytest.mark.unit

CLOSE = 1e-4  # logits are of size 10; float32 sums in another order differ by about 1e-5


def forward_over(base, count: int, context_tokens: int = 128) -> tuple[ForwardPass, Rows]:
    rows = Rows(base.shape, count, context_tokens, 8)
    return ForwardPass(base, rows, context_tokens), rows


def greedy(base, weights, prompt_ids, count: int) -> list[int]:
    forward, rows = forward_over(base, 1)
    rows.attach(0, weights)
    ids = [int(forward.advance([], prompt_ids)[0].argmax())]
    while len(ids) < count:
        ids.append(int(forward.advance(ids[-1:])[0].argmax()))
    return ids


@pytest.fixture(scope="module")
def shipped(reference_path):
    return json.loads((reference_path / "shipped.json").read_text())


@pytest.fixture(scope="module")
def shipped_logits(reference_path):
    return np.load(reference_path / "shipped.npz")


@pytest.fixture(scope="module")
def tiny(reference_path):
    base = read_checkpoint(read_folder(reference_path / "tiny", 1 << 20))
    adapter = read_adapter(read_folder(reference_path / "tiny" / "adapter", 1 << 20), base.shape, 8)
    return base, adapter, np.load(reference_path / "tiny" / "logits.npz")


def test_the_base_and_every_shipped_adapter_give_the_logits_of_the_reference(base, adapter, shipped, shipped_logits):
    for name, case in shipped.items():
        forward, rows = forward_over(base, 1)
        rows.attach(0, adapter(name))
        logits = forward.advance([], case["prompt_ids"])[0]
        assert np.abs(logits - shipped_logits[name or "base"]).max() < CLOSE, name


def test_greedy_answers_of_a_mixed_batch_are_those_of_the_reference(base, adapter, shipped):
    cases = list(shipped.items())
    forward, rows = forward_over(base, len(cases))
    answers: list[list[int]] = []
    for place, (name, case) in enumerate(cases):  # each prompt is taken in while the earlier rows decode
        rows.attach(place, adapter(name))
        logits = forward.advance([answer[-1] for answer in answers], case["prompt_ids"])
        answers.append([])
        for answer, row in zip(answers, logits, strict=True):
            answer.append(int(row.argmax()))
    while len(answers[-1]) < len(cases[0][1]["greedy_ids"]):
        logits = forward.advance([answer[-1] for answer in answers])
        for answer, row in zip(answers, logits, strict=True):
            answer.append(int(row.argmax()))
    for answer, (name, case) in zip(answers, cases, strict=True):
        assert answer[: len(case["greedy_ids"])] == case["greedy_ids"], name


def test_a_wrong_adapter_gives_other_logits_in_every_case(base, adapter, shipped, shipped_logits):
    names = [name for name in shipped if name]
    for name, wrong in zip(names, names[1:] + names[:1], strict=True):
        forward, rows = forward_over(base, 1)
        rows.attach(0, adapter(wrong))
        logits = forward.advance([], shipped[name]["prompt_ids"])[0]
        assert np.abs(logits - shipped_logits[name]).max() > 100 * CLOSE, (name, wrong)


def test_a_checkpoint_of_another_shape_gives_the_logits_of_the_reference(tiny):
    base, _, expected = tiny
    assert not base.shape.tied_embeddings
    assert base.shape.end_ids == {1, 2}
    forward, _ = forward_over(base, 1, context_tokens=64)
    ids = expected["ids"].tolist()
    for place, token in enumerate(ids):
        logits = forward.advance([], [token]) if place == 0 else forward.advance([token])
        assert np.abs(logits[0] - expected["base"][place]).max() < CLOSE


def test_an_adapter_of_another_rank_and_fewer_projections_gives_the_logits_of_the_reference(tiny):
    base, adapter, expected = tiny
    forward, rows = forward_over(base, 1, context_tokens=64)
    rows.attach(0, adapter)
    ids = expected["ids"].tolist()
    assert np.abs(forward.advance([], ids)[0] - expected["adapted"][-1]).max() < CLOSE
    assert np.abs(expected["adapted"][-1] - expected["base"][-1]).max() > 100 * CLOSE


def test_a_prompt_taken_in_by_parts_gives_what_it_gives_at_once(base, adapter, random):
    ids = random.integers(3, base.shape.vocabulary, 50).tolist()
    at_once, rows = forward_over(base, 1)
    rows.attach(0, adapter("bierce"))
    expected = at_once.advance([], ids)
    by_parts, rows = forward_over(base, 1)
    rows.attach(0, adapter("bierce"))
    for start in (0, 7, 8, 31):
        stop = {0: 7, 7: 8, 8: 31, 31: 50}[start]
        logits = by_parts.advance([], ids[start:stop])
    assert np.abs(logits - expected).max() < CLOSE


def test_a_row_that_moves_goes_on_as_if_it_had_stayed(base, adapter, shipped):
    forward, rows = forward_over(base, 3)
    names = ["shakespeare", "austen", "bierce"]
    last: list[int] = []
    for place, name in enumerate(names):
        rows.attach(place, adapter(name))
        logits = forward.advance(last, shipped[name]["prompt_ids"])
        last = [int(row.argmax()) for row in logits]
    rows.move(2, 0)
    moved = forward.advance([last[2], last[1]])
    expected = greedy(base, adapter("bierce"), shipped["bierce"]["prompt_ids"], 2)
    assert int(moved[0].argmax()) == expected[1]
    assert last[2] == expected[0]


def overflowing(weights):
    """An adapter of finite weights whose numbers leave float32 in the first layer."""
    pair = LoraPair(np.full((8, 192), 1e30, np.float32), np.full((192, 8), 1e30, np.float32))
    key = LoraPair(pair.down, pair.up[:64])
    return AdapterWeights(8, 2.0, {**weights.pairs, (0, "k_proj"): key, (0, "v_proj"): key})


def test_an_adapter_out_of_range_changes_no_bit_of_the_rows_beside_it(base, adapter, shipped):
    def beside(weights):
        forward, rows = forward_over(base, 3)
        rows.attach(0, adapter("austen"))
        first = forward.advance([], shipped["austen"]["prompt_ids"])
        rows.attach(1, weights)
        second = forward.advance([int(first[0].argmax())], shipped["jay"]["prompt_ids"])
        third = forward.advance([int(second[0].argmax()), 5])
        return [first[0], second[0], third[0]], second[1]

    expected, _ = beside(adapter("jay"))
    seen, poisoned = beside(overflowing(adapter("jay")))
    assert not np.isfinite(poisoned).all()
    assert all(np.array_equal(one, other) for one, other in zip(seen, expected, strict=True))


def test_what_an_answer_leaves_in_its_row_reaches_no_later_answer(base, adapter, shipped):
    """Masked cells are computed with too, and no mask keeps out an infinity: they must be empty."""

    def short_beside_long(forward, rows):
        rows.attach(0, adapter("austen"))
        logits = forward.advance([], shipped["austen"]["prompt_ids"][:3])
        rows.attach(1, adapter("bierce"))
        logits = forward.advance([int(logits[0].argmax())], list(range(3, 60)))
        return forward.advance([int(row.argmax()) for row in logits])

    forward, rows = forward_over(base, 3)
    expected = short_beside_long(forward, rows)
    forward, rows = forward_over(base, 3)
    for row in range(3):  # all three rows were left by answers out of range; one of them moved
        rows.attach(row, overflowing(adapter("jay")))
        forward.advance([7] * row, list(range(3, 80)))
    assert not np.isfinite(rows.keys).all()
    rows.move(2, 0)
    assert np.array_equal(short_beside_long(forward, rows), expected)


def test_cells_beyond_a_row_s_length_are_empty_whatever_moved_where(base, random):
    rows = Rows(base.shape, 4, 64, 8)
    for _ in range(200):
        row, other = (int(i) for i in random.integers(0, 4, 2))
        if random.random() < 0.5:
            rows.attach(row, None)
            rows.lengths[row] = length = int(random.integers(0, 64))
            rows.keys[:, row, :, :length] = rows.values[:, row, :, :length] = np.nan
        else:
            rows.move(row, other)
        for place, length in enumerate(rows.lengths):
            assert not rows.keys[:, place, :, length:].any()
            assert not rows.values[:, place, :, length:].any()


def test_rows_of_one_adapter_are_computed_together_and_give_what_they_give_apart(base, adapter, shipped, random):
    """One product for all rows where they are alike, one for each where they are not: the same logits."""
    prompts = [random.integers(3, base.shape.vocabulary, length).tolist() for length in (9, 4, 17, 6)]

    def steps(last: str) -> list:
        forward, rows = forward_over(base, 5)
        for row, prompt in enumerate(prompts):
            rows.attach(row, adapter("austen"))
            forward.advance([5] * row, prompt)
        rows.attach(4, adapter(last))
        logits = [forward.advance([5, 6, 7, 8], shipped["austen"]["prompt_ids"])[:4]]
        return [*logits, forward.advance([9, 10, 11, 12, 13])[:4]]

    for alike, apart in zip(steps("austen"), steps("bierce"), strict=True):
        assert np.abs(alike - apart).max() < CLOSE
    assert np.array_equal(steps("austen")[0], steps("bierce")[0])  # the prompt's row is always apart


def test_an_answer_by_the_adapter_that_its_row_had_before_is_the_same_to_the_bit(base, adapter, shipped):
    forward, rows = forward_over(base, 1)
    answers = []
    for name in ("austen", "austen", "bierce", "", "austen"):
        rows.attach(0, adapter(name))
        answers.append(forward.advance([], shipped["austen"]["prompt_ids"]))
    assert np.array_equal(answers[0], answers[1])
    assert np.array_equal(answers[0], answers[4])
    assert not np.array_equal(answers[0], answers[2])
    assert not np.array_equal(answers[0], answers[3])


def test_a_row_left_by_an_adapter_and_given_to_the_base_is_the_base_to_the_bit(base, adapter, shipped):
    fresh, rows = forward_over(base, 1)
    rows.attach(0, None)
    expected = fresh.advance([], shipped[""]["prompt_ids"])
    forward, rows = forward_over(base, 1)
    rows.attach(0, adapter("hamilton"))
    forward.advance([], shipped["hamilton"]["prompt_ids"])
    rows.attach(0, None)
    assert np.array_equal(forward.advance([], shipped[""]["prompt_ids"]), expected)
