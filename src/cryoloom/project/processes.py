"""Identity of processes: a pid alone is none, a pid with its start time on one boot is."""

import os
from functools import cache
from pathlib import Path


def host_name() -> str:
    """This machine, as claims and locks name it."""
    return os.uname().nodename


def start_ticks(pid: int) -> int:
    """When the process began, in clock ticks since boot; 0 where there is no such process."""
    fields = _stat(pid)
    return int(fields[19]) if fields else 0


def is_alive(pid: int, start: int) -> bool:
    """Whether this very process still runs (a zombie does not)."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in (b"Z", b"X") and int(fields[19]) == start


def _stat(pid: int) -> list[bytes]:
    """The fields of `/proc/PID/stat` from the third on, the state; none where there is no such process."""
    try:
        # Asked several times a second for each job: without Python's layers of text.
        handle = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return []
    try:
        stat = os.read(handle, 4096)
    except OSError:
        return []  # it has just ended
    finally:
        os.close(handle)
    # The name may hold blanks and brackets; fields are counted from the last bracket.
    return stat[stat.rindex(b")") + 2 :].split()


@cache
def boot_id() -> str:
    """Which boot of this machine, and which process namespace in it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return "unknown"
