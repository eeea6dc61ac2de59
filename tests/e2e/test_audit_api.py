"""An API that lies, is behind, or breaks off: the audit names the lie, or says in one sentence why it can't go on."""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.middleman import between
from tests.e2e.pipeline_world import FIRST, SECOND, Pipeline, api_server, copy_of

pytestmark = pytest.mark.e2e
Json = dict


@pytest.fixture(scope="module")
def true_api(pipeline: Pipeline, indexed_url: str) -> Iterator[str]:
    """The pipeline's own API, untouched."""
    with api_server(indexed_url) as url:
        yield url


def audited(
    pipeline: Pipeline, true_api: str, path: str, change: Callable[[Json], Json | bytes | None]
) -> tuple[int, Json, str]:
    """The audit of an API whose answers at paths that begin so are changed."""

    def rewrite(asked: str, _: bytes, answer: bytes) -> bytes | None:
        if not asked.startswith(path):
            return answer
        changed = change(json.loads(answer))
        return json.dumps(changed).encode() if isinstance(changed, dict) else changed

    with between(true_api, rewrite) as lying:
        return pipeline.audit(lying)


def without_item(number: int) -> Callable[[Json], Json]:
    return lambda page: page | {"items": [item for n, item in enumerate(page["items"]) if n != number]}


def test_a_contributor_who_is_hidden_is_named(pipeline, true_api):
    code, report, _ = audited(pipeline, true_api, "/v1/contributors?", without_item(0))
    assert code == 1
    assert (report["first"]["field"], report["first"]["expected"], report["first"]["found"]) == (
        "line",
        "there",
        "not there",
    )


def test_a_contributor_who_is_invented_is_named(pipeline, true_api):
    def invent(page: Json) -> Json:
        return page | {"items": [*page["items"], page["items"][0] | {"address": "0x" + "ab" * 20}]}

    code, report, _ = audited(pipeline, true_api, "/v1/contributors?", invent)
    assert code == 1
    assert report["first"]["place"] == f"contributor 0x{'ab' * 20} in the API"


def test_a_batch_that_is_hidden_is_named(pipeline, true_api):
    code, report, _ = audited(pipeline, true_api, "/v1/batches?", without_item(1))
    assert (code, report["first"]["expected"], report["first"]["found"]) == (1, "[1, 2]", "[2]")


def test_receipts_that_are_hidden_or_doubled_are_named(pipeline, true_api):
    path = "/v1/batches/1/receipts?"
    code, report, _ = audited(pipeline, true_api, path, without_item(FIRST - 1))
    assert (code, report["first"]["position"], report["first"]["found"]) == (1, FIRST - 1, "not there")
    code, report, _ = audited(
        pipeline, true_api, path, lambda page: page | {"items": [*page["items"], page["items"][-1]]}
    )
    assert (code, report["first"]["position"], report["first"]["expected"]) == (1, FIRST, "not there")


def test_pages_of_any_size_are_read_to_the_end(pipeline, true_api, monkeypatch):
    monkeypatch.setattr("audit.statements.api.PAGE", 7)  # this story would fit into one page of the usual size
    code, report, _ = pipeline.audit(true_api)
    assert (code, report["differences"], report["receipts"]) == (0, 0, FIRST + SECOND)


def test_an_api_on_another_fork_is_named(pipeline, true_api):
    def fork(status: Json) -> Json:
        status["read_at"]["l2"]["finalized"]["hash"] = "0x" + "22" * 32
        return status

    code, report, _ = audited(pipeline, true_api, "/v1/status", fork)
    assert code == 1
    assert report["first"]["field"].startswith("hash of the finalised L2 block")


def test_an_api_that_is_behind_is_compared_at_its_own_block(pipeline, true_api):
    pipeline.flow.devnet.mine(5)
    code, report, _ = pipeline.audit(true_api)
    assert code == 0
    assert report["l2_block"]["number"] < pipeline.flow.devnet.l2.block_number("finalized")


def test_an_api_that_moves_on_while_it_is_read_is_no_difference(pipeline, true_api):
    """What its newer figures would be compared with was not read: the audit asks to be started again."""
    block = pipeline.flow.devnet.l2.block_number("finalized")
    code, report, output = pipeline.audit(true_api, "--through", str(block // 2))
    assert (code, report) == (2, {})
    assert "while the API was read; start the audit again" in output


@pytest.mark.parametrize(
    ("path", "change", "sentence"),
    [
        ("/v1/status", lambda _: b"<html>", "with no JSON"),
        ("/v1/status", lambda _: b"[" * 100_000, "with no JSON"),
        ("/v1/status", lambda status: status | {"read_at": None}, "has no field read_at.l2.finalized"),
        ("/v1/status", lambda status: status | {"conservation": {"holds": True}}, "has no field came_in"),
        ("/v1/batches/1", lambda _: {}, "has no field operator"),
        ("/v1/batches?", lambda page: page | {"next_cursor": "WzEsMF0"}, "in a circle"),
        ("/v1/contributors?", lambda _: None, "does not answer"),
    ],
)
def test_an_api_that_breaks_off_or_answers_nonsense_ends_the_audit_with_one_sentence(
    pipeline, true_api, path, change, sentence
):
    code, report, output = audited(pipeline, true_api, path, change)
    assert (code, report) == (2, {})
    assert output.startswith("The audit could not be finished: ")
    assert sentence in output
    assert "Traceback" not in output


def test_an_empty_index_is_waited_for(pipeline, postgres_server, migrated_template):
    with copy_of(postgres_server, migrated_template) as empty, api_server(empty) as api:
        code, _, output = pipeline.audit(api)
    assert code == 2
    assert "answers /v1/status with HTTP 503" in output
