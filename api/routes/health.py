"""GET /health: the process answers. GET /ready: it can also read an index."""

from fastapi import APIRouter

from api.problems import MEDIA_TYPE, Problem
from api.reading import CurrentReading
from api.schemas.figures import ReadAt
from api.schemas.status import Health

router = APIRouter(tags=["health"])


@router.get("/health")
def health() -> Health:
    """The process is up."""
    return Health(status="ok")


@router.get("/ready", responses={503: {"model": Problem, "content": {MEDIA_TYPE: {}}}})
def ready(reading: CurrentReading) -> ReadAt:
    """The database answers and the index has blocks to read at."""
    return ReadAt.of(reading)
