"""Paced upstream servers in processes of their own, and the file that names them to a gateway."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from ledger.config import CHECKOUT


class PacedNode:
    """A server process that can be told to fail, killed, and started again on its port."""

    def __init__(self, name: str, **options: Any) -> None:
        self.name = name
        self._options = {"model": "quill", "keep": 16, **options}
        self._process: subprocess.Popen[str] | None = None
        self.url = "http://127.0.0.1:0"
        self.start()

    def start(self) -> None:
        port = urlsplit(self.url).port
        words = [sys.executable, "-m", "benchmarks.paced_upstream", "--name", self.name, "--port", str(port)]
        for name, value in self._options.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        self._process = subprocess.Popen(words, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said.startswith("Serving "), said
        self.url = said.removeprefix("Serving ").strip()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def control(self, **fields: Any) -> dict[str, Any]:
        """Sets what is given; what the server was asked and did."""
        answer = httpx.post(f"{self.url}/control", json=fields, trust_env=False, timeout=10.0)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    @property
    def seen(self) -> dict[str, Any]:
        return self.control()

    @property
    def last_body(self) -> dict[str, Any]:
        """The body of the last request."""
        return dict(self.seen["bodies"][-1])


@contextmanager
def paced_nodes(*names: str, **options: Any) -> Iterator[list[PacedNode]]:
    """Servers of these names, with options of `python -m benchmarks.paced_upstream`."""
    nodes: list[PacedNode] = []
    try:
        nodes.extend(PacedNode(name, **options) for name in names)
        yield nodes
    finally:
        for node in nodes:
            node.kill()


def write_upstreams(
    path: Path,
    nodes: Sequence[PacedNode],
    models: Path,
    *,
    pool: dict[str, Any] | None = None,
    node_models: str | None = "/srv/models",
    **each: Any,
) -> Path:
    """The file for these nodes, all with the same settings `each`, that serve a folder of models."""
    lines = [f"models_dir = {json.dumps(str(models))}"]
    if node_models is not None:
        lines.append(f"node_models_dir = {json.dumps(node_models)}")
    lines += ["[pool]", *(f"{name} = {json.dumps(value)}" for name, value in (pool or {}).items())]
    for node in nodes:
        settings = {"url": f"{node.url}/v1", "name": node.name, "kind": "vllm", **each}
        lines += ["[[node]]", *(f"{name} = {json.dumps(value)}" for name, value in settings.items())]
    path.write_text("\n".join(lines) + "\n")
    return path
