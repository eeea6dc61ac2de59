"""Errors as problem+json (RFC 9457), each with a sentence that says what to do; the one table of status codes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg.errors import QueryCanceled
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from starlette.exceptions import HTTPException

from ledger.errors import MalformedInputError, NotFoundError, RetryableError, TributaryError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "2"

STATUS_OF: tuple[tuple[type[TributaryError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (MalformedInputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (RetryableError, HTTPStatus.SERVICE_UNAVAILABLE),
)


class Problem(BaseModel):
    """What went wrong, and what to do about it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Not Found",
                "status": 404,
                "detail": "There is no asset 77; GET /v1/assets lists them.",
                "instance": "/v1/assets/77",
            }
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str


def problem(request: Request, status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer for an error."""
    body = Problem(
        type="about:blank", title=status.phrase, status=status.value, detail=detail, instance=request.url.path
    )
    return JSONResponse(body.model_dump(), status.value, headers, media_type=MEDIA_TYPE)


def _known(request: Request, error: Exception) -> JSONResponse:
    for kind, status in STATUS_OF:
        if isinstance(error, kind):
            retry = {"retry-after": RETRY_AFTER_SECONDS} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
            return problem(request, status, str(error), retry)
    return _unknown(request, error)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    detail = f"{place}: {first['msg']}; /docs says what this path takes."
    return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    said = error.detail if error.detail != status.phrase else "Nothing is served here"
    return problem(request, status, f"{said}; /docs lists the paths.", dict(error.headers or {}))


def _database(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OperationalError)
    retry = {"retry-after": RETRY_AFTER_SECONDS}
    if isinstance(error.orig, QueryCanceled):
        detail = "The query took too long and was given up; ask for a shorter span or a smaller page."
    else:
        detail = "The database does not answer now; try again in a moment."
        log.warning("database_away", reason=str(error.orig).splitlines()[0])
    return problem(request, HTTPStatus.SERVICE_UNAVAILABLE, detail, retry)


def _busy(request: Request, error: Exception) -> JSONResponse:
    """Every connection stayed in use for as long as a query may take."""
    log.warning("connections_exhausted", path=request.url.path, reason=str(error).splitlines()[0])
    detail = "The API has more to answer than it can; try again in a moment."
    return problem(request, HTTPStatus.SERVICE_UNAVAILABLE, detail, {"retry-after": RETRY_AFTER_SECONDS})


def _unknown(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    detail = "The API failed on this request; it is logged. Please report it with the path and the time."
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def add_problem_handlers(app: FastAPI) -> None:
    """Every error of the application leaves as problem+json."""
    app.add_exception_handler(TributaryError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _database)
    app.add_exception_handler(NoConnectionError, _busy)
    app.add_exception_handler(Exception, _unknown)
