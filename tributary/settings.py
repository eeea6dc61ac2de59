"""Settings of the program itself, whichever part of it runs."""

from typing import Literal

from pydantic import Field

from ledger.config import Settings


class ProgramSettings(Settings):
    """How the program speaks."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level of the log lines on standard error: debug, info, warning or error"
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto",
        description="Form of the log lines: console, json, or auto (console on a terminal, else json)",
    )
    tributary_debug: bool = Field(default=False, description="Show the Python traceback of an error, as --debug does")
