"""The file that names upstream nodes and what they serve; docs/serving.md shows one."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator

from ledger.errors import MalformedInputError, SettingsError
from ledger.named_files import read_named
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.units import MAX_U24

_MOST_BYTES = 2**20


def _hash(value: object) -> bytes:
    try:
        return from_hex(value, 32)
    except MalformedInputError as error:
        raise ValueError("it must be a contentHash, 0x and 64 hex digits") from error


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NodeSettings(_Table):
    """One server.

    Attributes:
        url: its base address, as a client of OpenAI's takes it (`http://10.0.0.11:8000/v1`).
        name: what it is called in logs and metrics; host and port by default.
        kind: `vllm` also loads adapters at run time and says in every event how many tokens there were.
        weight: its share of the work, beside the others'.
        max_running: answers that it computes at once; more wait here.
        health: path on the server that answers 200 while it is well.
        api_key, api_key_file: what it wants as bearer.
        max_adapters: adapters that the gateway keeps loaded on it.
        drain: gets nothing new; what runs ends.
    """

    url: str = Field(pattern=r"^https?://[^/\s]+(/[^\s]*)?$")
    name: str = ""
    kind: Literal["openai", "vllm"] = "openai"
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    max_running: int = Field(default=64, ge=1)
    health: str = "/health"
    api_key: SecretStr | None = None
    api_key_file: Path | None = None
    max_adapters: int = Field(default=32, ge=1)
    drain: bool = False

    @property
    def label(self) -> str:
        return self.name or urlsplit(self.url).netloc

    @property
    def base_url(self) -> str:
        return self.url.rstrip("/")

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def bearer(self) -> str | None:
        """The key that the node wants.

        Raises:
            SettingsError: its file can't be read, or it is nothing that a header can carry.
        """
        key = self._key()
        if key is not None and not (key.isascii() and key.isprintable()):
            raise SettingsError(f"The key of {self.label} has characters that no bearer can have.")
        return key

    def _key(self) -> str | None:
        if self.api_key_file is None:
            return None if self.api_key is None else self.api_key.get_secret_value()
        try:
            return self.api_key_file.read_text("ascii").strip()
        except OSError as error:
            raise SettingsError(f"The key of {self.label} can't be read: {error.strerror}.") from error
        except UnicodeDecodeError:
            raise SettingsError(f"The key of {self.label} is no text.") from None


class ModelSettings(_Table):
    """One model or adapter that the nodes serve.

    Attributes:
        id: what a request's `model` says.
        content_hash: under which it is registered. The nodes load the files, so this is declared, not verified.
        kind, base: an adapter names its model.
        upstream_model: what the nodes call it; its id by default.
        adapter_path: folder of the adapter as the nodes see it: it is loaded when first asked for.
        local_path: the same folder as this machine sees it: its content is checked before each load.
        context_tokens: prompt and answer together.
        max_output_tokens: most that an answer may have, also if the client names no most.
        template_tokens: most that a chat template adds to what a client sends.
        hidden_tokens: answers have tokens that are billed and not sent (reasoning that stays inside).
    """

    id: str = Field(min_length=1)
    content_hash: Annotated[bytes, BeforeValidator(_hash)]
    kind: Literal["model", "adapter"] = "model"
    base: str | None = None
    upstream_model: str | None = None
    adapter_path: str | None = None
    local_path: Path | None = None
    context_tokens: int = Field(ge=1, le=MAX_U24)
    max_output_tokens: int | None = Field(default=None, ge=1, le=MAX_U24)
    template_tokens: int = Field(default=512, ge=0)
    hidden_tokens: bool = False
    licence: str = ""

    @model_validator(mode="after")
    def _has_base(self) -> Self:
        if (self.kind == "adapter") != (self.base is not None):
            raise ValueError("an adapter names its base, and a model has none")
        return self


class PoolSettings(_Table):
    """How nodes are watched and asked.

    Attributes:
        attempts: nodes that one request is tried on before its first token.
        probe_seconds: pause between two looks at a node's health.
        connect_seconds: longest wait for a connection, and for an answer to a look.
        first_token_seconds: longest wait for a first token where no other node could take over.
        answer_seconds: longest wait for an answer in one piece, likewise.
        stall_seconds: longest silence in the middle of an answer.
        slow_factor: a node that takes so many times its own 99th percentile is left for another.
        slow_floor_seconds: … but never sooner than this.
        adapter_units: tokens of work that a node without the adapter seems busier by.
        max_wait_seconds: requests that would wait longer for a place are refused.
        max_waiting_units: tokens of work that may wait while the nodes' speed is not known.
        patience_seconds: how long a request waits for a node to come back when there is none.
        max_answer_bytes: longest answer in one piece, and longest event.
    """

    attempts: int = Field(default=3, ge=1)
    probe_seconds: float = Field(default=0.5, gt=0)
    connect_seconds: float = Field(default=0.5, gt=0)
    first_token_seconds: float = Field(default=120.0, gt=0)
    answer_seconds: float = Field(default=600.0, gt=0)
    stall_seconds: float = Field(default=60.0, gt=0)
    slow_factor: float = Field(default=3.0, gt=1)
    slow_floor_seconds: float = Field(default=0.1, gt=0)
    adapter_units: int = Field(default=2_048, ge=0)
    max_wait_seconds: float = Field(default=20.0, gt=0)
    max_waiting_units: int = Field(default=65_536, ge=1)
    patience_seconds: float = Field(default=2.0, ge=0)
    max_answer_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)


class UpstreamsFile(_Table):
    """The whole file.

    Attributes:
        node: the servers.
        model: what they serve, one by one; or, where they serve a folder of models with a manifest,
        models_dir: that folder as this machine sees it, and
        node_models_dir: as the nodes see it, to load adapters from; without it they have them already.
        pool: everything about watching and asking.
    """

    node: tuple[NodeSettings, ...] = Field(min_length=1)
    model: tuple[ModelSettings, ...] = ()
    models_dir: Path | None = None
    node_models_dir: str | None = None
    pool: PoolSettings = PoolSettings()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        labels = [node.label for node in self.node]
        if len(set(labels)) != len(labels):
            raise ValueError("two nodes have the same name")
        if not self.model and self.models_dir is None:
            raise ValueError("it names no model: give [[model]] tables, or models_dir")
        loads = self.node_models_dir is not None or any(model.adapter_path for model in self.model)
        if loads and all(node.kind != "vllm" for node in self.node):
            raise ValueError("adapters are loaded at run time only on nodes of kind vllm")
        return self


def read_upstreams(path: Path) -> UpstreamsFile:
    """The file's content; paths in it are relative to it.

    Raises:
        SettingsError: it can't be read or is not as it should be; the sentence names the place.
    """
    try:
        content = tomllib.loads(read_named(path, _MOST_BYTES).decode())
        found = UpstreamsFile.model_validate(_anchored(content, path.parent))
    except MalformedInputError as error:
        raise SettingsError(str(error)) from error
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, problem["loc"])) or "it"
        sentence = problem["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{path} is wrong at {place}: {sentence}.") from None  # it may hold keys
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is not TOML: {error}.") from error
    return found


def _anchored(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same with `models_dir` counted from the file's own folder."""
    models_dir = fields.get("models_dir")
    return fields | {"models_dir": str(folder / models_dir)} if isinstance(models_dir, str) else fields
