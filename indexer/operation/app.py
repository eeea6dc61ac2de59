"""GET /health, /ready, /status and /metrics of a running indexer."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from indexer.operation.metrics import IndexerCollector, metrics_page
from indexer.summary import Summary, summarize
from ledger.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from indexer.operation.watch import LoopState, Watch
    from indexer.settings import IndexerSettings


def build_app(watch: Watch, settings: IndexerSettings) -> FastAPI:
    """The application over the loops of this process and the database that they write."""
    app = FastAPI(title="Tributary indexer", docs_url=None, redoc_url=None, openapi_url=None)
    url = settings.database_url.get_secret_value()

    def summary() -> Summary | None:
        try:
            return summarize(url)
        except DatabaseUnavailableError:
            return None

    @app.get("/health")
    def health() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/ready")
    def ready() -> Response:
        """200 if the rows are current, else 503 with the reasons."""
        reasons = watch.not_ready(settings.ready_seconds, settings.ready_blocks)
        content = {"status": "unavailable" if reasons else "ready", "reasons": reasons}
        return JSONResponse(content, 503 if reasons else 200)

    @app.get("/status")
    def status() -> dict[str, Any]:
        """Where each loop and each chain stands; `index` is null while the database is away."""
        held = summary()
        loops = {name: _loop(loop, watch.clock()) for name, loop in watch.loops().items()}
        return {"loops": loops, "index": None if held is None else asdict(held)}

    @app.get("/metrics")
    def metrics() -> Response:
        """Prometheus' exposition format."""
        return Response(metrics_page(IndexerCollector(watch, summary)), media_type=CONTENT_TYPE_LATEST)

    return app


def _loop(loop: LoopState, now: float) -> dict[str, Any]:
    """A loop as JSON; `now` is the watch's clock in seconds, and no float here is money."""
    idle = None if loop.succeeded_at is None else round(now - loop.succeeded_at, 3)
    behind = {"indexed_block": loop.indexed_block, "chain_block": loop.chain_block, "blocks_behind": loop.blocks_behind}
    work = {"logs": loop.logs, "batches": loop.batches, "receipts": loop.receipts, "fetching": loop.fetching}
    return {"idle_seconds": idle, "waiting_for": loop.waiting_for, "failures": loop.failures, **behind, **work}
