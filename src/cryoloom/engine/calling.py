"""The way to a project's scheduler for those who want something of it: start it, call it, ask why jobs wait.

Apart from the scheduler, so that a command that only looks does not load what judges and starts jobs.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from cryoloom.errors import ProjectError, UnreadableError
from cryoloom.project.index import cache_folder
from cryoloom.project.jsonfile import read_json_if_there

POKE, LOCK, WAITS = "poke", "scheduler.lock", "waits.json"


def ensure_scheduler(root: Path) -> None:
    """Start the project's scheduler, detached, unless one lives."""
    folder = _usable_cache(root)
    if _is_locked(folder / LOCK):
        return
    with (folder / "scheduler.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "cryoloom.engine.scheduler", str(root.resolve())],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def call_scheduler(root: Path) -> None:
    """Have the project's scheduler look at all jobs now: a wish has changed."""
    folder = _usable_cache(root)
    (folder / POKE).write_text("")
    ensure_scheduler(root)


def _usable_cache(root: Path) -> Path:
    """The project's cache folder, made where it is missing.

    Raises:
        ProjectError: it cannot be.
    """
    folder = cache_folder(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(
            f"{folder}", found=f"not usable ({error.strerror})", expected="a folder for the scheduler of this project",
            hint="Set XDG_CACHE_HOME to a folder that you may write to.",
        ) from None  # fmt: skip
    return folder


def read_waits(root: Path) -> dict[str, str]:
    """Why jobs wait, as the scheduler says that lives; under "" why none can work, or that none is there."""
    folder = cache_folder(root)
    try:
        content = read_json_if_there(folder / WAITS) or {}
    except UnreadableError as error:
        return {"": f"why jobs wait cannot be read: {error}"}
    if trouble := str(content.get("trouble", "")):
        return {"": trouble}
    if not _is_locked(folder / LOCK):
        return {"": "no scheduler runs on this machine; cryoloom resume JOB starts it"}
    return {str(name): str(why) for name, why in content.get("waits", {}).items()}


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False  # not there; or a cache that cannot be used, in which none can work
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
