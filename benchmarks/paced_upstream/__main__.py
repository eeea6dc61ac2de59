"""`python -m benchmarks.paced_upstream`."""

import argparse
import asyncio
import contextlib
import signal

import uvloop

from benchmarks.paced_upstream.behaviour import FAULTS, Behaviour
from benchmarks.paced_upstream.connection import Connection
from benchmarks.paced_upstream.server import PacedServer


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paced_upstream", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--name", default="node", help="shown in every answer's system_fingerprint")
    parser.add_argument("--model", action="append", help="a model's name; may be repeated (default: quill)")
    parser.add_argument("--first-token-ms", type=float, default=20.0)
    parser.add_argument("--tokens-per-second", type=float, default=200.0, help="of one stream; 0 knows no pause")
    parser.add_argument("--tokens", type=int, default=16, help="length of an answer for which no most was asked")
    parser.add_argument("--tokens-per-event", type=int, default=1)
    parser.add_argument("--no-runtime-adapters", action="store_true")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--keep", type=int, default=0, help="request bodies to keep for GET /control")
    parser.add_argument("--fault", choices=FAULTS, default="none")
    return parser.parse_args()


async def serve(asked: argparse.Namespace) -> None:
    behaviour = Behaviour(
        first_token_ms=asked.first_token_ms,
        tokens_per_second=asked.tokens_per_second,
        tokens=asked.tokens,
        tokens_per_event=asked.tokens_per_event,
        fault=asked.fault,
        runtime_adapters=not asked.no_runtime_adapters,
        api_key=asked.api_key,
        keep=asked.keep,
    )
    paced = PacedServer(asked.name, asked.model or ["quill"], behaviour)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(paced.answer), asked.host, asked.port, backlog=2048)
    print(f"Serving http://{asked.host}:{server.sockets[0].getsockname()[1]}", flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
    server.close()


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, contextlib.suppress(KeyboardInterrupt):
        runner.run(serve(arguments()))


if __name__ == "__main__":
    main()
