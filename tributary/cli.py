"""The command line `tributary`: one program, one word for each part."""

from __future__ import annotations

import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from dotenv import load_dotenv

from ledger.config import DatabaseSettings
from ledger.errors import SettingsError
from tributary.failure import explain
from tributary.logs import configure_logs
from tributary.settings import ProgramSettings
from tributary.stages import CHECK_PANEL, PARTS, mount

INTERRUPTED = 130
TERMINATED = 143

application = typer.Typer(
    name="tributary",
    help="Tributary, an attribution ledger for AI inference: every answer leaves a signed receipt, and every fee flows "
    "back to those who made the answer possible.\n\nNew here? `tributary demo` runs the whole of it on this machine. "
    "Settings come from the environment and from `.env` in the current folder; docs/settings.md lists them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
_state = {"debug": False}


@application.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the Python traceback of an error.")] = False,
    env_file: Annotated[
        Path | None, typer.Option(help="Read settings from this file too; the environment wins over it.")
    ] = None,
) -> None:
    """Read what holds for every part."""
    if env_file is not None and not env_file.is_file():
        raise SettingsError(f"There is no settings file {env_file}.")
    _read_settings_file(env_file or Path.cwd() / ".env")
    settings = ProgramSettings.load(tributary_debug=debug or None)
    _state["debug"] = settings.tributary_debug
    configure_logs(settings)


for _part in PARTS:
    mount(application, _part)


@application.command(rich_help_panel=CHECK_PANEL)
def migrate(
    revision: Annotated[str, typer.Argument(help="Schema revision to go to.")] = "head",
) -> None:
    """Bring the schema of your own PostgreSQL up to date (the embedded one does so by itself)."""
    from tributary.database import migrate as bring_up_to_date  # noqa: PLC0415  # half a second, for --help too

    bring_up_to_date(DatabaseSettings.load().database_url.get_secret_value(), revision)
    typer.echo(f"The database is at schema revision {revision}.")


def _read_settings_file(file: Path) -> None:
    try:
        load_dotenv(file)
    except UnicodeDecodeError as error:
        raise SettingsError(f"The settings file {file} is not text.") from error


def main() -> None:
    """Run the program: exit code 0, or one sentence on standard error and another code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        typer.main.get_command(application).main(prog_name="tributary")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # whatever it is, the user reads a sentence
        if _state["debug"]:
            traceback.print_exception(error)
        sentence, code = explain(error)
        print(sentence, file=sys.stderr)
        sys.exit(code)


def _terminate(*_: object) -> NoReturn:
    # As an exception, so that every `with` block ends what it started.
    raise SystemExit(TERMINATED)
