"""`tributary serve`."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from ledger.protocol.hexadecimal import to_hex
from serving.assembly import assemble
from serving.server import listen, port_of, serve
from serving.settings import ServingSettings

app = typer.Typer(add_completion=False)


@app.command()
def main(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else SERVING_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, 0 for a free one; else SERVING_PORT.")] = None,
    lane: Annotated[
        int | None, typer.Option(help="Lane whose receipts this gateway writes; else SERVING_LANE.")
    ] = None,
    models: Annotated[Path | None, typer.Option(help="Folder of models; else SERVING_MODELS_DIR.")] = None,
    upstreams: Annotated[
        Path | None, typer.Option(help="TOML file of the servers that answer; else SERVING_UPSTREAMS.")
    ] = None,
    adapter_memory: Annotated[
        int | None, typer.Option(help="Bytes of memory for adapters; else SERVING_ADAPTER_MEMORY_BYTES.")
    ] = None,
) -> None:
    """Answer OpenAI-compatible requests; every answer leaves a signed, durable receipt.

    Needs the operator's address (SERVING_OPERATOR) and the secret key of its lane (SERVING_LANE_KEY), registered with
    the Operators contract, an L2 node (L2_RPC_URL), the deployment file and PostgreSQL (DATABASE_URL).
    """
    settings = ServingSettings.load(
        host=host,
        port=port,
        lane=lane,
        models_dir=models,
        upstreams=upstreams,
        adapter_memory_bytes=adapter_memory,
    )
    gateway = assemble(settings)
    listener = listen(settings.host, settings.port)
    address = f"http://{settings.host}:{port_of(listener)}"

    def started() -> None:
        _keep_what_stands()
        operator = to_hex(settings.operator)
        typer.echo(f"Serving {address}/v1 for operator {operator}, lane {settings.lane}.")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, listener:
        runner.run(serve(gateway, listener, started))


def _keep_what_stands() -> None:
    """What was made until now stays to the end: the collector need not walk over it again, and garbage is rare.

    A request's objects die by their reference counts; collections over every module would only hold up the answers.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
