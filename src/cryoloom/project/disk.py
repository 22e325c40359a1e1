"""Whether a job can write: room on the disk, a share of it that is not used up, and leave to use it."""

import contextlib
import errno
import os
from pathlib import Path

# Less than this is no room: a journal and a table go on growing when the images have filled the disk.
LEAST_BYTES = 1 << 20
# What programs say.
_WORDS = {os.strerror(code): code for code in (errno.ENOSPC, errno.EDQUOT)}
# A quota is tried by taking so much of it at most, for a moment.
MOST_TRIED_BYTES = 1 << 30


def free_bytes(path: Path) -> int:
    """Bytes that this user may still write there."""
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


def is_full(path: Path) -> bool:
    """Whether there is no room."""
    return free_bytes(path) < LEAST_BYTES


def why_not_writable(folder: Path, needs_free: int = 0) -> str:
    """The sentence that says what keeps a job from writing to its folder; "" when nothing does.

    Args:
        folder: the job's.
        needs_free: bytes without which it is not worth while; at least `LEAST_BYTES`.
    """
    if not os.access(folder, os.W_OK):
        return f"{folder} cannot be written (read-only, or not yours)"
    needs_free = max(needs_free, LEAST_BYTES)
    if free_bytes(folder) < needs_free:
        return no_space(needs_free)
    return ""


def no_space(needs_free: int) -> str:
    """The sentence that says what has to be free."""
    return f"no space left on the disk; goes on by itself when {needs_free / 1e6:,.0f} MB are free"


def no_quota(needs_free: int) -> str:
    """The same where the disk has room, and this user may not have more of it."""
    return f"your quota is used up; goes on by itself when it leaves {needs_free / 1e6:,.0f} MB"


def why_over_quota(folder: Path, needs_free: int) -> str:
    """The sentence that says that the quota is still used up; "" when so much could be had. Found by taking it."""
    needs_free = max(needs_free, LEAST_BYTES)
    code = _try(folder, min(needs_free, MOST_TRIED_BYTES))
    if code == errno.EDQUOT:
        return no_quota(needs_free)
    return no_space(needs_free) if code == errno.ENOSPC else ""


def lack_of_room(folder: Path, words: str) -> OSError | None:
    """What a program that failed with these last words found: a full disk or quota, or neither.

    RELION's words do not always say so, so it is tried too.
    """
    code = next((code for said, code in _WORDS.items() if said in words), 0)
    if not code:
        code = errno.ENOSPC if is_full(folder) else _try(folder, LEAST_BYTES)
    return OSError(code, os.strerror(code), str(folder)) if code else None


def _try(folder: Path, count: int) -> int:
    """Take so many bytes for a moment: ENOSPC or EDQUOT where they cannot be had, else 0."""
    trial = folder / ".cryoloom" / f"room.{os.getpid()}"
    try:
        with trial.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, count)
    except OSError as error:
        # A file system that cannot be asked so says something else: the next attempt will tell.
        return error.errno if error.errno in (errno.ENOSPC, errno.EDQUOT) else 0
    finally:
        with contextlib.suppress(OSError):
            trial.unlink(missing_ok=True)
    return 0
