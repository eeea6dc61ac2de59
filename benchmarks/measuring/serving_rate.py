"""Answers of the embedded engine with and without attribution sets, turn by turn."""

import asyncio
import statistics
import time
from contextlib import aclosing

from ledger.attribution.library import Library
from ledger.attribution.standard import standard_method
from ledger.chain.structs import AttributionMode
from ledger.config import CHECKOUT
from ledger.protocol.attribution import NO_PRIOR
from serving.catalogue.local import LocalModel, read_local_models
from serving.catalogue.served import PinnedModel
from serving.engine.engine import Engine
from serving.engine.request import AdapterReference, GenerationRequest, SamplingParameters
from serving.inference.attribution import AnsweredText, TextAttributor
from serving.inference.call import Call, Endpoint
from serving.onchain.reader import PublishedPrice

MODELS = CHECKOUT / "models"
AT_ONCE, TOKENS = 16, 256
PROMPT = "The several States, and the people of America,"


def rates(library: Library, turns: int, tokens: int = TOKENS) -> dict[str, float]:
    """Tokens a second of the engine alone, and with an attribution set made for each answer of so many tokens."""
    return asyncio.run(_rates(library, turns, tokens))


async def _rates(library: Library, turns: int, tokens: int) -> dict[str, float]:
    models = read_local_models(MODELS)
    adapter = next(model for model in models.adapters if model.prior is not None)
    attributor = TextAttributor(library, library.corpus, standard_method())
    seconds: dict[str, list[float]] = {"without": [], "with": []}
    async with Engine(models.base.path) as engine:
        for turn in range(turns + 1):
            for name, took in seconds.items():
                began = time.perf_counter()
                maker = attributor if name == "with" else None
                answers = (_answer(engine, adapter, library, maker, seed, tokens) for seed in range(AT_ONCE))
                await asyncio.gather(*answers)
                if turn:
                    took.append(time.perf_counter() - began)
    return {name: AT_ONCE * tokens / statistics.median(took) for name, took in seconds.items()}


async def _answer(
    engine: Engine, adapter: LocalModel, library: Library, attributor: TextAttributor | None, seed: int, tokens: int
) -> None:
    sampling = SamplingParameters(max_tokens=tokens, temperature=0.7, seed=seed, ignore_end=True)
    reference = AdapterReference(adapter.model_id, adapter.path, adapter.content_hash)
    request = GenerationRequest(engine.tokenizer.encode(PROMPT), sampling, reference)
    async with aclosing(engine.generate(request)) as chunks:
        text = "".join([chunk.text async for chunk in chunks])
    if attributor is not None:
        await attributor.attribute(AnsweredText(_pinned(adapter, library), _call(adapter), (text,)))


def _pinned(adapter: LocalModel, library: Library) -> PinnedModel:
    ids = {entry.content_hash: entry.asset_id for entry in library.corpus}
    prior = NO_PRIOR if adapter.prior is None else adapter.prior.prior(ids)
    price = PublishedPrice(1, 1)
    return PinnedModel(
        adapter, 1, price, AttributionMode.OPERATOR, admitted=frozenset(ids.values()), licensed=frozenset(ids.values()),
        prior=prior,
    )  # fmt: skip


def _call(adapter: LocalModel) -> Call:
    fields = {"model": adapter.model_id, "prompt": PROMPT}
    return Call(Endpoint.COMPLETION, fields, adapter.model_id, stream=False, include_usage=False)
