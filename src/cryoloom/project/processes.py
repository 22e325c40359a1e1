"""Identity of processes: a pid alone is none, a pid with its start time on one boot is."""

import os
from pathlib import Path


def host_name() -> str:
    """This machine, as claims and locks name it."""
    return os.uname().nodename


def start_ticks(pid: int) -> int:
    """When the process began, in clock ticks since boot; 0 where there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # The name may hold blanks and brackets; fields are counted from the last bracket.
    return int(stat[stat.rindex(")") + 2 :].split()[19])


def is_alive(pid: int, start: int) -> bool:
    """Whether this very process still runs (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    fields = stat[stat.rindex(")") + 2 :].split()
    return fields[0] not in "ZX" and int(fields[19]) == start


def boot_id() -> str:
    """Which boot of this machine, and which process namespace in it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return "unknown"
