"""A pipeline that many end-to-end tests look at: two batches through every stage, on chains of its own."""

from collections.abc import Iterator

import pytest

from tests.e2e.pipeline_world import FIRST, SECOND, Pipeline, copy_of, open_pipeline
from tributary.postgres import PostgresServer

INDEXED = "pipeline_indexed"


@pytest.fixture(scope="session")
def indexed_url(postgres_server: PostgresServer, migrated_template: str) -> Iterator[str]:
    """The pipeline's database, of which tests take copies."""
    yield postgres_server.create_database(INDEXED, migrated_template)
    postgres_server.drop_database(INDEXED)


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory, indexed_url: str) -> Iterator[Pipeline]:
    """A batch that is settled and paid, and a second one that is finalised and indexed, but not settled yet."""
    with open_pipeline(tmp_path_factory.mktemp("pipeline")) as pipeline:
        for lane, count in enumerate((FIRST, SECOND)):
            pipeline.issue(indexed_url, count, lane)
            pipeline.batch(indexed_url)
            pipeline.finalize(indexed_url)
            pipeline.index(indexed_url)
            if lane == 0:
                pipeline.settle(indexed_url)
        yield pipeline


@pytest.fixture
def pipeline_url(pipeline: Pipeline, postgres_server: PostgresServer) -> Iterator[str]:
    """A copy of the database, to be tampered with."""
    with copy_of(postgres_server, INDEXED) as url:
        yield url


@pytest.fixture
def undone(pipeline: Pipeline) -> Iterator[None]:
    """Whatever the test does on the L2 is gone after it."""
    l2 = pipeline.flow.devnet.l2
    snapshot = l2.snapshot()
    yield
    l2.revert(snapshot)
