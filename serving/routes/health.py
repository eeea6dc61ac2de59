"""GET /health, /ready and /metrics: for supervisors and load balancers."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from serving.gateway import Gateway

router = APIRouter(tags=["operation"])


@router.get("/health")
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(request: Request) -> Response:
    """200 if requests would be served now, else 503 with the reasons."""
    gateway: Gateway = request.app.state.gateway
    reasons = gateway.not_ready()
    content = {"status": "unavailable" if reasons else "ready", "reasons": reasons}
    return JSONResponse(content, 503 if reasons else 200)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus' exposition format."""
    gateway: Gateway = request.app.state.gateway
    return Response(gateway.metrics.page(), media_type=CONTENT_TYPE_LATEST)
