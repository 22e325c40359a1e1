"""What an attempt whose shepherd is gone has left running: found by token, session and descent, and ended.

The shepherd ends its whole tree itself. When it is killed, its children are adopted by others, and some have wiped the
environment that holds the attempt's token, or have begun a session of their own.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryoloom.project.processes import boot_id, host_name

PATIENCE_S = 10.0  # a process in the kernel's hands (a server that is away) may not end at all


@dataclass(frozen=True, slots=True)
class Seen:
    """A process as /proc shows it."""

    pid: int
    parent: int
    session: int
    start: int  # clock ticks since boot


def end_left_behind(claim: Mapping[str, Any]) -> None:
    """End what the claim's attempt left running; twice nothing found means clean.

    What cannot be ended is told on the standard error, and left.
    """
    clean, deadline = 0, time.monotonic() + PATIENCE_S
    while clean < 2:
        found = left_behind(claim)
        clean = 0 if found else clean + 1
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            pids = ", ".join(str(pid) for pid in found)
            print(f"{time.strftime('%F %T')} cannot end what an attempt left behind: {pids}", file=sys.stderr)
            return
        time.sleep(0.05)


def left_behind(claim: Mapping[str, Any]) -> list[int]:
    """Processes of an attempt, zombies and ourselves left out."""
    seen = _processes()
    found = {pid for pid in seen if _has_token(pid, str(claim.get("token", "")))}
    found |= _of_session(claim, seen)
    grew = True
    while grew:
        below = {one.pid for one in seen.values() if one.parent in found}
        grew = not below <= found
        found |= below
    return sorted(found - {os.getpid()})


def _of_session(claim: Mapping[str, Any], seen: Mapping[int, Seen]) -> set[int]:
    """Those of the shepherd's own session; none where that number may mean another one by now."""
    session, start = claim.get("session"), claim.get("start", 0)
    is_ours = claim.get("host") == host_name() and claim.get("boot") == boot_id()
    # A shepherd within a batch job shares its session with what is none of ours.
    if not is_ours or session is None or session != claim.get("pid"):
        return set()
    leader = seen.get(session)
    if leader is not None and leader.start != start:
        return set()  # a later process was given the number
    return {one.pid for one in seen.values() if one.session == session and one.start >= start}


def _has_token(pid: int, token: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return bool(token) and f"CRYOLOOM_ATTEMPT={token}".encode() in environment.split(b"\0")


def _processes() -> dict[int, Seen]:
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            stat = Path(f"/proc/{name}/stat").read_text()
        except OSError:
            continue
        # The name may hold blanks and brackets; fields are counted from the last bracket.
        fields = stat[stat.rindex(")") + 2 :].split()
        if fields[0] not in "ZX":
            found[int(name)] = Seen(int(name), int(fields[1]), int(fields[3]), int(fields[19]))
    return found
