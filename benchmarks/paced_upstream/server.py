"""What the server answers on each path."""

import asyncio
import json
from dataclasses import asdict, fields
from typing import Any

from pydantic_core import from_json, to_json

from benchmarks.paced_upstream import bodies
from benchmarks.paced_upstream.behaviour import Behaviour, Seen
from benchmarks.paced_upstream.bodies import Asked
from benchmarks.paced_upstream.connection import Connection, Request

_KINDS = {"/v1/chat/completions": "chat", "/v1/completions": "completion", "/v1/embeddings": "embedding"}
_NO_SUCH_MODEL = "The model `{}` does not exist."


class PacedServer:
    """Models by name, adapters as they are loaded, and a behaviour that can change."""

    def __init__(self, name: str, models: list[str], behaviour: Behaviour) -> None:
        self.name = name
        self.models = models
        self.adapters: dict[str, str] = {}
        self.behaviour = behaviour
        self.seen = Seen()

    async def answer(self, connection: Connection, request: Request) -> None:
        """Answers one request, or fails as it was told to."""
        if request.path == "/control":
            self._control(connection, request)
        elif self.behaviour.fault == "hung":
            await asyncio.Event().wait()
        elif request.path == "/health":
            connection.whole(200, b"")
        elif self.behaviour.api_key and request.headers.get("authorization") != f"Bearer {self.behaviour.api_key}":
            connection.whole(401, bodies.error("Unauthorized", "AuthenticationError", 401))
        elif request.path in _KINDS:
            await self._infer(connection, request)
        else:
            await self._manage(connection, request)

    def _control(self, connection: Connection, request: Request) -> None:
        if request.method == "POST":
            try:
                self.behaviour.change(json.loads(request.body))
            except ValueError as error:
                connection.whole(400, bodies.error(str(error), "BadRequest", 400))
                return
        shown = {f.name: getattr(self.behaviour, f.name) for f in fields(self.behaviour)}
        connection.whole(200, to_json(asdict(self.seen) | {"behaviour": shown, "adapters": self.adapters}))

    async def _manage(self, connection: Connection, request: Request) -> None:
        """Models, and vLLM's adapters."""
        if request.path == "/v1/models":
            names = [*self.models, *self.adapters]
            data = [{"id": n, "object": "model", "created": 1, "owned_by": "paced"} for n in names]
            connection.whole(200, to_json({"object": "list", "data": data}))
        elif request.path == "/v1/load_lora_adapter" and self.behaviour.runtime_adapters:
            await asyncio.sleep(self.behaviour.adapter_load_ms / 1000)
            self._load(connection, json.loads(request.body))
        elif request.path == "/v1/unload_lora_adapter" and self.behaviour.runtime_adapters:
            self._unload(connection, json.loads(request.body))
        else:
            connection.whole(404, b'{"detail":"Not Found"}')

    def _load(self, connection: Connection, asked: dict[str, str]) -> None:
        name, path = asked["lora_name"], asked["lora_path"]
        if name in self.adapters:
            message = f"The lora adapter '{name}' has already been loaded."
            connection.whole(400, bodies.error(message, "InvalidUserInput", 400))
            return
        self.adapters[name] = path
        self.seen.loads.append(name)
        connection.whole(200, f"Success: LoRA adapter '{name}' added successfully.".encode(), "text/plain")

    def _unload(self, connection: Connection, asked: dict[str, str]) -> None:
        name = asked["lora_name"]
        if self.adapters.pop(name, None) is None:
            message = f"The lora adapter '{name}' cannot be found."
            connection.whole(404, bodies.error(message, "NotFoundError", 404))
            return
        self.seen.unloads.append(name)
        connection.whole(200, f"Success: LoRA adapter '{name}' removed successfully.".encode(), "text/plain")

    async def _infer(self, connection: Connection, request: Request) -> None:
        self.seen.begin(request.headers, request.body, self.behaviour.keep)
        try:
            if not await self._failed(connection):
                await self._produce(connection, _KINDS[request.path], from_json(request.body))
        except asyncio.CancelledError:
            self.seen.cancelled += 1
            raise
        finally:
            self.seen.running -= 1

    async def _failed(self, connection: Connection) -> bool:
        """Whether a fault that comes before any answer has been shown."""
        fault = self.behaviour.fault
        if fault == "stuck":
            await asyncio.Event().wait()
        elif fault == "drop":
            connection.close()
        elif fault == "noise":
            connection.write(b"\x00\xff garbage \r\n\r\n")
        elif fault == "garbage":
            connection.whole(200, b"<html><body>It works!</body></html>", "text/html")
        elif fault == "nonsense":
            connection.whole(200, b'{"choices":"many","usage":[]}')
        elif fault == "busy":
            connection.whole(429, bodies.error("Too many requests", "RateLimit", 429), extra="retry-after: 2\r\n")
        elif fault == "error":
            connection.whole(500, bodies.error("EngineCore died", "InternalServerError", 500))
        elif fault == "unauthorized":
            connection.whole(401, bodies.error("Unauthorized", "AuthenticationError", 401))
        elif fault == "context":
            sentence = "This model's maximum context length is 128 tokens. However, you requested 999 tokens."
            connection.whole(400, bodies.error(sentence, "BadRequestError", 400))
        else:
            return False
        return True

    async def _produce(self, connection: Connection, kind: str, body: dict[str, Any]) -> None:
        length = body.get("max_completion_tokens") or body.get("max_tokens") or self.behaviour.tokens
        asked = Asked(kind, body, int(length))
        if asked.model not in self.models and asked.model not in self.adapters:
            connection.whole(404, bodies.error(_NO_SUCH_MODEL.format(asked.model), "NotFoundError", 404, "model"))
        elif kind == "embedding":
            await asyncio.sleep(self.behaviour.first_token_seconds)
            connection.whole(200, self._embeddings(asked))
        elif asked.streamed:
            await self._stream(connection, asked)
        else:
            await asyncio.sleep(self.behaviour.first_token_seconds + self.behaviour.event_seconds(asked.length))
            connection.whole(200, self._whole(asked))

    def _fingerprint(self, asked: Asked) -> str:
        return f"{self.name}:{self.adapters.get(asked.model, '')}"

    def _whole(self, asked: Asked) -> bytes:
        choices = [asked.whole(index, bodies.text_of(asked.length)) for index in range(asked.choices)]
        self.seen.tokens_sent += asked.length * asked.choices
        body = asked.frame(whole=True, fingerprint=self._fingerprint(asked)) | {"choices": choices}
        used = asked.usage(asked.length * asked.choices, self.behaviour.fault)
        return to_json(body | {"echoed": asked.fields} | ({} if used is None else {"usage": used}))

    def _embeddings(self, asked: Asked) -> bytes:
        texts = asked.fields["input"]
        count = len(texts) if isinstance(texts, list) and not isinstance(texts[0], int) else 1
        data = [{"object": "embedding", "index": i, "embedding": [0.25 * (i + 1), -1e-05]} for i in range(count)]
        used = asked.usage(0, self.behaviour.fault)
        body = {"object": "list", "data": data, "model": asked.model}
        return to_json(body if used is None else body | {"usage": used})

    async def _stream(self, connection: Connection, asked: Asked) -> None:
        behaviour, fault = self.behaviour, self.behaviour.fault
        frame = asked.frame(whole=False, fingerprint=self._fingerprint(asked))
        connection.begin_stream()
        roles = [asked.piece(i, "") | {"delta": {"role": "assistant", "content": ""}} for i in range(asked.choices)]
        if asked.kind == "chat":
            connection.part(bodies.event(frame | {"choices": roles}))
        if fault == "silent":
            await asyncio.Event().wait()
        await asyncio.sleep(behaviour.first_token_seconds)
        sent = 0
        while sent < asked.length:
            if sent >= behaviour.after and await self._broke(connection, fault):
                return
            count = min(behaviour.tokens_per_event, asked.length - sent)
            if sent:
                await asyncio.sleep(behaviour.event_seconds(count))
            text = bodies.text_of(count, sent)
            sent += count
            self.seen.tokens_sent += count * asked.choices
            connection.part(b"".join(self._events(frame, asked, text, sent)))
        if fault != "no_finish":
            self._finish(connection, frame, asked, sent)
        connection.end_stream()

    def _events(self, frame: dict[str, Any], asked: Asked, text: str, sent: int) -> list[bytes]:
        used = (
            asked.usage(sent * asked.choices, self.behaviour.fault) if asked.option("continuous_usage_stats") else None
        )
        extra = {} if used is None else {"usage": used}
        return [bodies.event(frame | {"choices": [asked.piece(i, text)]} | extra) for i in range(asked.choices)]

    def _finish(self, connection: Connection, frame: dict[str, Any], asked: Asked, sent: int) -> None:
        ends = [bodies.event(frame | {"choices": [asked.piece(i, "", "length")]}) for i in range(asked.choices)]
        used = asked.usage(sent * asked.choices, self.behaviour.fault) if asked.option("include_usage") else None
        last = [] if used is None else [bodies.event(frame | {"choices": [], "usage": used})]
        connection.part(b"".join([*ends, *last, b"data: [DONE]\n\n"]))

    async def _broke(self, connection: Connection, fault: str) -> bool:
        """Whether a fault that comes in the middle of a stream has been shown."""
        if fault == "cut":
            connection.close()
        elif fault == "stall":
            await asyncio.Event().wait()
        elif fault == "broken_stream":
            connection.part(b"data: {broken\n\n")
            connection.end_stream()
        elif fault == "error_event":
            connection.part(b"data: " + bodies.error("EngineCore died", "InternalServerError", 500) + b"\n\n")
            connection.end_stream()
        else:
            return False
        return True
