"""How the server behaves: its pace, its models, and the fault that it shows."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

FAULTS = {
    "none": "answers",
    "hung": "takes requests and never answers, health included",
    "stuck": "answers /health and never anything else, as an engine does that deadlocked",
    "silent": "begins a stream and never sends a token",
    "stall": "stops in the middle of a stream and keeps the connection",
    "cut": "closes the connection after `after` tokens",
    "drop": "closes the connection before it answers",
    "garbage": "answers 200 with a page of HTML",
    "nonsense": "answers 200 with JSON of another form",
    "noise": "answers with bytes that are not HTTP",
    "broken_stream": "sends an event that is not JSON after `after` tokens",
    "error_event": "sends an error event after `after` tokens",
    "busy": "answers 429 with Retry-After 2",
    "error": "answers 500",
    "context": "answers 400: the prompt is too long",
    "unauthorized": "answers 401",
    "no_usage": "never says how many tokens there were",
    "zero_usage": "says that there were no tokens",
    "greedy_usage": "says that there were a million tokens",
    "no_finish": "ends a stream without saying why, and without [DONE]",
}


@dataclass
class Behaviour:
    """Pace and fault; every field can be set by `POST /control`."""

    first_token_ms: float = 20.0
    tokens_per_second: float = 200.0
    slowness: float = 1.0
    """Factor on all times, health excepted."""
    tokens: int = 16
    """Length of an answer for which no most was asked."""
    tokens_per_event: int = 1
    fault: str = "none"
    after: int = 3
    runtime_adapters: bool = True
    adapter_load_ms: float = 5.0
    api_key: str = ""
    keep: int = 64
    """How many request bodies `GET /control` shows."""

    @property
    def first_token_seconds(self) -> float:
        return self.first_token_ms * self.slowness / 1000

    def event_seconds(self, tokens: int) -> float:
        """Pause before an event of so many tokens."""
        return tokens * self.slowness / self.tokens_per_second if self.tokens_per_second > 0 else 0.0

    def change(self, fields: dict[str, Any]) -> None:
        """Takes new values; ValueError if one is not known."""
        known = {one.name for one in dataclasses.fields(self)}
        for name, value in fields.items():
            if name not in known or (name == "fault" and value not in FAULTS):
                raise ValueError(f"no such thing to set: {name} = {value!r}")
            setattr(self, name, value)


@dataclass
class Seen:
    """What the server was asked and what it sent."""

    requests: int = 0
    running: int = 0
    most_running: int = 0
    tokens_sent: int = 0
    cancelled: int = 0
    loads: list[str] = field(default_factory=list)
    unloads: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def begin(self, headers: dict[str, str], body: bytes, keep: int) -> None:
        self.requests += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        if keep:
            self.bodies = [*self.bodies, json.loads(body)][-keep:]
            self.headers = [*self.headers, headers][-keep:]
