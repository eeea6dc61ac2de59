"""The application: routes under /v1, problem+json, entity tags, OpenAPI at /docs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware

from api.earners import Earners
from api.etags import EntityTags
from api.events import Movements
from api.explain.kept_files import KeptFiles
from api.explain.openings import BlobProofs
from api.pages import STATIC
from api.pages.files import PageFiles
from api.problems import MEDIA_TYPE, Problem, add_problem_handlers
from api.rate_limits import RateLimits
from api.routes import (
    assets,
    batches,
    contributors,
    costs,
    distributions,
    documents,
    events,
    explain,
    health,
    operators,
    pages,
    payers,
    receipts,
    status,
    unlicensed,
    uses,
)
from ledger.db.session import read_sessions

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from api.settings import ApiSettings

DESCRIPTION = """
What contributors earn from AI inference, to the last base unit, and the proof of it.

Every amount is a decimal string of the token's base units and says how final it is: `finalized` (L1 can't take it back), `safe`
(derived from data on L1), `unsafe` (only the sequencer vouches for it) or `pending` (in no block yet), and on which L2 block it
stands. One answer is read in one snapshot: `read_at` names the blocks. Exact earnings are integers over 10^30; whole units are
rounded down once.

Errors are problem+json and say what to do. Lists are paged: pass `next_cursor` back as `cursor`.
"""

_GROUPS = (
    assets,
    unlicensed,
    contributors,
    uses,
    documents,
    explain,
    receipts,
    batches,
    costs,
    operators,
    distributions,
    payers,
    status,
    events,
)
_PROBLEMS: dict[int | str, dict[str, object]] = {
    code: {"description": text, "model": Problem, "content": {MEDIA_TYPE: {}}}
    for code, text in (
        (404, "Nothing is there; the detail says where to look."),
        (422, "A parameter is malformed; the detail names it."),
        (429, "Too many requests from this address; wait `retry-after` seconds."),
        (503, "The index or the database is not ready; try again after `retry-after` seconds."),
    )
}


def build_app(engine: Engine, settings: ApiSettings) -> FastAPI:
    """The API over a read-only engine."""
    app = FastAPI(
        lifespan=_lifespan,
        title="Tributary",
        summary="Royalties of AI inference, with proofs",
        description=DESCRIPTION,
        version=_version(),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,  # it would load from another host; /docs is a page of our own
        redoc_url=None,
    )
    app.state.sessions = read_sessions(engine)
    app.state.movements = Movements(app.state.sessions, settings.listeners, settings.events_seconds)
    app.state.earners = Earners()
    app.state.archive = settings.archive_dir
    app.state.kept_files = KeptFiles(settings.kept_dir, settings.kept_bytes)
    app.state.blob_proofs = BlobProofs(settings.archive_dir, app.state.kept_files)
    v1 = APIRouter(prefix="/v1", responses=_PROBLEMS)
    for group in _GROUPS:
        v1.include_router(group.router)
    app.include_router(v1)
    app.include_router(health.router)
    app.include_router(pages.router)
    app.mount("/static", PageFiles(directory=STATIC))
    app.add_middleware(EntityTags)
    if settings.requests_per_minute:
        app.add_middleware(RateLimits, requests_per_minute=settings.requests_per_minute)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=5)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "HEAD"],
        expose_headers=["etag", "retry-after"],
    )
    add_problem_handlers(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Ends what runs beside the requests."""
    yield
    await app.state.movements.close()
    app.state.blob_proofs.close()


def _version() -> str:
    try:
        return version("tributary")
    except PackageNotFoundError:
        return "0"
