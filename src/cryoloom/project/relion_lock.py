"""RELION's own lock around `default_pipeline.star`: the folder `.relion_lock`.

RELION makes it with mkdir while it reads and writes the pipeline and waits while it exists; it
leaves it behind when it fails. Ours names host, pid and start time, so that a dead owner's lock
can be told from a living one's.
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from cryoloom.errors import ProjectError
from cryoloom.project.processes import host_name, is_alive, start_ticks

LOCK = ".relion_lock"
OWNER = "lock_default_pipeline.star"  # RELION's name for the file inside
PATIENCE_S = 60.0


@contextlib.contextmanager
def relion_lock(root: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the pipeline's lock; nothing slow may happen inside.

    Raises:
        ProjectError: another program holds it for longer than our patience.
    """
    lock = root / LOCK
    began = time.monotonic()
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            owner = _owner(lock)
            if owner is not None and _is_dead(owner):
                _break(lock)
                continue
            if time.monotonic() - began > patience_s:
                raise ProjectError(
                    f"{lock}",
                    found=f"held for {patience_s:.0f} s by {owner or 'a RELION program'}",
                    expected="free",
                    hint=f"If no RELION program runs in this project, remove it: rm -r {lock}",
                ) from None
            time.sleep(0.02)
        except OSError as error:
            raise ProjectError(
                f"{root}", found=f"not writable ({error.strerror})", expected="a folder to write"
            ) from None
    try:
        mine = {"host": host_name(), "pid": os.getpid(), "start": start_ticks(os.getpid())}
        (lock / OWNER).write_text(json.dumps(mine) + "\n")
        yield
    finally:
        shutil.rmtree(lock, ignore_errors=True)


def _owner(lock: Path) -> dict[str, object] | None:
    try:
        owner = json.loads((lock / OWNER).read_text())
    except (OSError, ValueError):
        return None
    return owner if isinstance(owner, dict) and "pid" in owner else None


def _is_dead(owner: dict[str, object]) -> bool:
    if owner.get("host") != host_name():
        return False
    pid, start = owner.get("pid"), owner.get("start")
    return isinstance(pid, int) and isinstance(start, int) and not is_alive(pid, start)


def _break(lock: Path) -> None:
    """Take a dead owner's lock away; of two breakers the rename lets one through."""
    grave = lock.with_name(f"{LOCK}.dead.{os.getpid()}")
    with contextlib.suppress(OSError):
        lock.rename(grave)
        shutil.rmtree(grave, ignore_errors=True)
