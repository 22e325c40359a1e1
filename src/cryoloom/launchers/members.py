"""Who takes part in sharing this machine, known without any file: a name in the kernel that goes with its process.

Each process that takes slots binds an abstract socket of Linux, which no logout and no tidying of folders takes away, and
which is gone when the process is. Of the socket only the name is used: user, book, process, start time.
"""

import hashlib
import os
import socket
from pathlib import Path

from cryoloom.project.processes import is_alive, start_ticks

_sockets: dict[
    tuple[int, str], socket.socket
] = {}  # by process, since a fork is a member of its own, and name


def join(book: Path) -> None:
    """Be a member of those who share by this book, until this process ends."""
    name = f"\0{_prefix(book)}{os.getpid()}/{start_ticks(os.getpid())}"
    if (os.getpid(), name) not in _sockets:
        own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        own.bind(name)
        _sockets[os.getpid(), name] = own


def living(book: Path) -> list[tuple[int, int]]:
    """All members of this user's: pid and start time."""
    found = []
    for line in Path("/proc/net/unix").read_text().splitlines():
        name = line.rpartition(" ")[2]
        if not name.startswith(f"@{_prefix(book)}"):
            continue
        pid, _, start = name.removeprefix(f"@{_prefix(book)}").partition("/")
        # Anybody may bind any name: only what names a living process of ours counts.
        if pid.isdigit() and start.isdigit() and is_alive(int(pid), int(start)) and _is_ours(int(pid)):
            found.append((int(pid), int(start)))
    return found


def _prefix(book: Path) -> str:
    return f"cryoloom/{os.getuid()}/{hashlib.sha256(os.fsencode(book)).hexdigest()[:12]}/"


def _is_ours(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}").stat().st_uid == os.getuid()
    except OSError:
        return False
