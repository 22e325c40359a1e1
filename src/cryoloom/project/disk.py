"""Whether a job can write: room on the disk, and leave to use it."""

import errno
import os
from pathlib import Path

# Less than this is no room: a journal and a table go on growing when the images have filled the disk.
LEAST_BYTES = 1 << 20
NO_SPACE = os.strerror(errno.ENOSPC)  # what programs say


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
