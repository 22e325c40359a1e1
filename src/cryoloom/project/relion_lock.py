"""RELION's own lock around `default_pipeline.star`: the folder `.relion_lock`.

RELION makes it with mkdir while it reads and writes the pipeline and waits while it exists; it
leaves it behind when it fails. Ours names host, pid and start time, so that a dead owner's lock
can be told from a living one's.
"""

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from cryoloom.errors import ProjectError
from cryoloom.project.processes import host_name, is_alive, start_ticks

LOCK = ".relion_lock"
OWNER = "lock_default_pipeline.star"  # RELION's name for the file inside
PATIENCE_S = 10.0
# RELION holds it for an instant: one so old was left by a program that was killed, and is not worth our waiting.
STALE_S, STALE_PATIENCE_S = 60.0, 1.0
# Who has made the folder writes into it at once: one that stays empty was left by a program that was killed.
EMPTY_S = 5.0


@contextlib.contextmanager
def relion_lock(root: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the pipeline's lock; nothing slow may happen inside.

    Raises:
        ProjectError: another program holds it for longer than our patience.
    """
    lock = root / LOCK
    began = since = time.monotonic()
    seen = (0, 0)
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            stamp, owner = _stamp(lock), _owner(lock)
            if stamp != seen:
                seen, since = stamp, time.monotonic()
            is_old = time.monotonic() - since > EMPTY_S
            if _is_dead(owner) if owner is not None else is_old and _is_empty(lock):
                _break(lock, stamp)
            waited = time.monotonic() - began
            if waited > patience_s or (owner is None and waited > STALE_PATIENCE_S and _age(lock) > STALE_S):
                raise ProjectError(
                    f"{lock}",
                    found=f"held {_by_whom(lock, owner)}",
                    expected="free",
                    hint=f"If that program does not run any more, remove it: rm -r {lock}",
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


def _age(lock: Path) -> float:
    """Seconds since it was taken, by the wall clock."""
    try:
        return time.time() - lock.stat().st_mtime
    except OSError:
        return 0.0


def _by_whom(lock: Path, owner: dict[str, object] | None) -> str:
    """Whose it is and since when, as far as it can be known."""
    try:
        stat = lock.stat()
        user = pwd.getpwuid(stat.st_uid).pw_name
    except OSError:
        return "by another program"
    except KeyError:
        user = f"user {stat.st_uid}"
    since = time.strftime("%F %T", time.localtime(stat.st_mtime))
    if owner is not None:
        return f"by process {owner['pid']} of {user} on {owner.get('host', 'another host')} since {since}"
    return f"by a RELION program of {user} since {since}"


def _is_empty(lock: Path) -> bool:
    """Whether nobody has written into it; not where it is just gone."""
    try:
        return all(name == OWNER and not (lock / name).stat().st_size for name in os.listdir(lock))
    except OSError:
        return False


def _is_dead(owner: dict[str, object]) -> bool:
    if owner.get("host") != host_name():
        return False
    pid, start = owner.get("pid"), owner.get("start")
    return isinstance(pid, int) and isinstance(start, int) and not is_alive(pid, start)


def _stamp(lock: Path) -> tuple[int, int]:
    """Which of the folders of this name it is, and as it was when; zeros where there is none."""
    try:
        stat = lock.stat()
    except OSError:
        return 0, 0
    return stat.st_ino, stat.st_ctime_ns


def _break(lock: Path, stamp: tuple[int, int]) -> None:
    """Take away a lock that was left, unless another breaker was faster, and the one there now is its own."""
    root = os.open(lock.parent, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: as good as it gets
            fcntl.flock(root, fcntl.LOCK_EX)
        if _stamp(lock) == stamp:
            grave = lock.with_name(f"{LOCK}.dead.{os.getpid()}")
            lock.rename(grave)
            shutil.rmtree(grave, ignore_errors=True)
    except OSError:
        pass  # it is gone: the next look finds whose it is
    finally:
        os.close(root)
