"""An attester with a real index, and an operator that answers it on a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.factories.draw_scene import Published, Scene, open_scene, publish


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """What the datasets' owners published, and the library of it."""
    return publish(tmp_path_factory.mktemp("published"))


@pytest.fixture
def scene(database_url: str, published: Published) -> Iterator[Scene]:
    """One receipt of a consenting payer, which is drawn."""
    yield from open_scene(database_url, published)
