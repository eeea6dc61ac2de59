"""schemathesis against the whole OpenAPI document: no 5xx, answers as documented, every refusal a problem that helps."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.postgres

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
FEW = settings(
    max_examples=12,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="package")
def schema(client: httpx.Client) -> Any:
    document = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    # An endless stream has an answer of its own test; a document that fits no more than one file has too.
    return document.exclude(path_regex="/events$")


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_path_answers_as_documented(schema: Any, mode: GenerationMode) -> None:
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 30
    for operation in operations:
        strategy = operation.as_strategy(generation_mode=mode)

        @FEW
        @given(case=strategy)
        def ask(case: Case) -> None:
            check(case, case.call())

        with suppress(Unsatisfiable):  # a path without parameters can't be asked wrongly
            ask()


def test_paths_that_lead_on_to_each_other_answer_as_documented(schema: Any) -> None:
    class Walk(schema.as_state_machine()):  # type: ignore[misc]
        def validate_response(self, response: Any, case: Case, **_: Any) -> None:
            check(case, response)

    Walk.run(settings=settings(FEW, max_examples=15, stateful_step_count=6))


def check(case: Case, response: Any) -> None:
    case.validate_response(response, checks=CHECKS)
    if 400 <= response.status_code < 500:
        assert response.headers["content-type"][0].startswith("application/problem+json")
        assert len(response.json()["detail"]) > 20
