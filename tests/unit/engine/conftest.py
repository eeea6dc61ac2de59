"""The shipped weights, a tiny checkpoint of another shape, and engines over them."""

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from ledger.protocol.content import content_hash
from serving.engine.adapter import AdapterWeights, read_adapter
from serving.engine.checkpoint import BaseWeights, read_checkpoint
from serving.engine.engine import Engine
from serving.engine.files import read_folder
from serving.engine.request import AdapterReference, GenerationRequest, SamplingParameters, TokenChunk
from serving.engine.tokenizer import Tokenizer

MODELS = Path(__file__).parents[3] / "models"
REFERENCE = Path(__file__).parent / "reference"
NO_LIMIT = 1 << 40

Complete = Callable[[Engine, GenerationRequest], "list[TokenChunk]"]


@pytest.fixture(scope="session")
def models_path() -> Path:
    return MODELS


@pytest.fixture(scope="session")
def reference_path() -> Path:
    return REFERENCE


@pytest.fixture(scope="session")
def base() -> BaseWeights:
    return read_checkpoint(read_folder(MODELS / "base", NO_LIMIT))


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer(read_folder(MODELS / "base", NO_LIMIT))


@pytest.fixture(scope="session")
def adapter(base: BaseWeights) -> Callable[[str], AdapterWeights | None]:
    """Reads a shipped adapter by name; the empty name is the base alone."""
    known = {
        folder.name: read_adapter(read_folder(folder, NO_LIMIT), base.shape, 8)
        for folder in sorted((MODELS / "adapters").iterdir())
    }
    return lambda name: known[name] if name else None


@pytest.fixture(scope="session")
def reference() -> Callable[[str], AdapterReference]:
    """A shipped adapter as a gateway would pin it."""

    def pin(name: str, path: Path | None = None) -> AdapterReference:
        folder = path or MODELS / "adapters" / name
        return AdapterReference(name, folder, content_hash(read_folder(folder, NO_LIMIT).listing()))

    return pin


@pytest.fixture
def request_for(tokenizer: Tokenizer) -> Callable[..., GenerationRequest]:
    """A greedy request for a prompt, with any sampling parameter changed."""

    def build(prompt: str, adapter: AdapterReference | None = None, **sampling: object) -> GenerationRequest:
        chosen = {"max_tokens": 12, "temperature": 0.0} | sampling
        return GenerationRequest(tokenizer.encode(prompt), SamplingParameters(**chosen), adapter)

    return build


@pytest.fixture(scope="session")
def answer():
    """Reads a whole answer: its chunks."""

    async def read(engine: Engine, request: GenerationRequest) -> list[TokenChunk]:
        async with aclosing(engine.generate(request)) as chunks:
            return [chunk async for chunk in chunks]

    return read


@pytest.fixture(scope="session")
def token_ids():
    """All token ids of an answer."""
    return lambda chunks: [i for chunk in chunks for i in chunk.token_ids]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(20_260_101)
