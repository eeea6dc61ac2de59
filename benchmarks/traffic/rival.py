"""LiteLLM's proxy, installed when it is first wanted, in front of the same upstream and with the same PostgreSQL.

Its own spend table needs Prisma's engine, a program that no package registry has; so its spend goes through its
callback interface into a table of the same columns: one INSERT for each answer, after it, on a pool of its own.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.traffic.client import Target
from benchmarks.traffic.processes import Running, Starting, starting
from ledger.config import state_folder
from tributary.ports import free_port

PINNED = ("litellm[proxy]==1.106.2", "psycopg[binary,pool]==3.3.9")
MODEL, KEY = "quill", "sk-benchmark"
_TABLE = """
CREATE TABLE IF NOT EXISTS litellm_spend_logs (
    request_id text PRIMARY KEY, call_type text, api_key text, spend double precision, total_tokens int,
    prompt_tokens int, completion_tokens int, start_time timestamptz, end_time timestamptz, model text
)
"""
_CALLBACK = """
import os

from litellm.integrations.custom_logger import CustomLogger
from psycopg_pool import AsyncConnectionPool

INSERT = (
    "INSERT INTO litellm_spend_logs VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)


class Spend(CustomLogger):
    pool = None

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        if self.pool is None:
            self.pool = AsyncConnectionPool(
                os.environ["SPEND_URL"], min_size=1, max_size=8, open=False, kwargs={"autocommit": True}
            )
            await self.pool.open()
        used = getattr(response_obj, "usage", None)
        prompt, answer = getattr(used, "prompt_tokens", 0), getattr(used, "completion_tokens", 0)
        words = (
            kwargs.get("litellm_call_id"), kwargs.get("call_type"), "key", kwargs.get("response_cost") or 0.0,
            prompt + answer, prompt, answer, start_time, end_time, kwargs.get("model"),
        )
        async with self.pool.connection() as connection:
            await connection.execute(INSERT, words)


spend = Spend()
"""
_CONFIG = """
model_list:
  - model_name: {model}
    litellm_params:
      model: openai/{model}
      api_base: {upstream}/v1
      api_key: none
      input_cost_per_token: 0.000003
      output_cost_per_token: 0.000009
litellm_settings:
  callbacks: spend_callback.spend
  telemetry: false
  num_retries: 0
general_settings:
  master_key: {key}
"""


def folder() -> Path:
    return state_folder() / "bench-litellm"


def program(*, may_install: bool) -> Path | None:
    """The installed proxy; None where it is not and can't be, or may not."""
    proxy = folder() / "bin" / "litellm"
    marker = folder() / "installed.txt"
    if not (marker.is_file() and marker.read_text() == "\n".join(PINNED)):
        if not may_install:
            print("LiteLLM's proxy is not installed; a run without --quick does that.", file=sys.stderr)
            return None
        print("Installing LiteLLM's proxy beside the benchmark …", file=sys.stderr)
        steps = (
            [sys.executable, "-m", "venv", str(folder())],
            [str(folder() / "bin" / "pip"), "install", "-q", *PINNED],
        )
        for words in steps:
            done = subprocess.run(words, check=False, capture_output=True, text=True)
            if done.returncode:
                said = (done.stderr.strip() or "no reason given").splitlines()[-1]
                print(f"LiteLLM can't be installed here and is left out: {said}", file=sys.stderr)
                return None
        marker.write_text("\n".join(PINNED))
    return proxy


@contextmanager
def litellm(
    upstream: Running, database_url: str, scratch: Path, *, may_install: bool
) -> Iterator[tuple[Target, Starting] | None]:
    """LiteLLM's proxy with one worker, as its own command starts it; None where it can't be had."""
    proxy = program(may_install=may_install)
    if proxy is None:
        yield None
        return
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_TABLE)
    (scratch / "spend_callback.py").write_text(_CALLBACK)
    config = scratch / "litellm.yaml"
    config.write_text(_CONFIG.format(model=MODEL, upstream=upstream.url, key=KEY))
    port = free_port()
    words = [str(proxy), "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    environment = {
        "SPEND_URL": database_url, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR",
        "PYTHONPATH": str(scratch), "HOME": os.environ.get("HOME", str(scratch)), "NO_DOCS": "True",
    }  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with starting(words, scratch / "litellm.log", environment, f"{url}/health/liveliness") as started:
        yield Target("LiteLLM", url, MODEL, (KEY,)), started


def spend_rows(database_url: str) -> int:
    """Answers that it has logged."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM litellm_spend_logs").fetchone()
    return int(row[0]) if row else 0
