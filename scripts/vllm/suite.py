"""The client suite: what an unmodified client sees of a server behind the gateway, each part with its receipt checked.

The server serves the shipped base as `quill` and loads adapters when they are asked for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.protocol.stripping import strip_json, strip_stream
from scripts.vllm.starting import BASE
from tests.e2e.serving.checked import check_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx
    import openai

    from ledger.protocol.receipt import Receipt
    from tests.factories.serving_world import ServingWorld

ADAPTER, OTHER = f"{BASE}:austen", f"{BASE}:bierce"
CHAT = [{"role": "user", "content": "It is a truth universally acknowledged, that a single man"}]
PROMPT = "It is a truth universally acknowledged, that a single man"
_ISSUED_SECONDS = 10.0


@dataclass(frozen=True)
class Client:
    """An OpenAI client of the gateway, unmodified, and what its receipts are checked against."""

    openai: openai.OpenAI
    http: httpx.Client
    world: ServingWorld

    def whole(self, **asked: Any) -> tuple[Any, Receipt]:
        """A chat in one piece, and its receipt, checked."""
        raw = self.openai.chat.completions.with_raw_response.create(**asked)
        produced, envelope = strip_json(raw.content)
        assert envelope is not None
        return raw.parse(), check_envelope(self.world, envelope, raw.http_request.content, produced)

    def streamed(self, **asked: Any) -> tuple[str, Receipt]:
        """A streamed completion's text, and its receipt, checked."""
        create = self.openai.completions.with_streaming_response.create
        with create(**asked, stream=True) as raw:
            stream = b"".join(raw.iter_bytes())
            request = raw.http_request.content
        produced, envelope = strip_stream(stream)
        assert envelope is not None
        chunks = self.openai.completions.create(**asked, stream=True)
        text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
        return text, check_envelope(self.world, envelope, request, produced)


def models_are_listed(client: Client) -> None:
    listed = {model.id: model.model_extra or {} for model in client.openai.models.list()}
    assert {BASE, ADAPTER, OTHER} <= listed.keys()
    assert all(extra["identity"] == "declared" for extra in listed.values())


def a_chat_is_answered_and_receipted(client: Client) -> None:
    answer, receipt = client.whole(model=BASE, messages=CHAT, max_tokens=12, temperature=0)
    assert answer.choices[0].message.content
    assert (receipt.input_units, receipt.output_units) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    assert 0 < receipt.output_units <= 12


def a_stream_says_what_the_whole_answer_says(client: Client) -> None:
    asked: dict[str, Any] = {"model": BASE, "prompt": PROMPT, "max_tokens": 16, "temperature": 0}
    text, receipt = client.streamed(**asked)
    whole = client.openai.completions.create(**asked)
    assert text == whole.choices[0].text
    assert whole.usage is not None
    assert receipt.output_units == whole.usage.completion_tokens


def usage_comes_when_it_was_asked_for_and_only_then(client: Client) -> None:
    create = client.openai.chat.completions.create
    asked: dict[str, Any] = {"model": BASE, "messages": CHAT, "max_tokens": 4, "stream": True}
    assert all(chunk.usage is None for chunk in create(**asked))
    last = list(create(**asked, stream_options={"include_usage": True}))[-1]
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens > 0


def adapters_are_loaded_when_asked_for_and_differ(client: Client) -> None:
    asked: dict[str, Any] = {"prompt": PROMPT, "max_tokens": 24, "temperature": 0}
    texts = {name: client.openai.completions.create(model=name, **asked).choices[0].text for name in (BASE, OTHER)}
    assert texts[BASE] != texts[OTHER], "an adapter's answer is the base's"
    _, receipt = client.whole(model=ADAPTER, messages=CHAT, max_tokens=4)
    assert receipt.asset_id == client.world.asset_ids[ADAPTER]


def a_stop_ends_the_text(client: Client) -> None:
    asked: dict[str, Any] = {"model": BASE, "prompt": PROMPT, "max_tokens": 32, "temperature": 0}
    text = client.openai.completions.create(**asked).choices[0].text
    stop = text[len(text) // 2 :][:3]
    cut = client.openai.completions.create(**asked, stop=stop).choices[0]
    assert cut.text == text[: text.index(stop)], "the text goes on after the stop"
    assert cut.finish_reason == "stop"


def several_choices_come_with_log_probabilities(client: Client) -> None:
    answer, receipt = client.whole(model=BASE, messages=CHAT, n=3, max_tokens=5, logprobs=True, top_logprobs=2, seed=7)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    scored = [token for choice in answer.choices for token in choice.logprobs.content]
    assert all(len(token.top_logprobs) >= 2 for token in scored)
    assert receipt.output_units == answer.usage.completion_tokens >= len(scored) - 3


def what_the_gateway_does_not_know_arrives(client: Client) -> None:
    asked: dict[str, Any] = {"model": BASE, "prompt": PROMPT, "max_tokens": 12, "temperature": 0}
    extra = {"ignore_eos": True, "min_tokens": 12, "return_token_ids": True}
    answer = client.openai.completions.create(**asked, extra_body=extra)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 12


def too_long_a_prompt_is_refused_in_openais_words(client: Client) -> None:
    refused = client.http.post("/v1/completions", json={"model": BASE, "prompt": "sea; " * 400, "max_tokens": 8})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "context_length_exceeded", refused.text


def a_client_that_leaves_pays_for_what_it_was_sent(client: Client) -> None:
    asked = {"model": BASE, "messages": CHAT, "max_tokens": 400, "stream": True, "ignore_eos": True}
    with client.http.stream("POST", "/v1/chat/completions", json=asked) as answer:
        request_id = answer.headers["x-request-id"]
        for number, _ in enumerate(answer.iter_raw()):
            if number == 8:
                break
    deadline = time.monotonic() + _ISSUED_SECONDS
    while (found := client.http.get(f"/v1/receipts/{request_id}")).status_code != 200:
        assert time.monotonic() < deadline, "no receipt came"
        time.sleep(0.05)
    assert found.json()["outcome"] == "client_disconnect"
    assert 4 <= found.json()["receipt"]["outputUnits"] < 400


SUITE: tuple[Callable[[Client], None], ...] = (
    models_are_listed,
    a_chat_is_answered_and_receipted,
    a_stream_says_what_the_whole_answer_says,
    usage_comes_when_it_was_asked_for_and_only_then,
    adapters_are_loaded_when_asked_for_and_differ,
    a_stop_ends_the_text,
    several_choices_come_with_log_probabilities,
    what_the_gateway_does_not_know_arrives,
    too_long_a_prompt_is_refused_in_openais_words,
    a_client_that_leaves_pays_for_what_it_was_sent,
)


def run(client: Client) -> Iterator[tuple[str, str | None]]:
    """Each part's name, and what was wrong, if anything."""
    for part in SUITE:
        try:
            part(client)
        except Exception as error:  # noqa: BLE001  whatever a part fails at is what is to be told
            yield part.__name__.replace("_", " "), (str(error).strip() or repr(error)).splitlines()[0]
        else:
            yield part.__name__.replace("_", " "), None
